//! `GET /v1/models`: which models are there, and by which names?

use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

use super::super::door::ChatDoor;
use super::super::handshake::NO_CHAT;
use super::fault::Fault;
use super::respond;
use crate::chat::Chat;

/// The names by which each provider can be asked, with the provider.
fn names(chat: &Chat) -> Vec<(String, &str)> {
    let both = chat.providers().flat_map(|(name, provider)| {
        [(name.to_owned(), name), (format!("{name}/{}", provider.model.model()), name)]
    });
    both.collect()
}

/// The provider that a name stands for.
pub(super) fn provider_of(chat: &Chat, model: &str) -> Result<String, Fault> {
    let known = names(chat).into_iter().find(|(name, _)| name == model);
    known.map(|(_, provider)| provider.to_owned()).ok_or_else(|| {
        let why = format!("there is no model {model:?}; GET /v1/models lists those that there are");
        Fault { param: Some("model".to_owned()), ..Fault::new(404, "model_not_found", why) }
    })
}

fn described(door: &ChatDoor, name: &str, provider: &str) -> Value {
    let created = door.began.unix_seconds();
    json!({ "id": name, "object": "model", "created": created, "owned_by": provider })
}

/// All of them.
pub(in crate::http) async fn list(door: web::Data<ChatDoor>) -> HttpResponse {
    let Some(chat) = door.chat() else {
        return respond(&Fault::new(404, "no_chat", NO_CHAT.to_owned()));
    };
    let all = names(chat).into_iter().map(|(name, provider)| described(&door, &name, provider));
    HttpResponse::Ok().json(json!({ "object": "list", "data": all.collect::<Value>() }))
}

/// One of them.
pub(in crate::http) async fn get(door: web::Data<ChatDoor>, id: web::Path<String>) -> HttpResponse {
    let Some(chat) = door.chat() else {
        return respond(&Fault::new(404, "no_chat", NO_CHAT.to_owned()));
    };
    match provider_of(chat, &id) {
        Ok(provider) => HttpResponse::Ok().json(described(&door, &id, &provider)),
        Err(fault) => respond(&fault),
    }
}
