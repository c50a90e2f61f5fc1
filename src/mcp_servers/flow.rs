//! How much may a server say that nobody asked it for?
//!
//! Each notification costs work, and each request of a server's an answer. Beyond a rate they are
//! dropped; that a list changed is then assumed, because one of them may have said so.

use std::sync::Arc;
use std::time::Duration;

use rmcp::RoleClient;
use rmcp::model::JsonRpcMessage;
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How many there may be at once.
const BURST: u32 = 500;

/// How many more there may be in a second.
const PER_SECOND: u32 = 100;

/// How often a server's flood is logged.
const LOG_EVERY: Duration = Duration::from_mins(1);

/// Counts what comes.
#[derive(Debug)]
struct Meter {
    left: f64,
    at: Instant,
}

impl Meter {
    fn new(now: Instant) -> Self {
        Self { left: f64::from(BURST), at: now }
    }

    /// Whether one more may come now.
    fn admits(&mut self, now: Instant) -> bool {
        let gained = now.saturating_duration_since(self.at).as_secs_f64() * f64::from(PER_SECOND);
        self.left = (self.left + gained).min(f64::from(BURST));
        self.at = now;
        let is_room = 1.0 <= self.left;
        if is_room {
            self.left -= 1.0;
        }
        is_room
    }
}

/// A connection of which too much is not taken.
pub(super) struct Metered<T> {
    inner: T,
    meter: Meter,
    server: Arc<str>,
    logged: Option<Instant>,
    /// Rung when a list may have changed.
    changed: Arc<Notify>,
    /// Cancelled when nothing comes any more.
    over: CancellationToken,
}

impl<T> Drop for Metered<T> {
    fn drop(&mut self) {
        self.over.cancel();
    }
}

impl<T> Metered<T> {
    pub(super) fn new(
        inner: T,
        server: Arc<str>,
        changed: Arc<Notify>,
        over: CancellationToken,
    ) -> Self {
        Self { inner, meter: Meter::new(Instant::now()), server, logged: None, changed, over }
    }

    fn drop_one(&mut self, now: Instant) {
        self.changed.notify_one();
        if self.logged.is_none_or(|logged| LOG_EVERY < now.saturating_duration_since(logged)) {
            self.logged = Some(now);
            warn!(
                server = &*self.server,
                "a server says too much; what nobody asked for is dropped"
            );
        }
    }
}

impl<T: Transport<RoleClient>> Transport<RoleClient> for Metered<T> {
    type Error = T::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send + 'static {
        self.inner.send(item)
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            let Some(message) = self.inner.receive().await else {
                self.over.cancel();
                return None;
            };
            if matches!(message, JsonRpcMessage::Response(_) | JsonRpcMessage::Error(_)) {
                return Some(message);
            }
            let now = Instant::now();
            if self.meter.admits(now) {
                return Some(message);
            }
            self.drop_one(now);
        }
    }

    fn close(&mut self) -> impl Future<Output = Result<(), Self::Error>> + Send {
        self.inner.close()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_cut_and_a_stream_is_not() {
        let now = Instant::now();
        let mut meter = Meter::new(now);
        let flood = (0..1_000_000).filter(|_| meter.admits(now)).count();
        assert_eq!(flood, 500);
        let mut meter = Meter::new(now);
        let stream = (0..10_000_u64).filter(|n| meter.admits(now + Duration::from_millis(n * 10)));
        assert_eq!(stream.count(), 10_000);
    }
}
