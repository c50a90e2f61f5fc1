//! `GET /sse?topic=conversation/<id>`: a conversation as a stream of events.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use bytes::Bytes;
use futures_util::stream;
use tokio::time::{Instant, interval_at};

use super::door::ChatDoor;
use super::handshake::NO_CHAT;
use crate::chat::{ChatError, Follower, Frame, Part};
use crate::events::{HEARTBEAT, Resume, SHUTDOWN, Stand};
use crate::http::answers;
use crate::http::gate::Admitted;
use crate::http::sse::no_place;
use crate::ids::ConversationId;

/// The wait between two signs of life.
const BEAT: Duration = Duration::from_secs(15);

/// How a topic begins that is a conversation.
pub(in crate::http) const TOPIC: &str = "conversation/";

struct Telling {
    follower: Follower,
    ready: Option<Bytes>,
    beat: tokio::time::Interval,
    ended: Pin<Box<dyn Future<Output = ()> + Send>>,
    is_over: bool,
    _stand: Stand,
}

/// Opens a stream of a conversation. `has` is what its reader has already.
pub(in crate::http) async fn get(
    request: &HttpRequest,
    door: &ChatDoor,
    topics: &[String],
    has: Resume,
) -> HttpResponse {
    let bad = |why: &str| answers::error(StatusCode::BAD_REQUEST, why);
    let [topic] = topics else {
        return bad(
            "a stream of a conversation has this one topic; open another stream for others",
        );
    };
    let Some(chat) = door.chat() else {
        return answers::error(StatusCode::NOT_FOUND, NO_CHAT);
    };
    let id = match ConversationId::parse(topic.strip_prefix(TOPIC).unwrap_or_default()) {
        Ok(id) => id,
        Err(error) => return bad(&format!("of topic=conversation/<id>, {error}")),
    };
    let Some(admitted) = request.extensions().get::<Admitted>().cloned() else {
        return answers::json_text(StatusCode::UNAUTHORIZED, crate::mcp::unauthorized());
    };
    let principal = &admitted.caller.principal;
    let stand = match door.events.stand(principal) {
        Ok(stand) => stand,
        Err(refused) => return no_place(refused),
    };
    let found = async {
        let row = chat.find(principal, &id).await?;
        let after = match has {
            Resume::After(seq) => seq.min(row.last_seq),
            Resume::Live => row.last_seq,
        };
        Ok::<_, ChatError>((chat.follow(principal, &id, after).await?, after))
    };
    let (follower, after) = match found.await {
        Ok(found) => found,
        Err(error @ ChatError::UnknownConversation(_)) => {
            return answers::error(StatusCode::NOT_FOUND, &error.to_string());
        }
        Err(error) => {
            tracing::warn!(error = format!("{error:?}"), "a conversation could not be read");
            let why = "the conversation cannot be read just now; connect again in a moment";
            let mut response = answers::error(StatusCode::SERVICE_UNAVAILABLE, why);
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
            return response;
        }
    };
    // Places in a conversation are not those of the log, by which a ticket knows who comes back: so
    // a ticket opens one stream of a conversation.
    if let Err(refusal) = admitted.use_ticket(None, i64::MAX) {
        return refusal;
    }
    let hello = format!(
        "id: {after}\nretry: 2000\nevent: open\ndata: {{\"ok\":true,\"topic\":\"{topic}\"}}\n\n"
    );
    let telling = Telling {
        follower,
        ready: Some(hello.into()),
        beat: interval_at(Instant::now() + BEAT, BEAT),
        ended: Box::pin(door.ended()),
        is_over: false,
        _stand: stand,
    };
    let frames = stream::unfold(telling, |mut telling| async move {
        let frame = telling.next().await?;
        Some((Ok::<_, Infallible>(frame), telling))
    });
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream")))
        .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .insert_header(("X-Accel-Buffering", "no"))
        .streaming(Box::pin(frames))
}

impl Telling {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(ready) = self.ready.take() {
            return Some(ready);
        }
        if self.is_over {
            return None;
        }
        tokio::select! {
            frame = self.follower.next() => Some(event(&frame)),
            _ = self.beat.tick() => Some(HEARTBEAT),
            () = &mut self.ended => {
                self.is_over = true;
                Some(SHUTDOWN)
            }
        }
    }
}

/// A frame as an event. Words alone have no id: an answer is there when what follows it is, and who
/// comes back in its middle gets it whole.
fn event(frame: &Frame) -> Bytes {
    let has_place = frame.part == Part::Event && frame.status != "chunk";
    let id = if has_place { format!("id: {}\n", frame.seq) } else { String::new() };
    let data = String::from_utf8_lossy(&frame.json);
    format!("{id}event: {}\ndata: {data}\n\n", frame.status).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Piece, Place};

    #[test]
    fn only_what_is_in_the_journal_and_no_words_moves_a_readers_place() {
        let place = Place { conversation_id: "c", request_id: None };
        let text = |frame: &Frame| String::from_utf8(event(frame).to_vec()).unwrap();
        let words = text(&place.delta(4, Piece { hop: 0, attempt: 0, start: 0, text: "a\nb" }));
        assert!(words.starts_with("event: chunk\ndata: {"), "{words}");
        assert_eq!(words.matches('\n').count(), 3, "{words}");
        assert!(text(&place.replayed(4, "ab")).starts_with("event: chunk\n"));
        let passing = place.passing(4, "tool_progress", "", &serde_json::json!({}));
        assert!(text(&passing).starts_with("event: processing\n"));
        let said = crate::chat::Event {
            seq: 5,
            at: String::new(),
            tokens: 0,
            body: crate::chat::Body::UserMessage { request_id: None, text: "hi".to_owned() },
        };
        let telling = crate::config::chat::sample().tool_notifications;
        let frames = place.of(&said, &telling);
        assert!(text(&frames[0]).starts_with("id: 5\nevent: processing\n"));
    }
}
