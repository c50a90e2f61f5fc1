//! `POST /v1/chat/completions`: a client of the completions API, which sends all of a conversation
//! each time, asks the daemon's model, which has the daemon's tools.

mod answer;
mod answering;
mod fault;
mod models;
mod shape;
mod streaming;
mod wire;
mod words;

use std::sync::Arc;

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderValue, RETRY_AFTER};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, HttpResponseBuilder, web};

use self::answer::Heading;
use self::answering::{Answering, Step};
use self::fault::Fault;
pub(in crate::http) use self::models::{get as model, list as models};
use self::wire::Wanted;
use self::words::Words;
use super::door::ChatDoor;
use super::handshake::NO_CHAT;
use crate::chat::{Chat, Request, Said, Speaker};
use crate::http::gate::Admitted;
use crate::http::mcp::read;
use crate::ids::IdPrefix;
use crate::tools::Role;

/// What a client calls a request, so that the same again is found.
const CLIENT_IDS: [&str; 2] = ["idempotency-key", "x-client-request-id"];

/// Says that somebody is there to approve calls, by another way than this one.
const ATTENDED: &str = "x-lukhas-attended";

/// Tells where a request is answered.
const CONVERSATION: &str = "x-lukhas-conversation";

/// Asks the model.
pub(in crate::http) async fn post(
    request: HttpRequest,
    door: web::Data<ChatDoor>,
    payload: web::Payload,
) -> HttpResponse {
    let body = match read(payload).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    let Some(admitted) = request.extensions().get::<Admitted>().cloned() else {
        let status = StatusCode::UNAUTHORIZED;
        return crate::http::answers::json_text(status, crate::mcp::unauthorized());
    };
    if let Some(refusal) = admitted.needs_broader_token(|| true) {
        return refusal;
    }
    match ask(&request, &door, &admitted, &body).await {
        Ok(response) => response,
        Err(fault) => respond(&fault),
    }
}

async fn ask(
    request: &HttpRequest,
    door: &Arc<ChatDoor>,
    admitted: &Admitted,
    body: &[u8],
) -> Result<HttpResponse, Fault> {
    let chat = door.chat().ok_or_else(|| Fault::new(404, "no_chat", NO_CHAT.to_owned()))?;
    if admitted.caller.role == Role::Read {
        let why = "a key that may only read cannot ask the model; use one that may operate";
        return Err(Fault::new(403, "forbidden", why.to_owned()));
    }
    let wanted = wire::parse(body)?;
    let provider = models::provider_of(chat, &wanted.model)?;
    let named = client_id(request.headers())?;
    let created = door.now().unix_seconds();
    let mut answering =
        begin((chat, &admitted.caller.principal), (&wanted, provider, named), request).await?;
    let heading = Heading {
        id: format!("chatcmpl-{}", answering.request_id),
        created,
        model: wanted.model,
        include_usage: wanted.include_usage,
    };
    let conversation = HeaderValue::from_str(answering.conversation.as_str());
    let mut response = if wanted.stream {
        streaming::stream(answering, heading, door).await?
    } else {
        let finish = loop {
            match answering.next().await {
                Step::Text(_) => {}
                Step::End(end) => break end?,
            }
        };
        HttpResponse::Ok().json(heading.whole(&answering.words.all(), &finish))
    };
    if let Ok(conversation) = conversation {
        let name = actix_web::http::header::HeaderName::from_static(CONVERSATION);
        response.headers_mut().insert(name, conversation);
    }
    Ok(response)
}

/// What the client calls its request, if it does.
fn client_id(headers: &HeaderMap) -> Result<Option<String>, Fault> {
    let Some(value) = CLIENT_IDS.iter().find_map(|name| headers.get(*name)) else {
        return Ok(None);
    };
    let text = value.to_str().unwrap_or_default();
    if text.is_empty() || 128 < text.len() {
        let why = "Idempotency-Key must have 1 to 128 visible characters";
        return Err(Fault::invalid(None, why.to_owned()));
    }
    Ok(Some(text.to_owned()))
}

/// Makes the request, and waits for its answer from then on.
async fn begin(
    (chat, principal): (&Chat, &str),
    (wanted, provider, named): (&Wanted, String, Option<String>),
    request: &HttpRequest,
) -> Result<Answering, Fault> {
    let is_attended =
        request.headers().get(ATTENDED).is_some_and(|value| value.as_bytes() == b"true");
    let asked = Request {
        text: wanted.text.clone(),
        streaming: true,
        provider: Some(provider),
        system: wanted.system.clone(),
        without_tools: wanted.without_tools,
        is_attended,
        overrides: wanted.overrides.clone(),
        ..Request::default()
    };
    let request_id = named.unwrap_or_else(|| IdPrefix::draw().draw_id("req"));
    let new = (request_id.clone(), asked);
    let sent = chat.send_after(principal, wanted.earlier.clone(), new).await?;
    let follower = chat.follow(principal, &sent.conversation_id, sent.after_seq).await?;
    let mut said = wanted.earlier.clone();
    said.push(Said { speaker: Speaker::User, text: wanted.text.clone() });
    Ok(Answering {
        chat: chat.clone(),
        principal: principal.to_owned(),
        conversation: sent.conversation_id,
        request_id,
        follower,
        said,
        words: Words::default(),
        // Of a request that was made before, others may wait for the answer.
        is_bound: !sent.is_repeated,
        end: None,
    })
}

/// Says why something was not done.
fn respond(fault: &Fault) -> HttpResponse {
    let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponseBuilder::new(status).json(fault.json());
    if matches!(fault.status, 429 | 503) {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}
