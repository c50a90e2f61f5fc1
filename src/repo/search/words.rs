//! What a text is made of: its words, the parts of its identifiers, and the forms that a word takes
//! in prose. Everything is compared in one case.

use std::ops::Range;

/// How much of a word is kept, in bytes; what is longer is data and not language.
pub(super) const LONGEST_WORD: usize = 128;

/// Words that say nothing about what a question is about.
const STOP_WORDS: [&str; 76] = [
    "a", "about", "after", "all", "also", "an", "and", "any", "are", "as", "at", "be", "been",
    "before", "but", "by", "can", "could", "did", "do", "does", "each", "for", "from", "get",
    "had", "has", "have", "how", "i", "if", "in", "into", "is", "it", "its", "may", "me", "must",
    "my", "no", "not", "of", "on", "or", "our", "out", "own", "should", "so", "than", "that",
    "the", "their", "them", "then", "there", "these", "they", "this", "to", "was", "we", "what",
    "when", "where", "which", "who", "why", "will", "with", "without", "would", "you", "your",
    "am",
];

/// Whether a word, in lower case, carries no meaning of its own in prose.
pub(super) fn is_stop_word(word: &str) -> bool {
    STOP_WORDS.contains(&word)
}

/// Whether a character is part of a word.
pub(super) fn is_word_char(c: char) -> bool {
    c == '_' || c.is_alphanumeric()
}

/// Adds a text in the one case that everything is compared in.
pub(super) fn fold_into(folded: &mut String, text: &str) {
    if text.is_ascii() {
        let start = folded.len();
        folded.push_str(text);
        if let Some(added) = folded.get_mut(start..) {
            added.make_ascii_lowercase();
        }
    } else {
        folded.extend(text.chars().map(fold_char));
    }
}

/// A text in the one case that everything is compared in.
pub(super) fn fold(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    fold_into(&mut folded, text);
    folded
}

/// One character for one, so that a text has the same lines and columns folded.
fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(lower), None) => lower,
        _ => c,
    }
}

/// The words of a text: letters, digits and underscores that stand together.
pub(super) fn words(text: &str) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + skip(text, at, false);
        let end = start + skip(text, start, true);
        at = end;
        (start < end).then_some(start..end)
    })
}

/// How many bytes from a place on are of words, or are not.
fn skip(text: &str, from: usize, of_words: bool) -> usize {
    let bytes = text.as_bytes();
    let mut at = from;
    while let Some(&byte) = bytes.get(at) {
        let (is_word, length) = if byte.is_ascii() {
            (byte.is_ascii_alphanumeric() || byte == b'_', 1)
        } else {
            match text.get(at..).and_then(|rest| rest.chars().next()) {
                Some(c) => (is_word_char(c), c.len_utf8()),
                None => break,
            }
        };
        if is_word != of_words {
            break;
        }
        at += length;
    }
    at - from
}

/// Calls `visit` with each part of an identifier (`maxQueued`, `max_queued`, `HTTPServer`), if it
/// has several.
pub(super) fn parts<'a>(word: &'a str, mut visit: impl FnMut(&'a str)) {
    if word.len() < 3 || LONGEST_WORD < word.len() || !has_parts(word.as_bytes()) {
        return;
    }
    let mut start = 0;
    let mut chars = word.char_indices().peekable();
    let mut before: Option<char> = None;
    while let Some((at, c)) = chars.next() {
        let next = chars.peek().map(|(_, next)| *next);
        let begins = c.is_uppercase()
            && (before.is_some_and(|b| b.is_lowercase() || b.is_numeric())
                || before.is_some_and(char::is_uppercase) && next.is_some_and(char::is_lowercase));
        if c == '_' || begins {
            emit(&word[start..at], word, &mut visit);
            start = if c == '_' { at + 1 } else { at };
        }
        before = Some(c);
    }
    emit(&word[start..], word, &mut visit);
}

fn emit<'a>(part: &'a str, word: &str, visit: &mut impl FnMut(&'a str)) {
    if 1 < part.len() && part.len() < word.len() {
        visit(part);
    }
}

fn has_parts(word: &[u8]) -> bool {
    word.contains(&b'_') || word[1..].iter().any(u8::is_ascii_uppercase) || !word.is_ascii()
}

/// How long a prefix of a word the forms of [`forms`] have in common.
pub(super) fn stem(word: &str) -> &str {
    let Some(shortest) = ["ation", "ing", "ion", "ied", "ies", "ed", "es", "s", "y", "e"]
        .iter()
        .find_map(|ending| word.strip_suffix(ending).filter(|rest| 3 <= rest.len()))
    else {
        return word;
    };
    let doubled = shortest.as_bytes().last_chunk::<2>().is_some_and(|[a, b]| a == b);
    if doubled && word.len() != shortest.len() + 1 && shortest.is_char_boundary(shortest.len() - 1)
    {
        return &shortest[..shortest.len() - 1];
    }
    shortest
}

/// Other forms of an ordinary English word, in lower case: its plural or singular, and what its
/// verb may look like. Some are no words; those are simply not found.
pub(super) fn forms(word: &str) -> Vec<String> {
    if word.len() < 3 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return Vec::new();
    }
    let root = stem(word);
    let mut forms: Vec<String> =
        ["", "s", "es", "e", "ed", "ing", "y", "ies", "ied", "ion", "ation"]
            .iter()
            .map(|ending| format!("{root}{ending}"))
            .collect();
    if let Some(last) = root.chars().last() {
        forms.extend(["ed", "ing"].map(|ending| format!("{root}{last}{ending}")));
        forms.push(format!("{root}{last}"));
    }
    forms.push(format!("{word}s"));
    forms.retain(|form| form != word && 2 < form.len());
    forms.sort();
    forms.dedup();
    forms
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words_of(text: &str) -> Vec<&str> {
        words(text).map(|range| &text[range]).collect()
    }

    fn parts_of(word: &str) -> Vec<&str> {
        let mut found = Vec::new();
        parts(word, |part| found.push(part));
        found
    }

    #[test]
    fn words_are_split_where_a_reader_would() {
        assert_eq!(words_of("fn max_queued(&self) -> u64;"), ["fn", "max_queued", "self", "u64"]);
        assert_eq!(words_of("→naïve—x y²"), ["naïve", "x", "y²"]);
        assert_eq!(words_of(" "), Vec::<&str>::new());
    }

    #[test]
    fn identifiers_have_parts() {
        for (word, expected) in [
            ("max_queued", vec!["max", "queued"]),
            ("maxQueued", vec!["max", "Queued"]),
            ("HTTPServer", vec!["HTTP", "Server"]),
            ("MCP_RL_BUCKET", vec!["MCP", "RL", "BUCKET"]),
            ("sha256", vec![]),
            ("Word", vec![]),
            ("_x", vec![]),
        ] {
            assert_eq!(parts_of(word), expected, "{word}");
        }
    }

    #[test]
    fn case_does_not_count() {
        assert_eq!(fold("HttpÄ"), "httpä");
        assert_eq!(fold("İx").chars().count(), 2);
    }

    #[test]
    fn forms_lead_to_one_another() {
        for (a, b) in [
            ("key", "keys"),
            ("keys", "key"),
            ("retry", "retries"),
            ("retries", "retry"),
            ("rotate", "rotating"),
            ("stopped", "stop"),
            ("stop", "stopping"),
            ("queue", "queued"),
            ("configured", "configuration"),
            ("promotion", "promote"),
        ] {
            assert!(forms(a).iter().any(|form| form == b), "{a}: {:?}", forms(a));
        }
        assert_eq!(forms("re"), Vec::<String>::new());
    }
}
