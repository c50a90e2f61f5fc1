//! Bytes as they are shown in an error: short, on one line, and in visible characters.

use std::fmt::{self, Write as _};

/// The most characters that are shown of a line.
const LONGEST: usize = 120;

/// Bytes between quotes. Control characters and what is no UTF-8 are escaped; what is too long is
/// cut.
#[derive(Clone, PartialEq, Eq)]
pub struct Shown(Box<str>);

impl Shown {
    pub(super) fn of(bytes: &[u8]) -> Self {
        let mut text = String::new();
        let mut places = LONGEST;
        let mut is_cut = false;
        for chunk in bytes.utf8_chunks() {
            let valid = chunk.valid().chars().map(Piece::Character);
            let invalid = chunk.invalid().iter().copied().map(Piece::Byte);
            for piece in valid.chain(invalid) {
                if places == 0 {
                    is_cut = true;
                    break;
                }
                places -= 1;
                piece.push_to(&mut text);
            }
            if is_cut {
                break;
            }
        }
        Self(if is_cut { format!("\"{text}…\"") } else { format!("\"{text}\"") }.into())
    }
}

enum Piece {
    Character(char),
    Byte(u8),
}

impl Piece {
    fn push_to(&self, text: &mut String) {
        match self {
            Self::Character(character @ ('"' | '\'')) => text.push(*character),
            Self::Character(character) => text.extend(character.escape_debug()),
            // Nothing can go wrong when a string is written to.
            Self::Byte(byte) => drop(write!(text, "\\x{byte:02x}")),
        }
    }
}

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
