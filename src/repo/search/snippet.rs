//! The few lines of a file that a hit shows.

/// The most characters that are shown.
const LENGTH: usize = 200;

/// How many lines are shown at most.
const LINES: usize = 3;

/// How many characters of a long line are shown before what was found in it.
const LEAD: usize = 60;

/// The line that begins at `start`, and what follows it if there is room. `first` is what must be
/// seen of a line that is too long.
pub(super) fn snippet(text: &str, start: usize, first: usize) -> String {
    let mut shown = String::new();
    let mut left = LENGTH;
    for (number, line) in text.get(start..).unwrap_or("").lines().enumerate() {
        let trimmed = line.trim_end();
        if number == 0 {
            let cut = cut(line, first.saturating_sub(start));
            left -= cut.chars().count().min(left);
            shown.push_str(&cut);
            continue;
        }
        let count = trimmed.trim_start().chars().count();
        if LINES <= number || left < count + 1 || count == 0 {
            break;
        }
        left -= count + 1;
        shown.push('\n');
        shown.extend(trimmed.trim_start().chars().map(clean));
    }
    shown
}

/// A line, or the part of it around a place.
fn cut(line: &str, place: usize) -> String {
    let trimmed = line.trim();
    if trimmed.chars().count() <= LENGTH {
        return trimmed.chars().map(clean).collect();
    }
    let before = line.get(..place).unwrap_or("");
    let skipped = before.chars().count().saturating_sub(LEAD);
    let is_cut = 0 < before.chars().take(skipped).filter(|c| !c.is_whitespace()).count();
    let part: String = line.chars().skip(skipped).map(clean).take(LENGTH - 2).collect();
    let end = if skipped + part.chars().count() < line.chars().count() { "…" } else { "" };
    format!("{}{}{end}", if is_cut { "…" } else { "" }, part.trim())
}

/// Nothing that a terminal would obey, or a reader not see.
fn clean(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}'
        | '\u{feff}' => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_shown_with_what_follows() {
        assert_eq!(snippet("a\n  b {\n\tc\n}\nd\n", 2, 4), "b {\nc\n}");
        assert_eq!(snippet("a\n\nb", 0, 0), "a");
        assert_eq!(snippet("", 0, 0), "");
    }

    #[test]
    fn a_long_line_is_cut_around_the_hit() {
        let line = format!("{}HIT{}", "x ".repeat(500), " y".repeat(500));
        let shown = snippet(&line, 0, 1000);
        assert!(shown.contains("HIT") && shown.starts_with('…') && shown.ends_with('…'));
        assert!(shown.chars().count() <= LENGTH, "{shown}");
    }

    #[test]
    fn nothing_is_shown_that_a_terminal_obeys() {
        assert_eq!(snippet("a\u{1b}[31mb\u{202e}c", 0, 0), "a\u{fffd}[31mb\u{fffd}c");
    }
}
