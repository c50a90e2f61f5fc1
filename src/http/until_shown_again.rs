//! How long is a stream read that was opened with a token, which may be over meanwhile?

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use bytes::Bytes;
use tokio::time::{Sleep, sleep};

/// How long a stream is read before its token has to be shown again. Keys change with a restart
/// only, which ends all streams.
pub(super) const PATIENCE: Duration = Duration::from_mins(15);

/// The body of an answer to somebody with a token: a stream of it ends in time.
pub(super) fn until_shown_again(body: impl MessageBody + 'static) -> BoxBody {
    match body.size() {
        BodySize::Stream => {
            BoxBody::new(Until { body: body.boxed(), end: Box::pin(sleep(PATIENCE)) })
        }
        BodySize::None | BodySize::Sized(_) => body.boxed(),
    }
}

struct Until {
    body: BoxBody,
    end: Pin<Box<Sleep>>,
}

impl MessageBody for Until {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        if self.end.as_mut().poll(task).is_ready() {
            return Poll::Ready(None);
        }
        Pin::new(&mut self.body).poll_next(task)
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::future::poll_fn;

    use actix_web::body::BodyStream;
    use futures_util::stream;
    use tokio::time::Instant;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_stream_ends_after_a_quarter_of_an_hour_and_not_before() {
        let began = Instant::now();
        let ticks = stream::unfold((), |()| async {
            sleep(Duration::from_secs(1)).await;
            Some((Ok::<_, Infallible>(Bytes::from_static(b": idle\n\n")), ()))
        });
        let mut body = until_shown_again(BodyStream::new(Box::pin(ticks)));
        assert_eq!(body.size(), BodySize::Stream);
        let mut seen = 0;
        while let Some(piece) = poll_fn(|task| Pin::new(&mut body).poll_next(task)).await {
            piece.unwrap();
            seen += 1;
        }
        assert_eq!(began.elapsed(), Duration::from_mins(15));
        assert_eq!(seen, 15 * 60 - 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_there_whole_is_sent_whole_however_slowly_it_is_read() {
        let mut body = until_shown_again("all of it");
        assert_eq!(body.size(), BodySize::Sized(9));
        sleep(Duration::from_hours(1)).await;
        let piece = poll_fn(|task| Pin::new(&mut body).poll_next(task)).await;
        assert_eq!(piece.unwrap().unwrap(), Bytes::from_static(b"all of it"));
    }
}
