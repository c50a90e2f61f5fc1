//! The wires as pure functions, and providers that are servers with faults.

mod anthropic;
mod asking;
mod cutting;
mod errors;
mod live;
mod openai;
mod patience;
mod requests;
mod server;

use std::collections::VecDeque;

use super::reading::{Language, Reading};
use super::trouble::Trouble;
use super::words::{Delta, Finished};

/// What an answer says that comes in these pieces: its text, and its end.
fn read(language: Language, pieces: &[&[u8]]) -> Result<(String, Finished), Trouble> {
    let (mut reading, mut deltas) = (Reading::new(language, "seed01".to_owned()), VecDeque::new());
    for piece in pieces {
        reading.push(piece, &mut deltas)?;
    }
    reading.end(&mut deltas)?;
    let (mut text, mut end) = (String::new(), None);
    for delta in deltas {
        assert!(end.is_none(), "nothing comes after the end");
        match delta {
            Delta::Text(more) => {
                assert!(!more.is_empty());
                text.push_str(&more);
            }
            Delta::Finished(finished) => end = Some(finished),
        }
    }
    Ok((text, end.expect("what is no error has an end")))
}

/// A stream of these events.
fn stream(events: &[&str]) -> String {
    let events: Vec<String> = events.iter().map(|event| format!("data: {event}\n\n")).collect();
    events.concat()
}
