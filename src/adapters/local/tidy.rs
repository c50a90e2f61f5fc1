//! Makes what a run wrote fit to be shown: one line, short, without the machine's paths.

use std::path::Path;

/// The most characters of a run's own words that are shown.
const MAX_CHARACTERS: usize = 200;

/// Replaces the paths of the machine by what they stand for.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths(Vec<(String, &'static str)>);

impl Paths {
    /// Hides each path behind its name. Paths that could match anywhere are left alone.
    pub(super) fn hide<'a>(paths: impl IntoIterator<Item = (&'a Path, &'static str)>) -> Self {
        let mut hidden: Vec<(String, &'static str)> = paths
            .into_iter()
            .filter(|(path, _)| path.is_absolute() && path.components().count() > 1)
            .filter_map(|(path, name)| Some((path.to_str()?.to_owned(), name)))
            .collect();
        // The longest first, so that a directory does not hide the file in it.
        hidden.sort_by_key(|(path, _)| std::cmp::Reverse(path.len()));
        Self(hidden)
    }

    /// One line of at most 200 characters, without control characters and hidden paths.
    pub(super) fn tidy(&self, text: &str) -> String {
        let mut line = one_line(text);
        for (path, name) in &self.0 {
            line = line.replace(path, name);
        }
        cut(line)
    }
}

fn cut(line: String) -> String {
    match line.char_indices().nth(MAX_CHARACTERS) {
        Some(_) => line.chars().take(MAX_CHARACTERS - 1).chain(['…']).collect(),
        None => line,
    }
}

/// The text without terminal sequences; other control characters become spaces.
fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut characters = text.trim().chars().peekable();
    while let Some(character) = characters.next() {
        if character == '\u{1b}' && characters.next_if_eq(&'[').is_some() {
            // A sequence ends with its first character from @ to ~.
            characters.by_ref().find(|end| ('@'..='~').contains(end));
        } else if is_invisible(character) {
            line.push(' ');
        } else {
            line.push(character);
        }
    }
    line.trim().to_owned()
}

/// Control characters, and those that change the direction of what follows.
fn is_invisible(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let paths = [
            (Path::new("/home/ada"), "~"),
            (Path::new("/home/ada/repo"), "{repository}"),
            (Path::new("/"), "never"),
        ];
        assert_eq!(Paths::hide(paths).tidy(text), expected);
    }

    #[test]
    fn a_runs_words_are_made_one_short_line() {
        check("plain words", "plain words");
        check(" a\tb\u{7}c\n", "a b c");
        check("\u{1b}[1;31merror:\u{1b}[0m no", "error: no");
        check("\u{1b}[31", "");
        check("left \u{202e}right", "left  right");
        check(
            "in /home/ada/repo/x and /home/ada/y, not /etc",
            "in {repository}/x and ~/y, not /etc",
        );
        check(&"é".repeat(201), &format!("{}…", "é".repeat(199)));
        check(&"é".repeat(200), &"é".repeat(200));
    }
}
