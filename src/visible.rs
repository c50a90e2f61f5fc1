//! Which characters show themselves, and turn nothing else around?
//!
//! Names and texts that others wrote are put before people who decide by them. A character that is
//! not seen, or that shows what follows from right to left, would have them decide on another text.

/// Whether a character turns text around or hides in it.
pub fn hides(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{fff0}'..='\u{fffb}'
        | '\u{e0000}'..='\u{e0fff}')
}

/// A text without what hides and without control characters, cut to so many bytes. Line ends stay.
pub fn plain(text: &str, most: usize) -> String {
    let mut plain = String::new();
    for c in text.chars().filter(|c| !hides(*c) && (!c.is_control() || matches!(c, '\n' | '\t'))) {
        if most < plain.len() + c.len_utf8() {
            plain.push('…');
            break;
        }
        plain.push(c);
    }
    plain
}

/// A text as it can be shown in a line.
pub fn in_one_line(text: &str, most: usize) -> String {
    plain(text, most).split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_is_taken_out() {
        assert_eq!(plain("a\u{202e}b\u{200b}c\u{1b}[31m\nd\u{e0041}\u{fe0f}", 99), "abc[31m\nd");
        assert_eq!(plain("äöü", 4), "äö…");
        assert_eq!(in_one_line("a\n\n b\tc\r", 99), "a b c");
    }
}
