//! Numbers in running text, as a reader would see them.
//!
//! A number is an optional minus sign (`-` or `−`), digits with or without thousands separators,
//! an optional fraction after a full stop, and an optional exponent (`e` or `E`). `docs/evals.md`
//! has the rules for users, and the table test below has a row for each.

/// What may stand between groups of three digits, the same one throughout.
const GROUP_MARKS: [char; 6] = [',', '_', '\'', '\u{a0}', '\u{202f}', '\u{2009}'];

/// What may stand between a minus sign and its number.
const CURRENCY: [char; 4] = ['$', '€', '£', '¥'];

/// A number as found.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number<'t> {
    /// As it is written.
    pub(super) text: &'t str,
    /// What it says; infinite when it is too large for a double.
    pub(super) value: f64,
}

/// The numbers of a text, from its beginning.
pub(super) fn numbers(text: &str) -> impl Iterator<Item = Number<'_>> {
    Numbers { text, at: 0, before: None }
}

/// The number that the text is, if it is nothing but one finite number.
pub(super) fn whole(text: &str) -> Option<f64> {
    let text = text.trim();
    let number = numbers(text).next()?;
    (number.text == text && number.value.is_finite()).then_some(number.value)
}

struct Numbers<'t> {
    text: &'t str,
    at: usize,
    before: Option<char>,
}

impl<'t> Iterator for Numbers<'t> {
    type Item = Number<'t>;

    fn next(&mut self) -> Option<Number<'t>> {
        while self.at < self.text.len() {
            let rest = &self.text[self.at..];
            let (length, is_number) = match number_length(rest, self.before) {
                Some(length) => {
                    // `3rd` and `5kg` are numbers; `1.2.3`, `0x1F` and `10²` are something else.
                    let tail = word_length(&rest[length..], true);
                    let is_number = !rest[length..length + tail].contains(char::is_numeric);
                    (if is_number { length } else { length + tail }, is_number)
                }
                None => (word_length(rest, false).max(first_length(rest)), false),
            };
            let token = &rest[..length];
            self.at += length;
            self.before = token.chars().next_back();
            if is_number {
                return Some(Number { text: token, value: value(token) });
            }
        }
        None
    }
}

fn first_length(text: &str) -> usize {
    text.chars().next().map_or(0, char::len_utf8)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric()
}

fn starts_with_digit(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit())
}

fn digits_length(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

/// The length of the word that the text starts with, names like `a_1` and versions like `1.2.3`
/// included.
fn word_length(text: &str, after_digit: bool) -> usize {
    let (mut is_after_word, mut is_after_digit) = (after_digit, after_digit);
    for (at, c) in text.char_indices() {
        let joins = match c {
            '_' => is_after_word && text[at + 1..].starts_with(is_word),
            '.' => is_after_digit && starts_with_digit(&text[at + 1..]),
            _ => is_word(c),
        };
        if !joins {
            return at;
        }
        (is_after_word, is_after_digit) = (is_word(c), c.is_ascii_digit());
    }
    text.len()
}

/// The length of the number that the text starts with, given the character before.
fn number_length(text: &str, before: Option<char>) -> Option<usize> {
    let sign = sign_length(text, before);
    let body = &text[sign..];
    let may_lead_with_point = sign > 0 || !before.is_some_and(|c| is_word(c) || c == '.');
    let integer = integer_length(body);
    let fraction = match body[integer..].strip_prefix('.').map(digits_length) {
        Some(digits) if digits > 0 && (integer > 0 || may_lead_with_point) => 1 + digits,
        _ => 0,
    };
    let mantissa = sign + integer + fraction;
    (integer + fraction > 0).then(|| mantissa + exponent_length(&text[mantissa..]))
}

/// A minus sign, and a currency sign after it; not the minus of `5-3`, `GPT-4` and `(x)-1`.
fn sign_length(text: &str, before: Option<char>) -> usize {
    let is_operator = before.is_some_and(|c| is_word(c) || c == ')' || c == ']');
    let Some(rest) = text.strip_prefix(['-', '−']).filter(|_| !is_operator) else {
        return 0;
    };
    let body = rest.strip_prefix(CURRENCY).unwrap_or(rest);
    if starts_with_digit(body.strip_prefix('.').unwrap_or(body)) {
        text.len() - body.len()
    } else {
        0
    }
}

fn integer_length(text: &str) -> usize {
    let leading = digits_length(text);
    let mark = text[leading..].chars().next().filter(|c| GROUP_MARKS.contains(c));
    let Some(mark) = mark.filter(|_| (1..=3).contains(&leading) && !text.starts_with('0')) else {
        return leading;
    };
    let mut length = leading;
    while let Some(group) = text[length..].strip_prefix(mark)
        && digits_length(group) == 3
    {
        length += mark.len_utf8() + 3;
    }
    length
}

fn exponent_length(text: &str) -> usize {
    let Some(rest) = text.strip_prefix(['e', 'E']) else { return 0 };
    let body = rest.strip_prefix(['+', '-', '−']).unwrap_or(rest);
    let digits = digits_length(body);
    if digits == 0 || body[digits..].starts_with(is_word) {
        return 0;
    }
    text.len() - body.len() + digits
}

fn value(token: &str) -> f64 {
    let plain: String = token
        .chars()
        .map(|c| if c == '−' { '-' } else { c })
        .filter(|c| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E'))
        .collect();
    plain.parse().expect("a sign, digits, a fraction and an exponent are a number to Rust too")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[f64]) {
        let found: Vec<f64> = numbers(text).map(|number| number.value).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn a_reader_sees_these_numbers() {
        check("", &[]);
        check("no number", &[]);
        check("5", &[5.0]);
        check("The answer is 42.", &[42.0]);
        check("3.50, or 2", &[3.5, 2.0]);
        check("-5 and −7", &[-5.0, -7.0]);
        check("(-5)", &[-5.0]);
        check(".5 and -.25", &[0.5, -0.25]);
        check("Wait ...5", &[5.0]);
        check("-$5 or $-5 or $5", &[-5.0, -5.0, 5.0]);
        check("+5", &[5.0]);
        check("50% **51** _52_", &[50.0, 51.0, 52.0]);
        check("5kg, the 3rd, 2x", &[5.0, 3.0, 2.0]);
        check("3 + 4 = 7", &[3.0, 4.0, 7.0]);
        check("3/4", &[3.0, 4.0]);
        check("12:30", &[12.0, 30.0]);
        check("5,\n6", &[5.0, 6.0]);
    }

    #[test]
    fn a_minus_between_two_things_is_no_sign() {
        check("9-4=5", &[9.0, 4.0, 5.0]);
        check("9 - 4", &[9.0, 4.0]);
        check("2024-01-31", &[2024.0, 1.0, 31.0]);
        check("GPT-4", &[4.0]);
        check("(1+2)-3", &[1.0, 2.0, 3.0]);
    }

    #[test]
    fn thousands_may_be_separated() {
        check("1,500", &[1500.0]);
        check("1,234,567.89", &[1_234_567.89]);
        check("1_500, 1'500, 1\u{a0}500, 1\u{202f}500", &[1500.0; 4]);
        check("12,34", &[12.0, 34.0]);
        check("1,2345", &[1.0, 2345.0]);
        check("1234,567", &[1234.0, 567.0]);
        check("0,125", &[0.0, 125.0]);
        check("2, 4, 6", &[2.0, 4.0, 6.0]);
    }

    #[test]
    fn exponents_are_read() {
        check("1e3 2.5E-2 6.02e+23", &[1000.0, 0.025, 6.02e23]);
        check("-1.5e−2", &[-0.015]);
        check("5e", &[5.0]);
        check("1e400", &[f64::INFINITY]);
    }

    #[test]
    fn what_is_part_of_a_word_is_no_number() {
        check("x2, H2O, v1.2, a_1, 1,500_000", &[]);
        check("1.2.3 and 192.168.0.1", &[]);
        check("0x1F, 3D5, 10²", &[]);
        check("NaN, inf, -Infinity, ½, ٣", &[]);
    }

    #[test]
    fn a_whole_number_is_nothing_but_one() {
        assert_eq!(whole(" 1,500 "), Some(1500.0));
        assert_eq!(whole("-5"), Some(-5.0));
        for text in ["", "five", "5 kg", "5.", "1 2", "1e400", "NaN", "inf", "+"] {
            assert_eq!(whole(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in any::<String>()) {
            let found: Vec<Number<'_>> = numbers(&text).collect();
            for number in found {
                prop_assert!(text.contains(number.text) && !number.value.is_nan());
            }
        }

        #[test]
        fn no_text_made_of_the_parts_of_numbers_is_too_much(text in "[-−0-9.,_'eE$+x )]{0,40}") {
            for number in numbers(&text) {
                prop_assert!(number.text.contains(|c: char| c.is_ascii_digit()));
                prop_assert!(!number.value.is_nan());
            }
        }

        #[test]
        fn a_number_in_a_sentence_is_read_as_rust_reads_it(value in any::<f64>()) {
            prop_assume!(value.is_finite());
            for text in [format!("It is {value}."), format!("It is {value:e}!")] {
                let found: Vec<f64> = numbers(&text).map(|number| number.value).collect();
                prop_assert_eq!(found, vec![value], "{}", text);
            }
        }

        #[test]
        fn separators_do_not_change_a_number(value in 0_u32..) {
            let digits = value.to_string();
            let mut text = String::new();
            for (at, digit) in digits.chars().enumerate() {
                if at > 0 && (digits.len() - at).is_multiple_of(3) {
                    text.push(',');
                }
                text.push(digit);
            }
            prop_assert_eq!(whole(&text), Some(f64::from(value)));
        }
    }
}
