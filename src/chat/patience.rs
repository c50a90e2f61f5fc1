//! Reading what the work on a request needs, again and again while the database cannot be used.
//!
//! A lock of another program or a disk that is full for a moment costs a request time, and nothing
//! else. What asking again does not change is told at once.

use std::time::Duration;

use tracing::warn;

use crate::store::{Reader, Store, StoreError};

/// The first wait.
const FIRST: Duration = Duration::from_millis(50);

/// The longest wait.
const LONGEST: Duration = Duration::from_secs(10);

/// After how many tries the log has it.
const LOGGED: u32 = 5;

/// Reads something for a conversation.
///
/// # Errors
/// What reading again would not change.
pub(super) async fn read<T, F>(
    store: &Store,
    conversation_id: &str,
    work: F,
) -> Result<T, StoreError>
where
    T: Send + 'static,
    F: Fn(&mut Reader) -> Result<T, StoreError> + Clone + Send + 'static,
{
    let (mut wait, mut tries) = (FIRST, 0);
    loop {
        let work = work.clone();
        let outcome = store.read(move |conn| {
            fail::fail_point!("chat-read", |_| Err(StoreError::Overloaded));
            work(conn)
        });
        match outcome.await {
            Err(error) if error.is_transient() => {
                tries += 1;
                if tries == LOGGED {
                    let conversation = conversation_id;
                    warn!(conversation, %error, "a conversation waits for the database");
                }
                tokio::time::sleep(wait).await;
                wait = wait.saturating_mul(2).min(LONGEST);
            }
            done => return done,
        }
    }
}
