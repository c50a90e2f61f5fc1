//! Which text may reach a terminal, and how wide is it?
//!
//! Names, reasons and results come from anywhere. Nothing of them may move the cursor, colour what
//! follows or turn the order of the letters round.

use std::borrow::Cow;
use std::fmt::Write as _;

use icu_properties::props::{BidiControl, EastAsianWidth, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};
use serde_json::Value;

/// Whether a character does something to the terminal instead of being seen.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}')
        || CodePointSetData::new::<BidiControl>().contains(character)
}

/// A text as one line; what would do something to the terminal is shown as `\u{1b}`.
pub(in crate::cli) fn line(text: &str) -> Cow<'_, str> {
    if !text.contains(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\t' => safe.push(' '),
            '\r' => {}
            unsafe_one if is_unsafe(unsafe_one) => safe.extend(unsafe_one.escape_unicode()),
            other => safe.push(other),
        }
    }
    Cow::Owned(safe)
}

/// A text of several lines, each safe as [`line()`] makes it.
pub(in crate::cli) fn lines(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    text.lines().map(line)
}

/// JSON on one line that holds the same value, with what would do something to the terminal written
/// as an escape of JSON.
pub(in crate::cli) fn json_line(value: &Value) -> String {
    escaped(&value.to_string())
}

/// The same for JSON on several lines.
pub(in crate::cli) fn json_page(value: &Value) -> String {
    let pretty = serde_json::to_string_pretty(value).unwrap_or_else(|_| value.to_string());
    let lines: Vec<String> = pretty.lines().map(escaped).collect();
    lines.join("\n")
}

/// JSON has such characters only within strings, where an escape means the same.
fn escaped(json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if is_unsafe(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                write!(safe, "\\u{unit:04x}").expect("a string takes everything");
            }
        } else {
            safe.push(character);
        }
    }
    safe
}

/// How many columns a character takes.
fn width_of(character: char) -> usize {
    let category = CodePointMapData::<GeneralCategory>::new().get(character);
    if matches!(
        category,
        GeneralCategory::NonspacingMark | GeneralCategory::EnclosingMark | GeneralCategory::Format
    ) {
        return 0;
    }
    let width = CodePointMapData::<EastAsianWidth>::new().get(character);
    if matches!(width, EastAsianWidth::Wide | EastAsianWidth::Fullwidth) { 2 } else { 1 }
}

/// How many columns a line takes.
pub(in crate::cli) fn width(line: &str) -> usize {
    if line.is_ascii() { line.len() } else { line.chars().map(width_of).sum() }
}

/// A line cut to so many columns; an ellipsis stands for what is missing.
pub(in crate::cli) fn clip(line: &str, columns: usize) -> Cow<'_, str> {
    if width(line) <= columns {
        return Cow::Borrowed(line);
    }
    let Some(room) = columns.checked_sub(1) else { return Cow::Borrowed("") };
    let (mut clipped, mut taken) = (String::new(), 0);
    for character in line.chars() {
        taken += width_of(character);
        if room < taken {
            break;
        }
        clipped.push(character);
    }
    clipped.push('…');
    Cow::Owned(clipped)
}

/// A line filled up with spaces to so many columns.
pub(in crate::cli) fn pad(line: &str, columns: usize) -> String {
    let missing = columns.saturating_sub(width(line));
    format!("{line}{:missing$}", "")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn nothing_that_moves_a_terminal_is_left() {
        assert_eq!(line("a\u{1b}[31mb\nc\r\n"), "a\\u{1b}[31mb c ");
        assert_eq!(line("\u{9b}2J\u{7}\u{202e}x"), "\\u{9b}2J\\u{7}\\u{202e}x");
        assert!(matches!(line("plain → größer"), Cow::Borrowed(_)));
        let split: Vec<_> = lines("one\ntwo\u{1b}").collect();
        assert_eq!(split, ["one", "two\\u{1b}"]);
    }

    #[test]
    fn json_keeps_its_value() {
        let value = json!({ "a": "\u{9b}31m\u{202e}\u{1b}\n→", "b": [1.5, null] });
        let written = json_line(&value);
        assert!(!written.contains(is_unsafe), "{written}");
        assert_eq!(serde_json::from_str::<Value>(&written).unwrap(), value);
        assert_eq!(serde_json::from_str::<Value>(&json_page(&value)).unwrap(), value);
    }

    #[test]
    fn columns_are_counted_as_terminals_do() {
        for (text, columns) in [("abc", 3), ("größe", 5), ("日本", 4), ("e\u{301}", 1), ("✓", 1)]
        {
            assert_eq!(width(text), columns, "{text}");
        }
        assert_eq!(clip("日本語", 4), "日…");
        assert_eq!(clip("abcdef", 4), "abc…");
        assert_eq!(clip("abc", 3), "abc");
        assert_eq!(clip("abc", 0), "");
        assert_eq!(pad("日", 4), "日  ");
    }

    proptest! {
        #[test]
        fn any_text_becomes_safe_and_fits(text in any::<String>(), columns in 0_usize..40) {
            let safe = line(&text);
            prop_assert!(!safe.contains(is_unsafe));
            prop_assert!(width(&clip(&safe, columns)) <= columns);
        }
    }
}
