//! What has a model said, in the bytes that came so far? Pure.
//!
//! A stream of events is expected. A server that ignores that and sends one JSON document is
//! understood as well, and so is one that sends an error with a good status: the first byte that is
//! no white space tells.

use std::collections::VecDeque;

use serde_json::Value;

use super::anthropic_messages::stream::MessageStream;
use super::openai_chat::stream::Completion;
use super::sse::{Decoder, Event, Malformed};
use super::trouble::{Trouble, quote};
use super::words::{Delta, Finished};

/// The most bytes of one answer.
const LONGEST_ANSWER: usize = 64 * 1024 * 1024;

/// The most bytes of an answer that is no stream.
const LONGEST_DOCUMENT: usize = 8 * 1024 * 1024;

/// Which wire an answer is read by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    /// Chat completions.
    OpenAiChat,
    /// Messages.
    AnthropicMessages,
}

/// An answer as it comes in.
#[derive(Debug)]
pub(crate) struct Reading {
    form: Form,
    answer: Accumulated,
    /// What ids begin with that the server leaves out.
    seed: String,
    bytes: usize,
}

#[derive(Debug)]
enum Form {
    /// Nothing but white space came.
    Unknown,
    Events(Decoder),
    Document(Vec<u8>),
}

#[derive(Debug)]
enum Accumulated {
    OpenAi(Completion),
    Anthropic(MessageStream),
    /// Its end was handed on.
    Over,
}

impl Reading {
    /// An answer of which nothing came yet; `seed` begins the ids of calls that come without.
    pub fn new(language: Language, seed: String) -> Self {
        let answer = match language {
            Language::OpenAiChat => Accumulated::OpenAi(Completion::default()),
            Language::AnthropicMessages => Accumulated::Anthropic(MessageStream::default()),
        };
        Self { form: Form::Unknown, answer, seed, bytes: 0 }
    }

    /// Whether the end was handed on.
    pub fn is_over(&self) -> bool {
        matches!(self.answer, Accumulated::Over)
    }

    /// Whether the model has ended, so that only figures may follow.
    pub fn may_end(&self) -> bool {
        matches!(&self.answer, Accumulated::OpenAi(completion) if completion.has_ended())
    }

    /// Takes bytes in, and adds what they say.
    pub fn push(&mut self, mut bytes: &[u8], deltas: &mut VecDeque<Delta>) -> Result<(), Trouble> {
        self.bytes += bytes.len();
        if LONGEST_ANSWER < self.bytes {
            return Err(Trouble::broken("it is longer than is read"));
        }
        if let Form::Unknown = self.form {
            bytes = bytes.trim_ascii_start();
            match bytes.first() {
                None => return Ok(()),
                Some(b'{' | b'[') => self.form = Form::Document(Vec::new()),
                Some(b'<') => return Err(Trouble::broken("a page came instead")),
                Some(_) => self.form = Form::Events(Decoder::default()),
            }
        }
        match &mut self.form {
            Form::Document(document) => {
                if LONGEST_DOCUMENT < document.len() + bytes.len() {
                    return Err(Trouble::broken("it is longer than is read"));
                }
                document.extend_from_slice(bytes);
                Ok(())
            }
            Form::Events(decoder) => {
                let mut events = Vec::new();
                let pushed = decoder.push(bytes, &mut events);
                // What was whole before it went wrong counts.
                self.events(&events, deltas)?;
                if self.is_over() { Ok(()) } else { pushed.map_err(malformed) }
            }
            Form::Unknown => Ok(()),
        }
    }

    /// Takes note that nothing more comes.
    pub fn end(&mut self, deltas: &mut VecDeque<Delta>) -> Result<(), Trouble> {
        if self.is_over() {
            return Ok(());
        }
        match std::mem::replace(&mut self.form, Form::Unknown) {
            Form::Unknown => return Err(Trouble::broken("nothing came")),
            Form::Events(mut decoder) => {
                let mut events = Vec::new();
                decoder.end(&mut events).map_err(malformed)?;
                self.events(&events, deltas)?;
            }
            Form::Document(document) => {
                let value = serde_json::from_slice(&document).map_err(|_| not_json(&document))?;
                self.take(&value, false, deltas)?;
            }
        }
        if self.is_over() { Ok(()) } else { self.finish(false, deltas) }
    }

    fn events(&mut self, events: &[Event], deltas: &mut VecDeque<Delta>) -> Result<(), Trouble> {
        for event in events {
            if self.is_over() {
                return Ok(());
            }
            if event.data.trim() == "[DONE]" {
                if let Accumulated::OpenAi(_) = self.answer {
                    self.finish(true, deltas)?;
                }
                continue;
            }
            if let (Accumulated::OpenAi(completion), false) = (&mut self.answer, event.is_error)
                && let Some(text) = completion.take_piece(&event.data)
            {
                tell(text, deltas);
                continue;
            }
            match serde_json::from_str(&event.data) {
                Ok(value) => self.take(&value, event.is_error, deltas)?,
                Err(_) if event.is_error => return Err(Trouble::broken(quote(&event.data))),
                Err(_) => return Err(Trouble::broken("a part of it is not JSON")),
            }
        }
        Ok(())
    }

    fn take(
        &mut self,
        value: &Value,
        is_error: bool,
        deltas: &mut VecDeque<Delta>,
    ) -> Result<(), Trouble> {
        let (text, is_over) = match &mut self.answer {
            Accumulated::OpenAi(completion) => (completion.take(value, is_error)?, false),
            Accumulated::Anthropic(message) => (message.take(value, is_error)?, message.is_over()),
            Accumulated::Over => return Ok(()),
        };
        tell(text, deltas);
        if is_over { self.finish(true, deltas) } else { Ok(()) }
    }

    fn finish(&mut self, is_done: bool, deltas: &mut VecDeque<Delta>) -> Result<(), Trouble> {
        let finished: Finished = match std::mem::replace(&mut self.answer, Accumulated::Over) {
            Accumulated::OpenAi(completion) => completion.finish(is_done, &self.seed)?,
            Accumulated::Anthropic(message) => message.finish(&self.seed)?,
            Accumulated::Over => return Ok(()),
        };
        deltas.push_back(Delta::Finished(finished));
        Ok(())
    }
}

fn tell(text: String, deltas: &mut VecDeque<Delta>) {
    if !text.is_empty() {
        deltas.push_back(Delta::Text(text));
    }
}

fn malformed(why: Malformed) -> Trouble {
    Trouble::broken(match why {
        Malformed::TooLong => "a line of it is longer than is read",
        Malformed::NotUtf8 => "a line of it is no text",
    })
}

fn not_json(document: &[u8]) -> Trouble {
    let is_cut = serde_json::from_slice::<serde::de::IgnoredAny>(document)
        .is_err_and(|error| error.is_eof());
    Trouble::broken(if is_cut { "it is cut off" } else { "it is neither events nor JSON" })
}
