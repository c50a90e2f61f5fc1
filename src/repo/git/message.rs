//! What a commit says.

use std::fmt;

use crate::adapters::git::Author;

/// The longest message, in bytes.
const LONGEST: usize = 64 * 1024;

/// A commit's message: not empty, at most 64 KiB, without control characters but tabs and line
/// feeds, and with a line feed at its end. Else it is stored as it was given; nothing in it is an
/// option or a comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitMessage(String);

/// Why a text is no commit message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MessageError {
    /// Nothing that could be read.
    #[error("a commit message must not be empty")]
    Empty,
    /// More than anybody reads.
    #[error("a commit message must have at most 65536 bytes")]
    TooLong,
    /// git ends a message at a NUL.
    #[error("a commit message must not contain NUL characters")]
    Nul,
}

impl CommitMessage {
    /// Reads a message. CR LF becomes LF, other control characters are dropped.
    ///
    /// # Errors
    /// It is empty, too long, or has a NUL in it.
    pub fn parse(text: &str) -> Result<Self, MessageError> {
        if LONGEST < text.len() {
            return Err(MessageError::TooLong);
        }
        if text.contains('\0') {
            return Err(MessageError::Nul);
        }
        let mut message = text.to_owned();
        message.retain(|c| matches!(c, '\n' | '\t') || !c.is_control());
        if message.trim().is_empty() {
            return Err(MessageError::Empty);
        }
        if !message.ends_with('\n') {
            message.push('\n');
        }
        Ok(Self(message))
    }

    /// The message as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Its first line that is not empty.
    pub fn subject(&self) -> &str {
        self.0.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default()
    }

    /// The message with `Signed-off-by:` at its end, as git adds it: below the other trailers if
    /// there are any, and not twice.
    #[must_use]
    pub fn signed_off_by(&self, author: &Author) -> Self {
        let line = format!("Signed-off-by: {} <{}>", author.name, author.email);
        let text = self.0.trim_end();
        let trailers = text.rsplit_once("\n\n").map(|(_, last)| last).filter(|last| {
            last.lines().enumerate().all(|(index, line)| is_trailer(line, index == 0))
        });
        match trailers {
            Some(trailers) if trailers.lines().any(|trailer| trailer == line) => self.clone(),
            Some(_) => Self(format!("{text}\n{line}\n")),
            None => Self(format!("{text}\n\n{line}\n")),
        }
    }
}

/// Whether a line is `Token: value`, or goes on with the one before.
fn is_trailer(line: &str, is_first: bool) -> bool {
    let is_token = |token: &str| {
        !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    let goes_on = !is_first && line.starts_with([' ', '\t']);
    goes_on
        || line.starts_with("(cherry picked from commit ")
        || line.split_once(": ").is_some_and(|(token, _)| is_token(token))
}

impl fmt::Display for CommitMessage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_kept_but_for_what_nobody_sees() {
        for (text, stored) in [
            ("--amend -m x", "--amend -m x\n"),
            ("-F/etc/passwd", "-F/etc/passwd\n"),
            ("# no comment\n\n\tx  \n\n", "# no comment\n\n\tx  \n\n"),
            ("a\r\nb\rc\x1b[31m\u{85}\x07", "a\nbc[31m\n"),
            ("Grüße 🦀", "Grüße 🦀\n"),
        ] {
            assert_eq!(CommitMessage::parse(text).unwrap().as_str(), stored);
        }
    }

    #[test]
    fn what_is_no_message_is_refused() {
        let longest = "x".repeat(65_536);
        assert!(CommitMessage::parse(&longest).is_ok());
        for (text, why) in [
            ("", MessageError::Empty),
            (" \n\t\r\n", MessageError::Empty),
            ("\x1b\x07", MessageError::Empty),
            ("a\0b", MessageError::Nul),
            (&format!("{longest}x"), MessageError::TooLong),
        ] {
            assert_eq!(CommitMessage::parse(text), Err(why), "{text:.20}");
        }
    }

    #[test]
    fn the_subject_is_the_first_line_with_something_in_it() {
        let message = CommitMessage::parse("\n  Fix it \n\nbecause").unwrap();
        assert_eq!(message.subject(), "Fix it");
    }

    #[test]
    fn a_sign_off_joins_the_trailers_once() {
        let author = Author { name: "Ada".into(), email: "ada@example.org".into() };
        let sign = "Signed-off-by: Ada <ada@example.org>\n";
        for (text, signed) in [
            ("Fix", format!("Fix\n\n{sign}")),
            ("fix: this", format!("fix: this\n\n{sign}")),
            ("Fix\n\nBody: of text\nand more", format!("Fix\n\nBody: of text\nand more\n\n{sign}")),
            ("Fix\n\nRefs: 4\n on\n\n", format!("Fix\n\nRefs: 4\n on\n{sign}")),
            (&format!("Fix\n\n{sign}"), format!("Fix\n\n{sign}")),
            (&format!("Fix\n\n{sign}Refs: 4"), format!("Fix\n\n{sign}Refs: 4\n")),
            (&format!("Fix\n\n{sign}\nMore text"), format!("Fix\n\n{sign}\nMore text\n\n{sign}")),
        ] {
            let message = CommitMessage::parse(text).unwrap().signed_off_by(&author);
            assert_eq!(message.as_str(), signed, "{text:?}");
        }
    }
}
