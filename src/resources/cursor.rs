//! Which place in a list does a cursor stand for?
//!
//! A cursor is opaque to clients: it is the place with a code of authentication before it, whose key
//! is drawn at the start. So nobody can make one, and one of another list or an earlier daemon is
//! told from those of this list.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// The longest cursor that is looked at, in bytes.
const LONGEST: usize = 16 * 1024;

/// How many bytes the code has.
const CODE: usize = 32;

/// Makes and reads the cursors of one list.
pub struct Cursors {
    key: hmac::Key,
}

impl Default for Cursors {
    fn default() -> Self {
        // 43 characters of 6 random bits.
        let secret = nanoid::nanoid!(43);
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()) }
    }
}

impl Cursors {
    /// The cursor of a place.
    pub fn seal(&self, place: &impl Serialize) -> String {
        let place = serde_json::to_vec(place).expect("places are made of text and numbers");
        let mut cursor = hmac::sign(&self.key, &place).as_ref().to_vec();
        cursor.extend(place);
        URL_SAFE_NO_PAD.encode(cursor)
    }

    /// The place of a cursor; none if this list did not give it.
    pub fn open<T: DeserializeOwned>(&self, cursor: &str) -> Option<T> {
        if LONGEST < cursor.len() {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (code, place) = bytes.split_at_checked(CODE)?;
        hmac::verify(&self.key, place, code).ok()?;
        serde_json::from_slice(place).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn only_its_own_cursors_are_read(place in any::<(u32, String)>(), at in any::<usize>()) {
            let (cursors, others) = (Cursors::default(), Cursors::default());
            let cursor = cursors.seal(&place);
            prop_assert_eq!(cursors.open(&cursor), Some(place));
            prop_assert_eq!(others.open::<(u32, String)>(&cursor), None);
            let mut forged = cursor.into_bytes();
            let at = at % forged.len();
            forged[at] = if forged[at] == b'A' { b'B' } else { b'A' };
            let forged = String::from_utf8(forged).unwrap();
            prop_assert_eq!(cursors.open::<(u32, String)>(&forged), None);
        }
    }

    #[test]
    fn what_is_no_cursor_is_none() {
        let cursors = Cursors::default();
        for text in ["", "1", "MQ", "a b", "é", &"A".repeat(LONGEST + 4), &"A".repeat(64)] {
            assert_eq!(cursors.open::<String>(text), None, "{text}");
        }
    }
}
