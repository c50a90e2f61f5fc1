//! What becomes of a request whose client hangs up?
//!
//! Since 2026-07-28 to hang up is to cancel, and the request is dropped where it is. Before, a lost
//! connection says nothing of what its client wants, so the request goes on without it.

use std::pin::Pin;
use std::task::{Context, Poll};

/// Goes on as a task of its own if it is dropped before its end.
pub(super) struct Kept<F: Future<Output: Send> + Send + 'static> {
    future: Option<Pin<Box<F>>>,
}

impl<F: Future<Output: Send> + Send + 'static> Kept<F> {
    pub(super) fn new(future: F) -> Self {
        Self { future: Some(Box::pin(future)) }
    }
}

impl<F: Future<Output: Send> + Send + 'static> Future for Kept<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.future.as_mut().expect("nobody polls what is over");
        let output = std::task::ready!(future.as_mut().poll(task));
        self.future = None;
        Poll::Ready(output)
    }
}

impl<F: Future<Output: Send> + Send + 'static> Drop for Kept<F> {
    fn drop(&mut self) {
        // A panic has unwound through what is left, and a runtime that ends takes nothing new.
        if let Some(future) = self.future.take()
            && !std::thread::panicking()
            && let Ok(runtime) = tokio::runtime::Handle::try_current()
        {
            drop(runtime.spawn(future));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::sync::oneshot;

    use super::*;

    #[tokio::test]
    async fn what_is_dropped_goes_on_and_what_is_over_does_not() {
        assert_eq!(Kept::new(ready(1)).await, 1);
        let (go, gone) = oneshot::channel();
        let (done, is_done) = oneshot::channel();
        let mut kept = Kept::new(async move {
            gone.await.unwrap();
            done.send("done").unwrap();
        });
        std::future::poll_fn(|task| {
            assert!(Pin::new(&mut kept).poll(task).is_pending());
            Poll::Ready(())
        })
        .await;
        drop(kept);
        go.send(()).unwrap();
        assert_eq!(is_done.await, Ok("done"));
    }

    #[test]
    fn where_nothing_runs_it_ends() {
        drop(Kept::new(pending::<()>()));
    }
}
