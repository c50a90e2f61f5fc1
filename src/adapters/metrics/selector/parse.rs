//! Reading a selector, character by character.

use std::iter::Peekable;
use std::str::CharIndices;

use super::{Matcher, Operator, Piece, Selector, SelectorError, anchored};

/// The longest selector in bytes.
const LONGEST: usize = 4_096;

pub(super) fn parse(text: &str) -> Result<Selector, SelectorError> {
    let mut reader = Reader { text, rest: text.char_indices().peekable() };
    if LONGEST < text.len() {
        return Err(reader.error(&format!("a selector has at most {LONGEST} bytes")));
    }
    let selector = reader.selector()?;
    reader.skip_space();
    if reader.peek().is_some() {
        let what = "the selector ends here: ranges, offsets and functions are not part of it";
        return Err(reader.error(what));
    }
    let is_empty = |matcher: &Matcher| match matcher.operator {
        Operator::Equal => matcher.value.is_empty(),
        Operator::NotEqual => !matcher.value.is_empty(),
        Operator::Like | Operator::Unlike => {
            let accepts = matcher.pattern.as_ref().is_none_or(|pattern| pattern.is_match(""));
            accepts == (matcher.operator == Operator::Like)
        }
    };
    if selector.name.is_none() && selector.matchers.iter().all(is_empty) {
        let what = "a name, or a matcher that refuses the empty value, is needed".to_owned();
        return Err(SelectorError { at: 1, what });
    }
    Ok(selector)
}

struct Reader<'a> {
    text: &'a str,
    rest: Peekable<CharIndices<'a>>,
}

impl Reader<'_> {
    fn peek(&mut self) -> Option<char> {
        self.rest.peek().map(|(_, character)| *character)
    }

    fn offset(&mut self) -> usize {
        self.rest.peek().map_or(self.text.len(), |(offset, _)| *offset)
    }

    fn error(&mut self, what: &str) -> SelectorError {
        let offset = self.offset();
        SelectorError { at: self.text[..offset].chars().count() + 1, what: what.to_owned() }
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(char::is_whitespace) {
            self.rest.next();
        }
    }

    /// Takes a character if it is the next one.
    fn take(&mut self, wanted: char) -> bool {
        self.rest.next_if(|(_, character)| *character == wanted).is_some()
    }

    fn word(&mut self, is_part: impl Fn(char) -> bool) -> String {
        let mut word = String::new();
        while let Some((_, character)) = self.rest.next_if(|(_, next)| is_part(*next)) {
            word.push(character);
        }
        word
    }

    fn selector(&mut self) -> Result<Selector, SelectorError> {
        self.skip_space();
        let starts = |next: char| next.is_ascii_alphabetic() || matches!(next, '_' | ':');
        let name = self
            .peek()
            .is_some_and(starts)
            .then(|| self.word(|next| next.is_ascii_alphanumeric() || matches!(next, '_' | ':')));
        self.skip_space();
        let matchers = if self.take('{') { self.matchers()? } else { Vec::new() };
        Ok(Selector { name, matchers })
    }

    fn matchers(&mut self) -> Result<Vec<Matcher>, SelectorError> {
        let mut matchers = Vec::new();
        loop {
            self.skip_space();
            if self.take('}') {
                return Ok(matchers);
            }
            matchers.push(self.matcher()?);
            self.skip_space();
            if !self.take(',') && self.peek() != Some('}') {
                return Err(self.error("a comma or } is expected"));
            }
        }
    }

    fn matcher(&mut self) -> Result<Matcher, SelectorError> {
        if !self.peek().is_some_and(|next| next.is_ascii_alphabetic() || next == '_') {
            return Err(self.error("the name of a label is expected"));
        }
        let label = self.word(|next| next.is_ascii_alphanumeric() || next == '_');
        self.skip_space();
        let operator = self.operator()?;
        self.skip_space();
        let start = self.error("this pattern cannot be used");
        let value = self.value()?;
        let has_ids = value.iter().any(|piece| !matches!(piece, Piece::Text(_)));
        let pattern = if operator.is_pattern() {
            // An id in it is escaped, and so as good as a letter.
            let tried = value.iter().map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Gate | Piece::Model => "x",
            });
            let tried: String = tried.collect();
            let pattern = anchored(&tried).map_err(|_| start)?;
            (!has_ids).then_some(pattern)
        } else {
            None
        };
        Ok(Matcher { label, operator, value, pattern })
    }

    fn operator(&mut self) -> Result<Operator, SelectorError> {
        if self.take('=') {
            return Ok(if self.take('~') { Operator::Like } else { Operator::Equal });
        }
        if self.take('!') {
            if self.take('=') {
                return Ok(Operator::NotEqual);
            }
            if self.take('~') {
                return Ok(Operator::Unlike);
            }
        }
        Err(self.error("one of = != =~ !~ is expected"))
    }

    /// A text in quotes, or an id without.
    fn value(&mut self) -> Result<Vec<Piece>, SelectorError> {
        match self.peek() {
            Some('$') => {
                let unknown = self.error("$__gate or $__model is expected");
                let word = self.word(|next| next == '$' || next == '_' || next.is_alphanumeric());
                match word.as_str() {
                    "$__gate" => Ok(vec![Piece::Gate]),
                    "$__model" => Ok(vec![Piece::Model]),
                    _ => Err(unknown),
                }
            }
            Some(quote @ ('"' | '\'' | '`')) => {
                let start = self.error("in this text, $__ begins neither $__gate nor $__model");
                self.rest.next();
                let text = self.quoted(quote)?;
                pieces(&text).ok_or(start)
            }
            _ => Err(self.error("a text in quotes, $__gate or $__model is expected")),
        }
    }

    fn quoted(&mut self, quote: char) -> Result<String, SelectorError> {
        let mut text = String::new();
        loop {
            let Some((_, character)) = self.rest.next() else {
                return Err(self.error("the text has no closing quote"));
            };
            match character {
                end if end == quote => return Ok(text),
                '\\' if quote != '`' => text.push(self.escaped()?),
                other => text.push(other),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, SelectorError> {
        let known = match self.peek() {
            Some(plain @ ('\\' | '"' | '\'')) => plain,
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            _ => return Err(self.error("after \\ comes one of \\ \" ' n t r; write \\\\ for \\")),
        };
        self.rest.next();
        Ok(known)
    }
}

/// Parts a text at the ids in it; `None` when something else begins as they do.
fn pieces(text: &str) -> Option<Vec<Piece>> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("$__") {
        if 0 < at {
            pieces.push(Piece::Text(rest[..at].to_owned()));
        }
        let (piece, length) = match &rest[at..] {
            gate if gate.starts_with("$__gate") => (Piece::Gate, "$__gate".len()),
            model if model.starts_with("$__model") => (Piece::Model, "$__model".len()),
            _ => return None,
        };
        pieces.push(piece);
        rest = &rest[at + length..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Some(pieces)
}
