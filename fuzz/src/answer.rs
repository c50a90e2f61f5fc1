//! The reading of models' answers: it does not matter how they are cut, and each has one end.

use std::collections::{BTreeSet, VecDeque};

use crate::llm::reading::{Language, Reading};
use crate::llm::trouble::{Trouble, complaint, of_status};
use crate::llm::words::{Delta, Finished};

/// Checks one input: a byte that chooses, and a stream.
pub fn check(input: &[u8]) {
    let Some((&choice, stream)) = input.split_first() else { return };
    let language = if choice & 1 == 0 { Language::OpenAiChat } else { Language::AnthropicMessages };
    let whole = read(language, stream, stream.len().max(1));
    let length = usize::from(choice >> 1).max(1);
    assert_eq!(read(language, stream, length), whole, "cut into pieces of {length}");
    match whole {
        Ok((_, finished)) => check_calls(&finished),
        Err(trouble) => check_error(trouble),
    }
    check_error(of_status(400 + u16::from(choice), stream));
    assert!(!complaint(stream).bytes().any(|byte| byte.is_ascii_uppercase()));
}

fn read(language: Language, stream: &[u8], length: usize) -> Result<(String, Finished), Trouble> {
    let (mut reading, mut deltas) = (Reading::new(language, "seed01".to_owned()), VecDeque::new());
    for piece in stream.chunks(length) {
        assert!(!(reading.is_over() && reading.may_end()));
        reading.push(piece, &mut deltas)?;
    }
    reading.end(&mut deltas)?;
    assert!(reading.is_over());
    let Some(Delta::Finished(finished)) = deltas.pop_back() else { panic!("it has no end") };
    let texts = deltas.into_iter().map(|delta| match delta {
        Delta::Text(text) if !text.is_empty() => text,
        other => panic!("{other:?} is not to come here"),
    });
    Ok((texts.collect(), finished))
}

fn check_calls(finished: &Finished) {
    let ids: BTreeSet<&str> = finished.calls.iter().map(|call| call.id.as_str()).collect();
    assert!(ids.len() == finished.calls.len() && !ids.contains(""), "{finished:?}");
    assert!(finished.calls.iter().all(|call| !call.arguments.trim().is_empty()));
}

fn check_error(trouble: Trouble) {
    let is_transient = trouble.is_transient();
    let error = trouble.of("a provider");
    assert_eq!(error.is_transient(), is_transient);
    let said = error.to_string();
    assert!(said.chars().count() < 500 && !said.contains(char::is_control), "{said:?}");
    assert!(!error.code().is_empty());
}
