//! What does a transaction take away from a conversation?
//!
//! Whole requests go, as many at once as others who write can wait for. The summary that the model is
//! shown stays for as long as there is a request after it, because what was said since was built on
//! it; so a journal may begin with it, and go on with a later place. Questions of requests that are
//! gone are withdrawn. A conversation that goes whole is nobody's at once, and goes in parts.

use tracing::warn;

use crate::chat::record::{self, Said};
use crate::chat::retention;
use crate::chat::room::{EVENTS, Room};
use crate::config::chat::RetentionPolicy;
use crate::store::chat::approvals::{self, ApprovalRow, ApprovalStatus};
use crate::store::chat::conversations::{self, Hidden};
use crate::store::chat::{events, parts, turns};
use crate::store::{Reader, Store, StoreError, Transaction};

/// How many conversations are looked for at once.
const CONVERSATIONS: i64 = 100;

/// What is to be forgotten of a conversation: the last events of the parts, the oldest first.
pub(super) fn due(
    conn: &mut Reader,
    conversation_id: &str,
    (retention, now): (RetentionPolicy, crate::clock::Timestamp),
) -> Result<Vec<i64>, StoreError> {
    if retention == RetentionPolicy::Unlimited {
        return Ok(Vec::new());
    }
    let Some(conversation) = conversations::find(conn, conversation_id)? else {
        return Ok(Vec::new());
    };
    if conversation.is_hidden() {
        return Ok(Vec::new());
    }
    if let Some(cutoff) = retention::cutoff(retention, now)
        && events::first_said(conn, conversation_id)?.is_none_or(|at| cutoff.to_string() <= at)
    {
        return Ok(Vec::new());
    }
    let mut weights = events::weights(conn, conversation_id)?;
    weights.retain(|event| Some(event.seq) != conversation.summary_seq);
    let cut = retention::cut(retention, &weights, now);
    Ok(cut.map_or_else(Vec::new, |cut| retention::parts(&weights, cut)))
}

/// Forgets what is not to be kept of a conversation, as much as goes at once, and returns how many
/// events that were.
pub(super) fn forget(
    transaction: &mut Transaction<'_>,
    conversation_id: &str,
    retention: RetentionPolicy,
) -> Result<usize, StoreError> {
    let now = transaction.now();
    let due = due(transaction.reader(), conversation_id, (retention, now))?;
    match due.first() {
        Some(seq) => forget_up_to(transaction, conversation_id, *seq),
        None => Ok(0),
    }
}

/// Forgets the events of a conversation up to a place, and returns how many they were.
pub(super) fn forget_up_to(
    transaction: &mut Transaction<'_>,
    conversation_id: &str,
    seq: i64,
) -> Result<usize, StoreError> {
    let Some(conversation) = conversations::find(transaction.reader(), conversation_id)? else {
        return Ok(0);
    };
    turns::remove_up_to(transaction, conversation_id, seq)?;
    let left = approvals::left_over(transaction.reader(), conversation_id)?;
    withdraw(transaction, left)?;
    events::remove_up_to(transaction, conversation_id, seq, conversation.summary_seq)
}

/// Ends questions that nobody is to answer any more.
pub(super) fn withdraw(
    transaction: &mut Transaction<'_>,
    rows: Vec<ApprovalRow>,
) -> Result<(), StoreError> {
    for row in rows.into_iter().filter(|row| row.status == ApprovalStatus::Pending) {
        let by = record::principal(&row.conversation_id);
        let said = Said { status: ApprovalStatus::Withdrawn, always: false, by: &by };
        record::decide(transaction, &row, said)?;
    }
    Ok(())
}

/// Removes a conversation, or as much of it as there is room for; what is left is nobody's, and goes
/// with [`go_on`]. Answers whether nothing is left.
pub(super) fn remove(
    transaction: &mut Transaction<'_>,
    id: &str,
    room: &mut Room,
) -> Result<bool, StoreError> {
    let asked = approvals::pending(transaction.reader(), Some(id), i64::MAX)?;
    withdraw(transaction, asked)?;
    let most = i64::try_from(EVENTS).unwrap_or(i64::MAX);
    let sizes = parts::sizes(transaction.reader(), id, most)?;
    let taken = room.take_some(&sizes);
    if taken == sizes.len() && taken < EVENTS {
        conversations::remove(transaction, id)?;
        return Ok(true);
    }
    if let Some(last) = taken.checked_sub(1).map(|last| sizes[last]) {
        turns::remove_up_to(transaction, id, last.seq)?;
        events::remove_up_to(transaction, id, last.seq, None)?;
    }
    conversations::hide(transaction, id, Hidden::Going)?;
    Ok(false)
}

/// Removes what is left of conversations.
pub(super) async fn go_on(store: &Store) -> Result<(), StoreError> {
    remove_all(store, |conn| conversations::hidden(conn, Hidden::Going, CONVERSATIONS)).await
}

/// Removes conversations that came in half when an earlier run of the daemon ended.
pub(super) async fn clear_up(store: &Store) -> Result<(), StoreError> {
    remove_all(store, |conn| conversations::hidden(conn, Hidden::Coming, CONVERSATIONS)).await?;
    go_on(store).await
}

/// Removes all conversations that are found, again and again until there are none.
pub(super) async fn remove_all(
    store: &Store,
    find: impl Fn(&mut Reader) -> Result<Vec<String>, StoreError> + Clone + Send + 'static,
) -> Result<(), StoreError> {
    loop {
        let find = find.clone();
        let removed = store.record(move |transaction| {
            let ids = find(transaction.reader())?;
            let mut room = Room::new();
            for id in &ids {
                if !remove(transaction, id, &mut room)? {
                    break;
                }
            }
            Ok(ids.len())
        });
        if removed.await? == 0 {
            return Ok(());
        }
    }
}

/// The same as [`go_on`], where what is left goes later if it does not now.
pub(super) async fn try_to_go_on(store: &Store) {
    if let Err(error) = go_on(store).await {
        warn!(%error, "what is left of a conversation is removed later");
    }
}
