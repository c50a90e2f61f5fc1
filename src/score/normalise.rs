//! Text without what does not change an answer: case, punctuation, articles, white space.
//!
//! In this order:
//! 1. Unicode normalisation form C, so that `é` is one letter however it was typed.
//! 2. Lower case, by Unicode's default mapping (`str::to_lowercase`).
//! 3. Punctuation goes: all of Unicode's general category P, and ASCII's ``$+<=>^`|~``. Dashes
//!    and slashes become a space, the rest becomes nothing. What is part of a number stays:
//!    punctuation between two digits (`3.5`, `1,000`, `12:30`), and a minus sign or a full stop
//!    that begins a number (`-5`, `.5`); `−` becomes `-`.
//! 4. The articles `a`, `an` and `the` go as whole words, unless nothing else is left: the answer
//!    `A` stays `a`.
//! 5. White space becomes one space between words, and none at the ends.

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::CodePointMapData;
use icu_properties::props::{GeneralCategory, GeneralCategoryGroup};

/// What happens to `a`, `an` and `the`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Articles {
    /// They go, unless nothing else is left.
    Drop,
    /// They stay, as a part of a longer answer needs them to.
    Keep,
}

/// Normalises as the module says.
pub(super) fn normalise(text: &str, articles: Articles) -> String {
    let compose = ComposingNormalizerBorrowed::new_nfc();
    let lower = compose.normalize(text).to_lowercase();
    // Lower case can be decomposed, and a mark can meet a letter where punctuation was.
    let bare = without_punctuation(&compose.normalize(&lower));
    let bare = compose.normalize(&bare);
    let words: Vec<&str> = bare.split_whitespace().collect();
    let is_article = |word: &&str| matches!(*word, "a" | "an" | "the");
    if articles == Articles::Keep || words.iter().all(is_article) {
        return words.join(" ");
    }
    words.into_iter().filter(|word| !is_article(word)).collect::<Vec<_>>().join(" ")
}

fn without_punctuation(text: &str) -> String {
    let categories = CodePointMapData::<GeneralCategory>::new();
    let is_in = |group: GeneralCategoryGroup, c: char| group.contains(categories.get(c));
    let is_word = |c: char| c.is_alphanumeric() || is_in(GeneralCategoryGroup::Mark, c);

    let mut kept = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        let is_minus = c == '-' || c == '−';
        let is_punctuation =
            is_minus || c.is_ascii_punctuation() || is_in(GeneralCategoryGroup::Punctuation, c);
        if !is_punctuation {
            kept.push(c);
            continue;
        }
        // What was kept so far, and not what was there, so that a second pass changes nothing.
        let before = kept.chars().next_back();
        let after = &text[at + c.len_utf8()..];
        let is_inside_number = before.is_some_and(char::is_numeric) && starts_with_digit(after);
        let begins_number = !before.is_some_and(is_word)
            && match c {
                '.' => starts_with_digit(after),
                _ if is_minus => starts_with_digit(after.strip_prefix('.').unwrap_or(after)),
                _ => false,
            };
        if is_inside_number || begins_number {
            kept.push(if is_minus { '-' } else { c });
        } else if c == '/' || is_minus || categories.get(c) == GeneralCategory::DashPunctuation {
            kept.push(' ');
        }
    }
    kept
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(char::is_numeric)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(normalise(text, Articles::Drop), expected, "{text:?}");
    }

    #[test]
    fn case_space_and_punctuation_do_not_count() {
        check("  Paris.\n", "paris");
        check("**Paris**!", "paris");
        check("\"New\u{a0}York\",  U.S.", "new york us");
        check("«Ça va ?»", "ça va");
        check("`x` $5 #1", "x 5 1");
        check("don't", "dont");
        check("…", "");
    }

    #[test]
    fn letters_are_compared_as_unicode_sees_them() {
        check("CAFE\u{301}", "caf\u{e9}");
        check("ÉCOLE", "école");
        check("ΑΘΉΝΑ", "αθήνα");
        check("МОСКВА", "москва");
        check("東京。", "東京");
        check("हिन्दी", "हिन्दी");
        check("10²", "10²");
    }

    #[test]
    fn articles_go_unless_they_are_the_answer() {
        check("The Pacific Ocean", "pacific ocean");
        check("a kitten", "kitten");
        check("an apple a day", "apple day");
        check("A", "a");
        check("\"the\"", "the");
        check("another", "another");
        assert_eq!(normalise("The A, the B", Articles::Keep), "the a the b");
    }

    #[test]
    fn dashes_and_slashes_part_words() {
        check("carbon-dioxide", "carbon dioxide");
        check("yes/no", "yes no");
        check("1914–", "1914");
        check("well - maybe", "well maybe");
    }

    #[test]
    fn what_is_part_of_a_number_stays() {
        check("3.5", "3.5");
        check("1,000.", "1,000");
        check("12:30", "12:30");
        check("3/4", "3/4");
        check("-5", "-5");
        check("(−5)", "-5");
        check("-.5", "-.5");
        check(".5", ".5");
        check("GPT-4", "gpt 4");
        check("1.2.3", "1.2.3");
    }

    proptest! {
        #[test]
        fn a_second_pass_changes_nothing(text in any::<String>()) {
            let once = normalise(&text, Articles::Drop);
            prop_assert_eq!(normalise(&once, Articles::Drop), once);
        }

        #[test]
        fn a_second_pass_changes_nothing_about_numbers(text in "[-−.,:/'0-9a-cé\u{301}\u{300} ]{0,20}") {
            let once = normalise(&text, Articles::Drop);
            prop_assert_eq!(normalise(&once, Articles::Drop), once);
        }

        #[test]
        fn nothing_is_left_at_the_ends_or_twice_between(text in any::<String>()) {
            let once = normalise(&text, Articles::Keep);
            prop_assert_eq!(once.trim(), once.as_str());
            prop_assert!(!once.contains("  "));
        }

        #[test]
        fn ascii_case_and_framing_do_not_count(text in "[a-z ]{0,20}") {
            let framed = format!("  \"{}\"!\n", text.to_uppercase());
            prop_assert_eq!(
                normalise(&framed, Articles::Drop),
                normalise(&text, Articles::Drop)
            );
        }
    }
}
