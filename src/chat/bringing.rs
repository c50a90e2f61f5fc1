//! A conversation that comes in whole, from a file or from another: a part in each transaction, and
//! seen with the last. Until then it is nobody's, and a daemon that starts removes what it finds of it.

use tracing::warn;

use crate::chat::forgetting;
use crate::store::chat::conversations::{self, ConversationRow, Hidden};
use crate::store::{Store, StoreError, Transaction};

/// Makes the row of a conversation.
pub(super) trait Begin:
    Fn(&mut Transaction<'_>) -> Result<ConversationRow, StoreError> + Clone + Send + Sync + 'static
{
}

impl<F> Begin for F where
    F: Fn(&mut Transaction<'_>) -> Result<ConversationRow, StoreError>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Adds a part of it.
pub(super) trait Add<P>:
    Fn(&mut Transaction<'_>, &ConversationRow, &P) -> Result<(), StoreError>
    + Clone
    + Send
    + Sync
    + 'static
{
}

impl<P, F> Add<P> for F where
    F: Fn(&mut Transaction<'_>, &ConversationRow, &P) -> Result<(), StoreError>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Adds what comes last, when it is its owner's.
pub(super) trait End:
    Fn(&mut Transaction<'_>, &ConversationRow) -> Result<(), StoreError> + Clone + Send + Sync + 'static
{
}

impl<F> End for F where
    F: Fn(&mut Transaction<'_>, &ConversationRow) -> Result<(), StoreError>
        + Clone
        + Send
        + Sync
        + 'static
{
}

/// Brings a conversation in.
///
/// # Errors
/// The store's; nothing is left of it then.
pub(super) async fn bring_in<P: Clone + Send + Sync + 'static>(
    store: &Store,
    parts: Vec<P>,
    begin: impl Begin,
    add: impl Add<P>,
    end: impl End,
) -> Result<ConversationRow, StoreError> {
    let insert = move |transaction: &mut Transaction<'_>| {
        let row = begin(transaction)?;
        conversations::insert(transaction, &row)?;
        conversations::hide(transaction, &row.id, Hidden::Coming)?;
        Ok(row)
    };
    let row = store.write(insert).await?;
    let brought = bring_parts(store, parts, &row, (add, end)).await;
    if brought.is_err() {
        let id = row.id.clone();
        let hide =
            store.record(move |transaction| conversations::hide(transaction, &id, Hidden::Going));
        if let Err(error) = hide.await {
            warn!(conversation = row.id, %error, "what came in of a conversation goes at a start");
        }
        forgetting::try_to_go_on(store).await;
    }
    brought
}

async fn bring_parts<P: Clone + Send + Sync + 'static>(
    store: &Store,
    parts: Vec<P>,
    row: &ConversationRow,
    (add, end): (impl Add<P>, impl End),
) -> Result<ConversationRow, StoreError> {
    for part in parts {
        let (add, row) = (add.clone(), row.clone());
        store.record(move |transaction| add(transaction, &row, &part)).await?;
        fail::fail_point!("chat-brought", |_| Err(StoreError::Overloaded));
    }
    let row = row.clone();
    let show = store.record(move |transaction| {
        conversations::show(transaction, &row)?;
        end(transaction, &row)?;
        conversations::find(transaction.reader(), &row.id)?.ok_or(StoreError::NotFound)
    });
    show.await
}
