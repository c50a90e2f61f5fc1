//! Queries that give one number: putting ids in, and finding out how far back they look.

use std::time::Duration;

use super::selector::write_escaped;
use crate::ids::{GateId, ModelId};

/// A query in which `$__window`, `$__gate` and `$__model` stand.
#[derive(Debug, Clone)]
pub struct Query {
    text: String,
}

/// Why a text is no such query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Something else begins as an id does.
    #[error("holds $__ that begins none of $__window, $__gate and $__model")]
    Unknown,
    /// A text in quotes does not end.
    #[error("holds a text without its closing quote")]
    Quote,
    /// A range or an offset is no duration.
    #[error("holds a range or an offset that is no duration such as 5m")]
    Duration,
    /// It fixes its time.
    #[error("holds @, and so would not see the present")]
    FixedTime,
}

/// A query for one look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BoundQuery {
    pub(super) text: String,
    /// How far back it looks, in milliseconds; 0 when it takes the present value.
    pub(super) window_ms: u64,
}

const WINDOW: &str = "$__window";
const GATE: &str = "$__gate";
const MODEL: &str = "$__model";

impl Query {
    /// Reads a query as far as is needed to put ids in.
    ///
    /// # Errors
    /// A look could not be made with it.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let query = Self { text: text.to_owned() };
        query.filled("x", "x", Duration::from_secs(1))?;
        Ok(query)
    }

    /// Puts the ids and the window of a look in. Outside quotes, an id gets its own.
    ///
    /// # Errors
    /// Never for a query that was read.
    pub(super) fn bind(
        &self,
        model: &ModelId,
        gate: &GateId,
        window: Duration,
    ) -> Result<BoundQuery, QueryError> {
        self.filled(model.as_str(), gate.as_str(), window)
    }

    fn filled(&self, model: &str, gate: &str, window: Duration) -> Result<BoundQuery, QueryError> {
        let mut filled = String::with_capacity(self.text.len() + 64);
        let mut code = String::new();
        let mut place = Place::Code;
        let mut rest = self.text.as_str();
        while let Some(next) = rest.chars().next() {
            if rest.starts_with("$__") {
                let (length, text) = value_of(rest, model, gate, window)?;
                if matches!(place, Place::Code) && !rest.starts_with(WINDOW) {
                    filled.push('"');
                    push_escaped(&mut filled, text.as_str());
                    filled.push('"');
                } else {
                    push_escaped(&mut filled, &text);
                    code.push_str(if matches!(place, Place::Code) { &text } else { "" });
                }
                rest = &rest[length..];
                continue;
            }
            let escapes = next == '\\' && matches!(place, Place::Text('"' | '\''));
            place = match place {
                Place::Code => Place::after(next),
                Place::Text(quote) if next == quote => Place::Code,
                Place::Comment if next == '\n' => Place::Code,
                other => other,
            };
            code.push(if matches!(place, Place::Code) { next } else { ' ' });
            filled.push(next);
            rest = &rest[next.len_utf8()..];
            if escapes && let Some(escaped) = rest.chars().next() {
                filled.push(escaped);
                rest = &rest[escaped.len_utf8()..];
            }
        }
        if matches!(place, Place::Text(_)) {
            return Err(QueryError::Quote);
        }
        Ok(BoundQuery { text: filled, window_ms: window_of(&code)? })
    }
}

/// Where in a query one is.
#[derive(Debug, Clone, Copy)]
enum Place {
    Code,
    /// Between these quotes.
    Text(char),
    Comment,
}

impl Place {
    fn after(character: char) -> Self {
        match character {
            quote @ ('"' | '\'' | '`') => Self::Text(quote),
            '#' => Self::Comment,
            _ => Self::Code,
        }
    }
}

fn value_of(
    rest: &str,
    model: &str,
    gate: &str,
    window: Duration,
) -> Result<(usize, String), QueryError> {
    if rest.starts_with(WINDOW) {
        Ok((WINDOW.len(), format!("{}s", window.as_secs().max(1))))
    } else if rest.starts_with(GATE) {
        Ok((GATE.len(), gate.to_owned()))
    } else if rest.starts_with(MODEL) {
        Ok((MODEL.len(), model.to_owned()))
    } else {
        Err(QueryError::Unknown)
    }
}

fn push_escaped(query: &mut String, text: &str) {
    write_escaped(query, text).expect("writing to a string cannot fail");
}

/// How far back a query looks, from its text without what is in quotes: the longest range, all
/// ranges of subqueries, which may lie within one another, and the longest offset. At worst that is
/// more than it does.
fn window_of(code: &str) -> Result<u64, QueryError> {
    let (mut range, mut subqueries, mut offset) = (0u64, 0u64, 0u64);
    if code.contains('@') {
        return Err(QueryError::FixedTime);
    }
    let mut rest = code;
    while let Some(at) = rest.find('[') {
        let inside = &rest[at + 1..];
        let end = inside.find(']').ok_or(QueryError::Duration)?;
        let (span, step) = match inside[..end].split_once(':') {
            Some((span, step)) => (span, Some(step)),
            None => (&inside[..end], None),
        };
        let span = duration_ms(span.trim()).ok_or(QueryError::Duration)?;
        match step {
            Some(_) => subqueries = subqueries.saturating_add(span),
            None => range = range.max(span),
        }
        rest = &inside[end + 1..];
    }
    let is_part = |next: char| next.is_alphanumeric() || matches!(next, '_' | ':' | '.');
    let mut words = code.split(|next: char| !is_part(next) && next != '-');
    while let Some(word) = words.next() {
        if word.eq_ignore_ascii_case("offset") {
            let span = words.by_ref().find(|word| !word.is_empty()).unwrap_or_default();
            // A negative one looks forward, where there is nothing yet.
            let back = if span.starts_with('-') { Some(0) } else { duration_ms(span) };
            offset = offset.max(back.ok_or(QueryError::Duration)?);
        }
    }
    Ok(range.saturating_add(subqueries).saturating_add(offset))
}

/// A duration such as `1h30m`, `500ms` or, as seconds, `90`; in milliseconds.
fn duration_ms(text: &str) -> Option<u64> {
    if let Ok(seconds) = text.parse::<u64>() {
        return seconds.checked_mul(1_000);
    }
    let mut rest = text;
    let mut sum = 0u64;
    while !rest.is_empty() {
        let digits = rest.find(|next: char| !next.is_ascii_digit())?;
        let number: u64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|next: char| next.is_ascii_digit()).unwrap_or(rest.len());
        let milliseconds = match &rest[..unit] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            "w" => 604_800_000,
            "y" => 31_536_000_000,
            _ => return None,
        };
        sum = sum.checked_add(number.checked_mul(milliseconds)?)?;
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(sum)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn bound(text: &str) -> BoundQuery {
        let (model, gate) = (ModelId::parse("ranker:1").unwrap(), GateId::parse("canary").unwrap());
        let query = Query::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        query.bind(&model, &gate, Duration::from_secs(75)).unwrap()
    }

    #[test]
    fn ids_get_quotes_unless_they_stand_in_some() {
        let check = |text, expected| assert_eq!(bound(text).text, expected);
        check("a{gate=$__gate}", r#"a{gate="canary"}"#);
        check("a{gate=\"$__gate\",m='v $__model'}", r#"a{gate="canary",m='v ranker:1'}"#);
        check("rate(a{g=`$__gate`}[$__window])", "rate(a{g=`canary`}[75s])");
        check(r#"a{b="\"",g=$__gate}"#, r#"a{b="\"",g="canary"}"#);
        check("a # it's $__gate\n+ b{g=$__gate}", "a # it's canary\n+ b{g=\"canary\"}");
    }

    #[test]
    fn the_window_is_how_far_back_a_query_looks() {
        let check =
            |text, seconds: u64| assert_eq!(bound(text).window_ms, seconds * 1_000, "{text}");
        check("a", 0);
        check("rate(a[5m]) / rate(b[1h30m])", 5_400);
        check("rate(a[$__window])", 75);
        check("a{b=\"[5m]\"} # [1h]", 0);
        check("max_over_time(rate(a[5m])[10m:30s])", 900);
        check("rate(a[1m] offset 2m) - a offset -1h", 180);
        check("rate(a[90])", 90);
        check("offset_total{offset_x=\"1\"}", 0);
    }

    #[test]
    fn queries_that_no_look_can_be_made_with_are_refused() {
        let check = |text, error| assert_eq!(Query::parse(text).unwrap_err(), error, "{text}");
        check("rate(a[$__rate_interval])", QueryError::Unknown);
        check("a{b=\"c}", QueryError::Quote);
        check("rate(a[5 minutes])", QueryError::Duration);
        check("rate(a[5m)", QueryError::Duration);
        check("a offset", QueryError::Duration);
        check("a @ 1600000000", QueryError::FixedTime);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[a-z\\[\\]{}=\"'`\\\\#$_ :0-9m@\n\u{e9}-]{0,60}") {
            if let Ok(query) = Query::parse(&text) {
                let (model, gate) = (ModelId::parse("m").unwrap(), GateId::parse("g").unwrap());
                prop_assert!(query.bind(&model, &gate, Duration::from_secs(7)).is_ok());
            }
        }
    }
}
