//! Which span of somebody else is a request a part of? As W3C trace context writes it; pure.
//!
//! What is written otherwise counts as not written: who traces wrongly is still served.

use std::str::FromStr as _;

use opentelemetry::trace::{SpanContext, SpanId, TraceFlags, TraceId, TraceState};

/// The longest state that is carried on, in bytes.
const LONGEST_STATE: usize = 1024;

/// The most members of a state.
const MOST_MEMBERS: usize = 32;

/// A span of somebody else.
#[derive(Debug, Clone, PartialEq)]
pub struct Parent(pub(super) SpanContext);

impl Parent {
    /// Reads `traceparent` and `tracestate`; nothing if the first is not as it has to be. A state
    /// that is not is left out.
    pub fn read(parent: &str, state: Option<&str>) -> Option<Self> {
        let (version, rest) = (parent.get(..2)?, parent.get(2..)?);
        let fits = match version {
            "00" => parent.len() == 55,
            "ff" => false,
            _ => parent.len() == 55 || rest.as_bytes().get(53) == Some(&b'-'),
        };
        let (trace, span, flags) = (rest.get(1..33)?, rest.get(34..50)?, rest.get(51..53)?);
        let dashes = [0, 33, 50].map(|at| rest.as_bytes()[at]) == [b'-'; 3];
        if !fits || !dashes || ![version, trace, span, flags].into_iter().all(is_hex) {
            return None;
        }
        let flags = u8::from_str_radix(flags, 16).ok()?;
        let flags = TraceFlags::new(flags) & TraceFlags::SAMPLED;
        let (trace, span) = (TraceId::from_hex(trace).ok()?, SpanId::from_hex(span).ok()?);
        let state = state.filter(|state| is_state(state));
        let state = state.and_then(|state| TraceState::from_str(state).ok()).unwrap_or_default();
        let span = SpanContext::new(trace, span, flags, true, state);
        span.is_valid().then_some(Self(span))
    }
}

/// Whether it is a list of names and values; the library takes more than that.
fn is_state(text: &str) -> bool {
    let members = || text.split(',').map(str::trim);
    text.len() <= LONGEST_STATE
        && members().count() <= MOST_MEMBERS
        && members().all(|member| {
            member.split_once('=').is_some_and(|(name, value)| {
                let of_name = |byte: u8| {
                    matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-' | b'*' | b'/' | b'@')
                };
                let of_value = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'=';
                let begins = name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit());
                begins && name.bytes().all(of_name) && !value.is_empty() && value.bytes().all(of_value)
            })
        })
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    const SPAN: &str = "b7ad6b7169203331";

    #[test]
    fn a_span_is_read_with_its_flag_and_state() {
        let read =
            |flags, state| Parent::read(&format!("00-{TRACE}-{SPAN}-{flags}"), state).unwrap().0;
        let span = read("01", Some("rojo=00f067aa0ba902b7,congo=t61rcWkgMzE"));
        assert_eq!(span.trace_id().to_string(), TRACE);
        assert_eq!(span.span_id().to_string(), SPAN);
        assert!(span.is_sampled() && span.is_remote());
        assert_eq!(span.trace_state().get("congo"), Some("t61rcWkgMzE"));
        assert!(!read("00", None).is_sampled());
        // Only one flag is known; the others are not passed on.
        assert_eq!(read("ff", None).trace_flags(), TraceFlags::SAMPLED);
    }

    #[test]
    fn a_state_that_is_none_leaves_the_span() {
        for state in [
            "=",
            "a=",
            "=a",
            "a b",
            "k",
            "A=1",
            "a=1=2",
            "a=\u{e9}",
            "a=1,,b=2",
            &"a=b,".repeat(400),
        ] {
            let parent = Parent::read(&format!("00-{TRACE}-{SPAN}-01"), Some(state)).unwrap();
            assert_eq!(parent.0.trace_state(), &TraceState::NONE, "{state}");
        }
    }

    #[test]
    fn a_later_version_may_say_more() {
        for (text, is_read) in [
            (format!("01-{TRACE}-{SPAN}-01"), true),
            (format!("cc-{TRACE}-{SPAN}-01-what-comes"), true),
            (format!("01-{TRACE}-{SPAN}-01x"), false),
            (format!("01-{TRACE}-{SPAN}-01.what"), false),
        ] {
            assert_eq!(Parent::read(&text, None).is_some(), is_read, "{text}");
        }
    }

    #[test]
    fn what_is_written_otherwise_is_not_read() {
        let zero = "0".repeat(32);
        for text in [
            String::new(),
            "00-a-b-01".to_owned(),
            format!("ff-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01-more"),
            format!("00-{TRACE}-{SPAN}-1"),
            format!("00-{TRACE}-{SPAN}-+1"),
            format!("00-{TRACE}-{SPAN}-0g"),
            format!("0G-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", TRACE.to_uppercase()),
            format!("00-{zero}-{SPAN}-01"),
            format!("00-{TRACE}-{}-01", &zero[..16]),
            format!("00_{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}_{SPAN}-01"),
            format!(" 00-{TRACE}-{SPAN}-01"),
            format!("00-{TRACE}-{SPAN}-01,00-{TRACE}-{SPAN}-01"),
            format!("00-{}-{SPAN}-01", "é".repeat(16)),
        ] {
            assert_eq!(Parent::read(&text, None), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_stumble(parent in ".{0,80}", state in ".{0,80}") {
            if let Some(Parent(span)) = Parent::read(&parent, Some(&state)) {
                prop_assert!(span.is_valid());
            }
        }
    }
}
