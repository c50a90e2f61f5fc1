//! Which series count: a name and matchers of labels, as PromQL writes them.
//!
//! A selector is read once, when the daemon starts, and is used alike for a Prometheus server and
//! for a page of metrics. `$__gate` and `$__model` in it stand for the ids of a look; ids go in as
//! text and cannot change what a selector means.

mod parse;

#[cfg(test)]
mod tests;

use std::fmt::{self, Write as _};

use regex::Regex;

use crate::ids::{GateId, ModelId};

/// A selector that was read.
#[derive(Debug, Clone)]
pub struct Selector {
    name: Option<String>,
    matchers: Vec<Matcher>,
}

#[derive(Debug, Clone)]
struct Matcher {
    label: String,
    operator: Operator,
    value: Vec<Piece>,
    /// The pattern, unless an id is part of it.
    pattern: Option<Regex>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Like,
    Unlike,
}

/// A part of a text in which ids stand.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Gate,
    Model,
}

/// What is wrong with a selector, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {at}: {what}")]
pub struct SelectorError {
    /// The place, counted in characters from 1.
    at: usize,
    what: String,
}

impl Operator {
    fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Like => "=~",
            Self::Unlike => "!~",
        }
    }

    fn is_pattern(self) -> bool {
        matches!(self, Self::Like | Self::Unlike)
    }
}

impl Matcher {
    /// Its value with ids in it; in a pattern they stand for themselves.
    fn text(&self, model: &ModelId, gate: &GateId) -> String {
        let id = |id: &str| {
            if self.operator.is_pattern() { regex::escape(id) } else { id.to_owned() }
        };
        let texts = self.value.iter().map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Gate => id(gate.as_str()),
            Piece::Model => id(model.as_str()),
        });
        texts.collect()
    }
}

/// A selector with the ids of a look in it.
#[derive(Debug, Clone)]
pub struct BoundSelector {
    name: Option<String>,
    matchers: Vec<BoundMatcher>,
}

#[derive(Debug, Clone)]
struct BoundMatcher {
    label: String,
    operator: Operator,
    value: String,
    pattern: Option<Regex>,
}

impl Selector {
    /// Reads a selector such as `http_requests_total{gate=$__gate,code=~"5.."}`.
    ///
    /// # Errors
    /// It is none, with the place and what is wrong there.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        parse::parse(text)
    }

    /// Puts the ids of a look in.
    pub fn bind(&self, model: &ModelId, gate: &GateId) -> BoundSelector {
        let bind = |matcher: &Matcher| {
            let value = matcher.text(model, gate);
            let is_pattern = matcher.operator.is_pattern();
            // A pattern was read with ids in it when the selector was, and ids are escaped.
            let fresh = || is_pattern.then(|| anchored(&value).ok()).flatten();
            let pattern = matcher.pattern.clone().or_else(fresh);
            let (label, operator) = (matcher.label.clone(), matcher.operator);
            BoundMatcher { label, operator, value, pattern }
        };
        BoundSelector {
            name: self.name.clone(),
            matchers: self.matchers.iter().map(bind).collect(),
        }
    }
}

/// A pattern that must match a whole value, as in PromQL.
fn anchored(pattern: &str) -> Result<Regex, regex::Error> {
    // By itself first, so that no parenthesis of it closes the one around it.
    Regex::new(pattern)?;
    regex::RegexBuilder::new(&format!("^(?s:{pattern})$")).size_limit(1 << 20).build()
}

impl BoundSelector {
    /// Whether a series is meant. A label that it has not counts as empty.
    pub fn matches<'a>(&self, name: &str, label: impl Fn(&str) -> Option<&'a str>) -> bool {
        let is_named = self.name.as_ref().is_none_or(|wanted| wanted == name);
        is_named
            && self.matchers.iter().all(|matcher| {
                let value = match matcher.label.as_str() {
                    "__name__" => name,
                    other => label(other).unwrap_or_default(),
                };
                matcher.accepts(value)
            })
    }
}

impl BoundMatcher {
    fn accepts(&self, value: &str) -> bool {
        let is_like = || self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(value));
        match self.operator {
            Operator::Equal => self.value == value,
            Operator::NotEqual => self.value != value,
            Operator::Like => is_like(),
            Operator::Unlike => self.pattern.is_some() && !is_like(),
        }
    }
}

/// The selector in PromQL.
impl fmt::Display for BoundSelector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name.as_deref().unwrap_or_default())?;
        if self.matchers.is_empty() {
            return Ok(());
        }
        for (index, matcher) in self.matchers.iter().enumerate() {
            f.write_char(if index == 0 { '{' } else { ',' })?;
            write!(f, "{}{}\"", matcher.label, matcher.operator.as_str())?;
            write_escaped(f, &matcher.value)?;
            f.write_char('"')?;
        }
        f.write_char('}')
    }
}

/// Writes what stands between double quotes in PromQL.
pub(super) fn write_escaped(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(out, "\\{character}")?,
            '\n' => out.write_str("\\n")?,
            control if control.is_control() => write!(out, "\\u{:04x}", u32::from(control))?,
            other => out.write_char(other)?,
        }
    }
    Ok(())
}
