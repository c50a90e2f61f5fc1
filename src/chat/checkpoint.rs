//! When a part of an answer that comes in is written down.
//!
//! All conversations keep the same beat, so that what is to be written for them is written together:
//! a commit costs much more than a row.

use std::pin::Pin;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::time::{Instant, Sleep, sleep_until};

/// The longest time that a part of an answer is not written down, and the most bytes of it.
const BEAT: Duration = Duration::from_millis(250);
const MOST_BYTES: usize = 1024;

/// When the next part of an answer is written down, and the writing of the last.
pub(super) struct Checkpoint {
    /// From when on the beat is counted.
    epoch: Instant,
    most_pieces: u32,
    /// How many pieces are not written down.
    pieces: u32,
    /// How many bytes are.
    written: usize,
    part: i32,
    /// The next beat, if something waits for it.
    beat: Option<Pin<Box<Sleep>>>,
    writing: Option<BoxFuture<'static, ()>>,
}

impl Checkpoint {
    /// For an answer of which nothing is written down. The beat is that of `epoch`.
    pub(super) fn new(epoch: Instant, most_pieces: u32) -> Self {
        let (beat, writing) = (None, None);
        Self { epoch, most_pieces, pieces: 0, written: 0, part: 0, beat, writing }
    }

    /// Takes note of one more piece. Whether a part is to be written down now.
    pub(super) fn note(&mut self, text: &str) -> bool {
        self.pieces += 1;
        let is_full = self.most_pieces <= self.pieces || MOST_BYTES <= text.len() - self.written;
        if self.writing.is_none() && !is_full && self.beat.is_none() {
            self.beat = Some(Box::pin(sleep_until(next_beat(self.epoch, Instant::now()))));
        }
        self.writing.is_none() && is_full
    }

    /// Writes down what is not.
    pub(super) fn write(
        &mut self,
        text: &str,
        write: impl FnOnce(i32, &str) -> BoxFuture<'static, ()>,
    ) {
        self.writing = Some(write(self.part, &text[self.written..]));
        self.part += 1;
        (self.pieces, self.written, self.beat) = (0, text.len(), None);
    }

    /// Goes on with the writing, and ends when a part is to be written down. May be dropped while
    /// it waits, and nothing is lost.
    pub(super) async fn is_due(&mut self) {
        if let Some(writing) = &mut self.writing {
            writing.await;
            self.writing = None;
            if 0 < self.pieces && self.beat.is_none() {
                self.beat = Some(Box::pin(sleep_until(next_beat(self.epoch, Instant::now()))));
            }
        }
        match &mut self.beat {
            Some(beat) => beat.await,
            None => std::future::pending().await,
        }
        self.beat = None;
    }

    /// Waits for the last part, so that the whole is not followed by it.
    pub(super) async fn end(self) {
        if let Some(writing) = self.writing {
            writing.await;
        }
    }
}

fn next_beat(epoch: Instant, now: Instant) -> Instant {
    let since = now.saturating_duration_since(epoch).as_millis();
    let beats = u32::try_from(since / BEAT.as_millis()).unwrap_or(u32::MAX);
    epoch + BEAT * beats.saturating_add(1)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    fn wrote(checkpoint: &mut Checkpoint, text: &str) -> (i32, String) {
        let mut written = None;
        checkpoint.write(text, |part, new| {
            written = Some((part, new.to_owned()));
            Box::pin(std::future::ready(()))
        });
        written.unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn answers_are_written_down_on_the_same_beat() {
        let epoch = Instant::now();
        let (mut one, mut other) = (Checkpoint::new(epoch, 25), Checkpoint::new(epoch, 25));
        assert!(!one.note("a"));
        tokio::time::advance(BEAT / 2).await;
        assert!(!other.note("b"));
        assert!(one.is_due().now_or_never().is_none() && other.is_due().now_or_never().is_none());
        tokio::time::advance(BEAT / 2 + Duration::from_millis(1)).await;
        assert!(one.is_due().now_or_never().is_some() && other.is_due().now_or_never().is_some());
        assert_eq!(wrote(&mut one, "a"), (0, "a".to_owned()));
        assert!(one.is_due().now_or_never().is_none(), "nothing is left");
        assert!(!one.note("ac"));
        tokio::time::advance(BEAT).await;
        assert!(one.is_due().now_or_never().is_some());
        assert_eq!(wrote(&mut one, "ac"), (1, "c".to_owned()));
    }

    #[tokio::test(start_paused = true)]
    async fn what_comes_while_a_part_is_written_down_waits_for_the_next() {
        let mut checkpoint = Checkpoint::new(Instant::now(), 2);
        assert!(!checkpoint.note("a") && checkpoint.note("ab"));
        let (done, written) = tokio::sync::oneshot::channel::<()>();
        checkpoint.write("ab", |_, _| Box::pin(written.map(drop)));
        assert!(!checkpoint.note("abc") && !checkpoint.note("abcd"), "one at a time");
        tokio::time::advance(BEAT * 2).await;
        assert!(checkpoint.is_due().now_or_never().is_none());
        drop(done);
        assert!(checkpoint.is_due().now_or_never().is_none(), "the next beat is to come");
        tokio::time::advance(BEAT).await;
        assert!(checkpoint.is_due().now_or_never().is_some());
        assert_eq!(wrote(&mut checkpoint, "abcd"), (1, "cd".to_owned()));
    }

    #[tokio::test]
    async fn a_long_part_waits_for_no_beat() {
        let mut checkpoint = Checkpoint::new(Instant::now(), 25);
        assert!(checkpoint.note(&"a".repeat(MOST_BYTES)));
    }

    #[test]
    fn beats_are_counted_from_the_epoch() {
        let epoch = Instant::now();
        let after = |millis| next_beat(epoch, epoch + Duration::from_millis(millis)) - epoch;
        assert_eq!([after(0), after(249), after(250)], [BEAT, BEAT, BEAT * 2]);
    }
}
