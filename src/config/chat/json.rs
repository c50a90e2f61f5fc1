//! Reading JSON into a tree.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::tree::{Content, Entry, Fault, Node};

/// How deep values may be within one another; the file needs four.
const DEEPEST: usize = 16;

/// Reads a document.
///
/// # Errors
/// What is not JSON, and keys that are there twice.
pub(super) fn read(text: &str) -> Result<Node, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let whole: &RawValue = serde_json::from_str(text).map_err(|error| {
        let said = error.to_string();
        let said = said.split(" at line ").next().unwrap_or_default();
        let problem = format!("is not valid JSON (column {}): {said}", error.column());
        Fault::new(error.line().max(1), problem)
    })?;
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at);
    let lines = Lines { start: text.as_ptr().addr(), breaks: breaks.collect() };
    // No key may be there twice.
    lines.node(whole, 0)?.without_twins("\0")
}

/// Where lines end.
struct Lines {
    /// The address of the text's first byte.
    start: usize,
    breaks: Vec<usize>,
}

impl Lines {
    /// The line of a part of the text, from 1.
    fn of(&self, part: &RawValue) -> usize {
        let at = part.get().as_ptr().addr() - self.start;
        self.breaks.partition_point(|end| *end < at) + 1
    }

    fn node(&self, raw: &RawValue, depth: usize) -> Result<Node, Fault> {
        let line = self.of(raw);
        if DEEPEST < depth {
            return Err(Fault::new(line, "lists and objects are too deep in one another"));
        }
        // The whole was read already; what can still be wrong is half a surrogate pair.
        let unreadable = |error: serde_json::Error| {
            let said = error.to_string();
            let said = said.split(" at line ").next().unwrap_or_default().to_owned();
            Fault::new(line, format!("is not valid JSON: {said}"))
        };
        let content = match raw.get().bytes().next() {
            Some(b'{') => {
                let Pairs(pairs) = serde_json::from_str(raw.get()).map_err(unreadable)?;
                let entry = |(key, value): (String, &RawValue)| {
                    let value = self.node(value, depth + 1)?;
                    Ok(Entry { key, line: value.line, value })
                };
                Content::Table(pairs.into_iter().map(entry).collect::<Result<_, Fault>>()?)
            }
            Some(b'[') => {
                let items: Vec<&RawValue> = serde_json::from_str(raw.get()).map_err(unreadable)?;
                let items = items.into_iter().map(|item| self.node(item, depth + 1));
                Content::List(items.collect::<Result<_, Fault>>()?)
            }
            _ => match serde_json::from_str(raw.get()).map_err(unreadable)? {
                serde_json::Value::Bool(truth) => Content::Truth(truth),
                serde_json::Value::String(text) => Content::Text(text),
                serde_json::Value::Number(number) => {
                    let whole = number.as_i128().map(Content::Integer);
                    whole
                        .or_else(|| number.as_f64().map(Content::Decimal))
                        .unwrap_or(Content::Nothing)
                }
                _ => Content::Nothing,
            },
        };
        Ok(Node { line, content })
    }
}

/// The pairs of an object, twins too.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de> Deserialize<'de> for Pairs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PairsVisitor;

        impl<'de> Visitor<'de> for PairsVisitor {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<'de>, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(PairsVisitor)
    }
}
