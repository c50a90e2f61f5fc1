//! Reading YAML into a tree.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::DuplicateKeyPolicy;
use serde_saphyr::{Options, Spanned, UserMessageFormatter};

use super::tree::{Content, Entry, Fault, Node};

/// Reads one document, and puts the twins of the outermost key `merged` together.
///
/// # Errors
/// What is not YAML, and keys that are there twice.
pub(super) fn read(text: &str, merged: &str) -> Result<Node, Fault> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let node: Located = serde_saphyr::from_str_with_options(text, options()).map_err(|error| {
        let error = error.without_snippet();
        let place = error.location();
        let line = place.map_or(1, |place| usize::try_from(place.line()).unwrap_or(1)).max(1);
        let said = error.render_with_formatter(&UserMessageFormatter);
        let said = said.lines().next().unwrap_or_default().to_owned();
        let column =
            place.map_or_else(String::new, |place| format!(" (column {})", place.column()));
        Fault::new(line, format!("is not valid YAML{column}: {said}"))
    })?;
    node.0.without_twins(merged)
}

/// Bounds that no honest file comes near, so that a dishonest one costs nothing.
fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            max_nodes: 50_000,
            max_events: 100_000,
            max_aliases: 500,
            max_anchors: 500,
            max_documents: 1,
            max_merge_keys: 200,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: 16,
        },
        // Every pair is passed on, and judged when the whole is known.
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        reject_unsupported_tags: true,
        with_snippet: false,
        emit_comments: false,
    }
}

/// A node that knows its line.
struct Located(Node);

impl<'de> Deserialize<'de> for Located {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Spanned { value: Anything(content), referenced, .. } =
            Spanned::deserialize(deserializer)?;
        let line = usize::try_from(referenced.line()).unwrap_or(usize::MAX);
        Ok(Self(Node { line, content }))
    }
}

struct Anything(Content);

impl<'de> Deserialize<'de> for Anything {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyVisitor).map(Self)
    }
}

struct AnyVisitor;

impl<'de> Visitor<'de> for AnyVisitor {
    type Value = Content;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E>(self) -> Result<Content, E> {
        Ok(Content::Nothing)
    }

    fn visit_none<E>(self) -> Result<Content, E> {
        Ok(Content::Nothing)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Content, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_bool<E>(self, truth: bool) -> Result<Content, E> {
        Ok(Content::Truth(truth))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Content, E> {
        Ok(Content::Integer(number.into()))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Content, E> {
        Ok(Content::Integer(number.into()))
    }

    fn visit_i128<E>(self, number: i128) -> Result<Content, E> {
        Ok(Content::Integer(number))
    }

    fn visit_u128<E: serde::de::Error>(self, number: u128) -> Result<Content, E> {
        i128::try_from(number)
            .map(Content::Integer)
            .map_err(|_| E::custom("the number is too large"))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Content, E> {
        Ok(Content::Decimal(number))
    }

    fn visit_str<E>(self, text: &str) -> Result<Content, E> {
        Ok(Content::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Content, A::Error> {
        let mut list = Vec::new();
        while let Some(Located(item)) = items.next_element()? {
            list.push(item);
        }
        Ok(Content::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Content, A::Error> {
        let mut table = Vec::new();
        while let Some(key) = pairs.next_key::<Spanned<String>>()? {
            let line = usize::try_from(key.referenced.line()).map_err(A::Error::custom)?;
            let Located(value) = pairs.next_value()?;
            table.push(Entry { key: key.value, line, value });
        }
        Ok(Content::Table(table))
    }
}
