//! Ending a request whose actor failed again and again.

use std::sync::Arc;

use crate::chat::deps::ChatDeps;
use crate::chat::event::{Body, Ending, Event, Outcome};
use crate::chat::frame::Place;
use crate::chat::ledger;
use crate::chat::machine;
use crate::chat::prompt::UNKNOWN;
use crate::chat::record::{self, Addition, Asked, Journal};
use crate::chat::request::Request;
use crate::ids::ConversationId;
use crate::store::StoreError;
use crate::store::chat::usage::Purpose;
use crate::store::chat::{conversations, events, partials, turns};

/// The most events of a request that are read; what is beyond them is not given up by this.
const MOST: i64 = 10_000;

/// Ends the request that is worked on in a conversation, if there is one.
pub(super) async fn end_request(
    deps: &Arc<ChatDeps>,
    id: &ConversationId,
    failure: &str,
) -> Result<(), StoreError> {
    tracing::error!(conversation = %id, failure, "a request is given up");
    let (key, retention) = (id.to_string(), deps.settings.repository.retention);
    let all = Arc::clone(deps);
    let write = deps.store.record(move |transaction| {
        let Some(turn) = turns::next_open(transaction.reader(), &key)? else {
            return Ok(None);
        };
        let Some(conversation) = conversations::find(transaction.reader(), &key)? else {
            return Ok(None);
        };
        let journal = Journal { conversation_id: key.clone(), last_seq: conversation.last_seq };
        let first = turn.first_seq.unwrap_or(journal.last_seq + 1);
        let rows = events::after(transaction.reader(), &key, first - 1, MOST)?;
        let so_far: Vec<Event> = rows.into_iter().map(Event::from_row).collect();
        let open = machine::unresolved(&so_far);
        let result = |(call_id, has_begun): (String, bool)| -> Addition {
            let (text, outcome) = if has_begun {
                (UNKNOWN.to_owned(), Outcome::Unknown)
            } else {
                ("This call was not made.".to_owned(), Outcome::Cancelled)
            };
            (Body::ToolResult { call_id, text, outcome }, 0)
        };
        let additions: Vec<Addition> = open.into_iter().map(result).collect();
        let ending = Ending::Error {
            code: "actor_crash_loop".to_owned(),
            message: "the daemon failed on this request again and again, and gave it up".to_owned(),
            retryable: false,
        };
        if let Ok(asked @ 1..) = u64::try_from(turn.asked_tokens) {
            let text = partials::text(transaction.reader(), &key, journal.last_seq + 1)?;
            // About as many tokens as most texts have; counting them would hold the writer up.
            let said = u64::try_from(text.len().div_ceil(4)).unwrap_or(u64::MAX);
            let request = Request::of(&turn.request_json).unwrap_or_default();
            let provider = all.provider(request.provider.as_deref());
            let cost = ledger::cost(None, ledger::counted(asked, said), provider.prices);
            let asked = Asked::of(provider, Purpose::Answer, &all);
            record::charge(transaction, &turn, &asked, cost)?;
        }
        let end = (&*additions, &ending);
        let added = record::end(transaction, &journal, &turn, end, retention)?;
        Ok(Some((turn.request_id, added)))
    });
    if let Some((request_id, added)) = write.await? {
        deps.statistics.note(&added);
        let request_id = request_id.into();
        let place = Place { conversation_id: id.as_str(), request_id: Some(&request_id) };
        let frames = added.iter().flat_map(|event| place.of(event, &deps.telling)).collect();
        let feed = deps.feeds.of(id);
        feed.finish();
        feed.publish(added.last().map_or(0, |event| event.seq), frames);
    }
    Ok(())
}
