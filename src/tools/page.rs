//! Which part of a list is shown, and where does the next one begin?

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// The longest cursor that is looked at.
const LONGEST: usize = 8192;

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// What is in it, as the protocol describes it.
    pub items: Vec<Value>,
    /// What the next part is asked for with; nothing where this is the last.
    pub next_cursor: Option<String>,
}

/// A cursor that no page of this list gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("cursor must be the nextCursor of the page before; leave it out for the first page")]
pub struct InvalidCursor;

/// The cursor behind an entry of a list. It names the entry and not its place, so that nothing is
/// shown twice or left out when the list grows in between.
pub fn cursor_after(list: &str, entry: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("{list}\n{entry}"))
}

/// The entry that a cursor of this list stands behind.
///
/// # Errors
/// It is not one of this list.
pub fn entry_before(list: &str, cursor: &str) -> Result<String, InvalidCursor> {
    if LONGEST < cursor.len() {
        return Err(InvalidCursor);
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| InvalidCursor)?;
    let text = String::from_utf8(bytes).map_err(|_| InvalidCursor)?;
    match text.split_once('\n') {
        Some((of, entry)) if of == list => Ok(entry.to_owned()),
        _ => Err(InvalidCursor),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_good_for_its_own_list() {
        let cursor = cursor_after("tools", "git\nlog");
        assert_eq!(entry_before("tools", &cursor), Ok("git\nlog".to_owned()));
        assert!(!cursor.contains("git"));
        assert_eq!(entry_before("prompts", &cursor), Err(InvalidCursor));
        for other in ["", "!", "dG9vbHM", &"A".repeat(LONGEST + 4)] {
            assert_eq!(entry_before("tools", other), Err(InvalidCursor), "{other}");
        }
    }
}
