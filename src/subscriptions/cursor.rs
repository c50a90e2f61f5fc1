//! Positions in the order of all events, as clients get them: sealed, so that only a position that
//! was given out comes back.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac::{self, HMAC_SHA256, Key};
use ring::rand::{SecureRandom as _, SystemRandom};
use subtle::ConstantTimeEq as _;

/// What a seal covers begins with this, so that it stands for nothing else.
const SEALED: &[u8] = b"lukhas-mcp event cursor 1";

/// How many bytes of the seal are told.
const SEAL: usize = 16;

/// How many bytes a position has.
const POSITION: usize = 8;

/// Seals positions, and opens what comes back.
#[derive(Clone)]
pub(super) struct Cursors(Key);

/// The text is no cursor that was given out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ForeignCursor;

impl Cursors {
    /// With a key that the database keeps, in hexadecimal.
    pub(super) fn new(key: &str) -> Self {
        Self(Key::new(HMAC_SHA256, key.as_bytes()))
    }

    /// Draws such a key.
    pub(super) fn draw_key() -> Option<String> {
        let mut bytes = [0; 32];
        SystemRandom::new().fill(&mut bytes).ok()?;
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// The cursor that stands for the position after an event.
    pub(super) fn seal(&self, seq: i64) -> String {
        let position = seq.to_be_bytes();
        URL_SAFE_NO_PAD.encode([&position[..], &self.seal_of(position)].concat())
    }

    /// The event after which a cursor is.
    ///
    /// # Errors
    /// It was not given out by this database.
    pub(super) fn open(&self, cursor: &str) -> Result<i64, ForeignCursor> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_not_base64| ForeignCursor)?;
        let (position, seal) = bytes.split_first_chunk::<POSITION>().ok_or(ForeignCursor)?;
        let is_ours: bool = self.seal_of(*position).ct_eq(seal).into();
        if is_ours { Ok(i64::from_be_bytes(*position)) } else { Err(ForeignCursor) }
    }

    fn seal_of(&self, position: [u8; POSITION]) -> [u8; SEAL] {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(SEALED);
        context.update(&position);
        let tag = context.sign();
        let mut seal = [0; SEAL];
        seal.copy_from_slice(&tag.as_ref()[..SEAL]);
        seal
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_cursor_comes_back_as_what_it_was(seq in 0..=i64::MAX, other in 0..=i64::MAX) {
            let cursors = Cursors::new("one");
            let cursor = cursors.seal(seq);
            prop_assert_eq!(cursor.len(), 32);
            prop_assert_eq!(cursors.open(&cursor), Ok(seq));
            prop_assert_eq!(cursor == cursors.seal(other), seq == other);
            prop_assert_eq!(Cursors::new("other").open(&cursor), Err(ForeignCursor));
        }

        #[test]
        fn what_was_not_given_out_is_refused(text in "[A-Za-z0-9_-]{0,40}", bit in 0usize..192) {
            let cursors = Cursors::new("one");
            prop_assert_eq!(cursors.open(&text), Err(ForeignCursor));
            let mut bytes = URL_SAFE_NO_PAD.decode(cursors.seal(42)).unwrap();
            bytes[bit / 8] ^= 1 << (bit % 8);
            prop_assert_eq!(cursors.open(&URL_SAFE_NO_PAD.encode(bytes)), Err(ForeignCursor));
        }
    }

    #[test]
    fn texts_that_look_like_positions_are_none() {
        for text in ["", "0", "42", "-1", "null", "e1.42", "\u{0}", &"A".repeat(10_000)] {
            assert_eq!(Cursors::new("one").open(text), Err(ForeignCursor), "{text:?}");
        }
    }

    #[test]
    fn no_two_keys_are_the_same() {
        assert_ne!(Cursors::draw_key().unwrap(), Cursors::draw_key().unwrap());
    }
}
