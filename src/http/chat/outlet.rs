//! How much has been written for a client that it has not taken?
//!
//! A socket's frames wait in a queue that counts frames, and these may be long: so what is in it is
//! counted in bytes as well.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use tokio::sync::Notify;

/// From how many bytes on nothing more is written.
const FULL: usize = 256 * 1024;

/// What waits to be taken, in bytes.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    waiting: AtomicUsize,
    is_closed: AtomicBool,
    moved: Notify,
}

impl Outlet {
    /// Has the body of a response counted.
    pub(super) fn counting(self: &Arc<Self>, response: HttpResponse) -> HttpResponse {
        let outlet = Arc::clone(self);
        response.map_body(|_, body| BoxBody::new(Counted { body, outlet }))
    }

    /// Waits until there is room, and takes it for a frame with a payload of so many bytes.
    pub(super) async fn take(&self, payload: usize) {
        while !self.has_room() {
            let moved = self.moved.notified();
            // What moved before that is not told.
            if self.has_room() {
                break;
            }
            moved.await;
        }
        // As frames of a server have it: a head of two bytes, and what a longer length takes.
        let head = match payload {
            0..126 => 2,
            126..=0xffff => 4,
            _ => 10,
        };
        self.waiting.fetch_add(head + payload, Ordering::AcqRel);
    }

    fn has_room(&self) -> bool {
        self.waiting.load(Ordering::Acquire) < FULL || self.is_closed.load(Ordering::Acquire)
    }

    fn release(&self, bytes: usize) {
        let less = |waiting: usize| Some(waiting.saturating_sub(bytes));
        // It always changes.
        let _ = self.waiting.fetch_update(Ordering::AcqRel, Ordering::Acquire, less);
        self.moved.notify_waiters();
    }
}

struct Counted {
    body: BoxBody,
    outlet: Arc<Outlet>,
}

impl MessageBody for Counted {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let next = Pin::new(&mut self.body).poll_next(task);
        if let Poll::Ready(Some(Ok(bytes))) = &next {
            self.outlet.release(bytes.len());
        }
        next
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.outlet.is_closed.store(true, Ordering::Release);
        self.outlet.moved.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    #[actix_web::test]
    async fn what_is_taken_is_given_back_when_it_is_sent() {
        let outlet = Arc::<Outlet>::default();
        outlet.take(FULL).await;
        assert!(outlet.take(1).now_or_never().is_none(), "there is no room");
        outlet.release(11);
        assert!(outlet.take(1).now_or_never().is_some());
        outlet.release(FULL + 2);
        assert_eq!(outlet.waiting.load(Ordering::Acquire), 0);
        outlet.take(FULL).await;
        let response = outlet.counting(HttpResponse::Ok().body("gone"));
        drop(response);
        assert!(outlet.take(1).now_or_never().is_some(), "nobody waits for what is closed");
    }
}
