//! `POST /sse/ticket`: how does a reader that cannot set headers open a stream without its key in
//! an address?
//!
//! # Invariants
//!
//! 1. A ticket opens streams and nothing else, with the rights of the key that asked for it.
//! 2. It opens one stream, and is used when that stream begins; what is refused leaves it usable.
//! 3. Within its life it opens further streams for who names, as `Last-Event-ID`, an event not
//!    before the place where the first began: nothing older comes to light by it. It cannot tell its
//!    reader from somebody who has both the ticket and such an id.
//! 4. Only digests of tickets are kept, no more than [`MOST`] for each key, and none beyond its life.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse, web};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use crate::http::answers;
use crate::http::gate::Admitted;
use crate::http::mcp::{read, retry_later};
use crate::mcp::{rate_limited, unauthorized};

/// How long a ticket opens streams.
const LIFE: Duration = Duration::from_mins(1);

/// How many of a key's tickets there may be at once.
const MOST: usize = 64;

/// The length of a ticket in characters, of which each has 6 bits.
const LENGTH: usize = 32;

/// The tickets that may still be used.
#[derive(Debug, Default)]
pub struct Tickets(Mutex<HashMap<[u8; 32], Ticket>>);

#[derive(Debug, Clone, Copy)]
struct Ticket {
    /// The place of the key that asked for it.
    key: usize,
    until: Instant,
    /// After which event its first stream began, once it has opened one.
    began: Option<i64>,
}

impl Ticket {
    /// Whether it opens a stream for a reader that has everything up to the event `has`.
    fn opens(&self, has: Option<i64>, now: Instant) -> bool {
        let comes_back = |began| has.is_some_and(|has| began <= has);
        now < self.until && self.began.is_none_or(comes_back)
    }
}

/// A ticket that somebody shows and that is not used yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shown {
    digest: [u8; 32],
    key: usize,
}

impl Shown {
    /// The place of the key whose rights a stream has that is opened with it.
    pub(super) fn key(&self) -> usize {
        self.key
    }
}

impl Tickets {
    /// Gives a ticket out to the key at this place, or says after how long there is room for one.
    fn issue(&self, key: usize, now: Instant) -> Result<String, Duration> {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tickets.retain(|_, ticket| now < ticket.until);
        let of_key = tickets.values().filter(|ticket| ticket.key == key);
        let (count, first) =
            of_key.fold((0, None), |(count, first): (_, Option<Instant>), of_key| {
                (count + 1, Some(first.map_or(of_key.until, |first| first.min(of_key.until))))
            });
        if let Some(first) = first.filter(|_| MOST <= count) {
            return Err(first.duration_since(now));
        }
        let text = draw();
        tickets.insert(digest(text.as_bytes()), Ticket { key, until: now + LIFE, began: None });
        Ok(text)
    }

    /// The ticket with this text, if it may open a stream for a reader that has everything up to the
    /// event `has`, or nothing; it is as usable afterwards as before.
    pub(super) fn show(&self, text: &[u8], has: Option<i64>, now: Instant) -> Option<Shown> {
        let digest = digest(text);
        let tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = tickets.get(&digest).filter(|ticket| ticket.opens(has, now))?;
        Some(Shown { digest, key: ticket.key })
    }

    /// Uses a ticket for a stream that begins after the event `position`. Not so if somebody else
    /// used it meanwhile and this reader does not come back, or if it became too old.
    pub(super) fn open(
        &self,
        shown: &Shown,
        has: Option<i64>,
        position: i64,
        now: Instant,
    ) -> bool {
        let mut tickets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let ticket = tickets.get_mut(&shown.digest).filter(|ticket| ticket.opens(has, now));
        let Some(ticket) = ticket else { return false };
        ticket.began.get_or_insert(position);
        true
    }
}

fn draw() -> String {
    nanoid::nanoid!(LENGTH)
}

fn digest(ticket: &[u8]) -> [u8; 32] {
    Sha256::digest(ticket).into()
}

/// Gives a ticket out.
pub(super) async fn post(request: HttpRequest, payload: web::Payload) -> HttpResponse {
    let body = match read(payload).await {
        Ok(body) => body,
        Err(refusal) => return refusal,
    };
    // There is nothing to ask for, and what is asked for all the same is not overlooked.
    let is_plain = body.trim_ascii().is_empty()
        || serde_json::from_slice::<Map<String, Value>>(&body).is_ok_and(|body| body.is_empty());
    if !is_plain {
        let why = "the body must be empty or {}: a ticket has the rights of the key, and no others";
        return answers::error(StatusCode::BAD_REQUEST, why);
    }
    let Some(admitted) = request.extensions().get::<Admitted>().cloned() else {
        return answers::json_text(StatusCode::UNAUTHORIZED, unauthorized());
    };
    if admitted.has_token() {
        let why = "tickets are given out for keys; send the token to /sse as Authorization: Bearer";
        return answers::error(StatusCode::FORBIDDEN, why);
    }
    let issued = match admitted.key() {
        Some(key) => admitted.tickets().issue(key, Instant::now()),
        // Where nobody needs a key, nobody needs a ticket; clients need not know.
        None => Ok(draw()),
    };
    match issued {
        Ok(ticket) => {
            HttpResponse::Ok().json(json!({ "ticket": ticket, "expiresIn": LIFE.as_secs() }))
        }
        Err(wait) => retry_later(StatusCode::TOO_MANY_REQUESTS, rate_limited(), wait),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Uses a ticket as a request does: it is shown, and its stream begins.
    fn used(tickets: &Tickets, text: &str, has: Option<i64>, now: Instant) -> Option<usize> {
        let shown = tickets.show(text.as_bytes(), has, now)?;
        tickets.open(&shown, has, has.unwrap_or(40), now).then(|| shown.key())
    }

    #[test]
    fn a_ticket_opens_one_stream_and_then_only_later_parts_of_it() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        let ticket = tickets.issue(3, now).unwrap();
        assert_eq!(used(&tickets, "another", None, now), None);
        assert_eq!(used(&tickets, &ticket, None, now), Some(3));
        assert_eq!(used(&tickets, &ticket, None, now), None);
        for (has, place) in [(0, None), (39, None), (40, Some(3)), (57, Some(3)), (41, Some(3))] {
            assert_eq!(used(&tickets, &ticket, Some(has), now), place, "{has}");
        }
        let last = now + LIFE - Duration::from_millis(1);
        assert_eq!(used(&tickets, &ticket, Some(40), last), Some(3));
        assert_eq!(used(&tickets, &ticket, Some(40), now + LIFE), None);
    }

    #[test]
    fn a_ticket_that_is_shown_is_not_used_and_of_two_who_show_it_one_has_it() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        let ticket = tickets.issue(3, now).unwrap();
        let shown = tickets.show(ticket.as_bytes(), None, now).unwrap();
        assert_eq!(tickets.show(ticket.as_bytes(), None, now), Some(shown));
        assert!(tickets.open(&shown, None, 40, now));
        assert!(!tickets.open(&shown, None, 40, now));
        let ticket = tickets.issue(3, now).unwrap();
        let shown = tickets.show(ticket.as_bytes(), None, now).unwrap();
        assert!(!tickets.open(&shown, None, 40, now + LIFE), "it became too old meanwhile");
    }

    #[test]
    fn a_ticket_that_nobody_used_is_too_old_after_a_minute() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        let ticket = tickets.issue(0, now).unwrap();
        assert_eq!(used(&tickets, &ticket, None, now + LIFE), None);
    }

    #[test]
    fn a_key_has_a_bounded_number_of_them_and_takes_none_from_others() {
        let (tickets, now) = (Tickets::default(), Instant::now());
        for _ in 0..MOST {
            tickets.issue(0, now).unwrap();
        }
        let later = now + Duration::from_secs(1);
        assert_eq!(tickets.issue(0, later), Err(Duration::from_secs(59)));
        assert!(tickets.issue(1, now).is_ok());
        assert!(tickets.issue(0, now + LIFE).is_ok());
        assert_eq!(tickets.0.lock().unwrap().len(), 1, "what is too old is forgotten");
    }
}
