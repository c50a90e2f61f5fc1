//! What comes in over a socket: whole messages, however many frames they came in.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_ws::{CloseCode, Item, Message, MessageStream, ProtocolError};
use bytes::{Bytes, BytesMut};
use futures_util::Stream;

/// The most frames of one message. Empty ones cost nothing but time, and that has its bound too.
const MOST_FRAMES: usize = 16 * 1024;

/// Something that came in.
#[derive(Debug, PartialEq)]
pub(super) enum Came {
    /// A message.
    Text(String),
    /// A message that is no text.
    Binary,
    /// Somebody asks whether we are there.
    Ping(Bytes),
    /// Somebody is there.
    Pong,
    /// The other end wants no more.
    Close,
}

/// What came in is against the rules, and ends the socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Broken {
    /// The code that the other end is told.
    pub(super) code: CloseCode,
    /// Why.
    pub(super) why: &'static str,
}

const TOO_LONG: Broken = Broken { code: CloseCode::Size, why: "the message is too long" };
const NO_TEXT: Broken = Broken { code: CloseCode::Invalid, why: "the text is no UTF-8" };
const AGAINST_THE_RULES: Broken =
    Broken { code: CloseCode::Protocol, why: "that is no frame of a client's" };

/// What comes in. Ends when the connection does.
pub(super) struct Incoming {
    frames: MessageStream,
    begun: Begun,
}

impl Incoming {
    /// Messages of at most so many bytes.
    pub(super) fn new(frames: MessageStream, longest: usize) -> Self {
        let begun = Begun { longest, is_text: true, frames: 0, bytes: BytesMut::new() };
        Self { frames: frames.max_frame_size(longest), begun }
    }
}

impl Stream for Incoming {
    type Item = Result<Came, Broken>;

    fn poll_next(mut self: Pin<&mut Self>, task: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let frame = match std::task::ready!(Pin::new(&mut this.frames).poll_next(task)) {
                None => return Poll::Ready(None),
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(broken(&error).map(Err)),
            };
            let came = match frame {
                Message::Text(text) => Came::Text(text.to_string()),
                Message::Binary(_) => Came::Binary,
                Message::Ping(said) => Came::Ping(said),
                Message::Pong(_) => Came::Pong,
                Message::Close(_) => Came::Close,
                Message::Nop => continue,
                Message::Continuation(item) => match this.begun.add(item) {
                    Ok(None) => continue,
                    Ok(Some(whole)) => whole,
                    Err(broken) => return Poll::Ready(Some(Err(broken))),
                },
            };
            return Poll::Ready(Some(Ok(came)));
        }
    }
}

/// What is wrong with what came in; nothing if the connection is lost.
fn broken(error: &ProtocolError) -> Option<Broken> {
    match error {
        ProtocolError::Overflow => Some(TOO_LONG),
        ProtocolError::Io(error) if error.kind() == std::io::ErrorKind::InvalidData => {
            Some(NO_TEXT)
        }
        ProtocolError::Io(_) => None,
        _ => Some(AGAINST_THE_RULES),
    }
}

/// A message of which more is to come.
#[derive(Debug)]
struct Begun {
    longest: usize,
    is_text: bool,
    frames: usize,
    bytes: BytesMut,
}

impl Begun {
    fn add(&mut self, item: Item) -> Result<Option<Came>, Broken> {
        let (bytes, is_last) = match item {
            Item::FirstText(bytes) => {
                self.is_text = true;
                (bytes, false)
            }
            Item::FirstBinary(bytes) => {
                self.is_text = false;
                (bytes, false)
            }
            Item::Continue(bytes) => (bytes, false),
            Item::Last(bytes) => (bytes, true),
        };
        self.frames += 1;
        if self.longest < self.bytes.len() + bytes.len() || MOST_FRAMES < self.frames {
            return Err(TOO_LONG);
        }
        self.bytes.extend_from_slice(&bytes);
        if !is_last {
            return Ok(None);
        }
        self.frames = 0;
        let bytes = std::mem::take(&mut self.bytes);
        if !self.is_text {
            return Ok(Some(Came::Binary));
        }
        let text = String::from_utf8(bytes.into()).map_err(|_not_utf8| NO_TEXT)?;
        Ok(Some(Came::Text(text)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begun() -> Begun {
        Begun { longest: 8, is_text: true, frames: 0, bytes: BytesMut::new() }
    }

    fn bytes(text: &'static str) -> Bytes {
        Bytes::from_static(text.as_bytes())
    }

    #[test]
    fn a_message_in_parts_is_one() {
        let mut begun = begun();
        assert_eq!(begun.add(Item::FirstText(bytes("ab"))), Ok(None));
        assert_eq!(begun.add(Item::Continue(bytes(""))), Ok(None));
        assert_eq!(begun.add(Item::Last(bytes("c"))), Ok(Some(Came::Text("abc".to_owned()))));
        assert_eq!(begun.add(Item::FirstBinary(bytes("ab"))), Ok(None));
        assert_eq!(begun.add(Item::Last(bytes("c"))), Ok(Some(Came::Binary)));
        assert_eq!(begun.add(Item::FirstText(bytes("é"))), Ok(None));
    }

    #[test]
    fn one_that_is_too_long_or_has_too_many_parts_or_is_no_text_is_broken() {
        let mut long = begun();
        assert_eq!(long.add(Item::FirstText(bytes("12345678"))), Ok(None));
        assert_eq!(long.add(Item::Last(bytes("9"))), Err(TOO_LONG));
        let mut many = begun();
        assert_eq!(many.add(Item::FirstText(bytes(""))), Ok(None));
        let broken = (0..1_000_000).find_map(|_| many.add(Item::Continue(bytes(""))).err());
        assert_eq!(broken, Some(TOO_LONG));
        let mut no_text = begun();
        assert_eq!(no_text.add(Item::FirstText(Bytes::from_static(b"\xc3"))), Ok(None));
        assert_eq!(no_text.add(Item::Last(bytes("x"))), Err(NO_TEXT));
    }
}
