//! How are ids and names of calls written so that every provider takes them? Pure.
//!
//! A model may name a tool in any way, and a conversation may go on with another provider. What one
//! of them cannot take would be refused with every turn from then on.

use sha2::{Digest as _, Sha256};

/// What a provider takes as the id of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IdRule {
    /// Up to 40 of `A-Z a-z 0-9 _ -`: what all but one take.
    Common,
    /// Nine of `A-Z a-z 0-9`: Mistral.
    NineLetters,
}

/// The longest name of a tool.
const LONGEST_NAME: usize = 64;

const LETTERS: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// An id as a provider takes it: as it is if it can be, else one that is always the same for it.
pub(crate) fn call_id(id: &str, rule: IdRule) -> String {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let is_taken = match rule {
        IdRule::Common => (1..=40).contains(&id.len()) && id.bytes().all(is_name),
        IdRule::NineLetters => id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
    };
    if is_taken {
        return id.to_owned();
    }
    let digest = Sha256::digest(id.as_bytes());
    digest.iter().take(9).map(|byte| char::from(LETTERS[usize::from(*byte) % 62])).collect()
}

/// A tool's name as providers take it.
pub(crate) fn tool_name(name: &str) -> String {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    let name: String =
        name.chars().take(LONGEST_NAME).map(|c| if is_name(c) { c } else { '_' }).collect();
    if name.is_empty() { "unknown".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_stays_as_it_is() {
        for id in ["call_1", "toolu_01-x", "a"] {
            assert_eq!(call_id(id, IdRule::Common), id);
        }
        assert_eq!(call_id("Ab3Ab3Ab3", IdRule::NineLetters), "Ab3Ab3Ab3");
        assert_eq!(tool_name("ops__start_canary"), "ops__start_canary");
    }

    #[test]
    fn what_is_not_taken_becomes_what_is() {
        let long = "x".repeat(41);
        for id in ["", "a b", "ü", "functions.f:0", &long] {
            for rule in [IdRule::Common, IdRule::NineLetters] {
                let once = call_id(id, rule);
                assert_eq!((once.len(), &once), (9, &call_id(id, rule)), "{id}");
                assert_eq!(call_id(&once, rule), once);
            }
        }
        assert_ne!(call_id("a b", IdRule::Common), call_id("a c", IdRule::Common));
        assert_eq!(tool_name(""), "unknown");
        assert_eq!(tool_name("a.b c"), "a_b_c");
        assert_eq!(tool_name(&long.repeat(2)).len(), LONGEST_NAME);
    }
}
