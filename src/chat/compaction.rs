//! Summing up what was said long ago, so that a model is still told of it.
//!
//! A summary is an event that stands for a range of others. They stay where they are: to be read,
//! searched and forked from.

use std::sync::Arc;

use futures_util::StreamExt as _;
use tracing::warn;

use crate::adapters::llm::{Delta, LlmError, Message, Prompt, ToolChoice, Usage};
use crate::chat::compose::space;
use crate::chat::event::{Body, Event, Note};
use crate::chat::history::{History, Summary};
use crate::chat::ledger;
use crate::chat::prompt::{self, Shape};
use crate::chat::record;
use crate::chat::tokens::Tokenizer;
use crate::chat::turn::TurnRun;
use crate::config::chat::ChatSettings;
use crate::store::chat::conversations;
use crate::store::chat::usage::Purpose;
use crate::supervision::crash;

/// The most tokens of a summary, where a quarter of what the model reads is not less.
const LONGEST: u32 = 800;

/// The tokens of what a model is told to do, and of what stands around the rest.
const AROUND: u64 = 150;

/// The most summaries that are made for one request, one after the other.
const ROUNDS: usize = 4;

/// The longest answer that is listened to, in bytes.
const LISTENED: usize = 64 * 1024;

/// The fewest tokens that are worth a summary.
const FEWEST: u64 = 500;

const TASK: &str = "Sum up the conversation for the assistant that goes on with it: what the user \
    wants, what was decided, what was done and found out, with names, ids and numbers as they are, \
    and what is still open. At most 400 words, without an introduction.";

/// The most tokens of a summary.
fn longest(settings: &ChatSettings) -> u32 {
    LONGEST.min(settings.context.max_tokens / 4).max(1)
}

/// The tokens of what can be summed up at once: the model that is asked reads no more than that.
fn readable(settings: &ChatSettings, history: &History) -> u64 {
    let summary = history.summary.as_ref().map_or(0, |summary| u64::from(summary.tokens));
    let taken = u64::from(longest(settings)) + AROUND + summary;
    u64::from(settings.context.max_tokens).saturating_sub(taken).max(1)
}

/// How many of the oldest events are to be summed up at once; 0 while there is room. They are whole
/// requests, as many as can be read, and at least one.
pub(super) fn due(settings: &ChatSettings, history: &History, own: u64) -> usize {
    let policy = settings.compaction;
    if !policy.enabled {
        return 0;
    }
    let summary = history.summary.as_ref().map_or(0, |summary| u64::from(summary.tokens));
    let used = history.tokens() + own + summary;
    let room = space(settings, history.tokens() + own);
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "parts of a number of tokens"
    )]
    let part = |fraction: f64| (room as f64 * fraction) as u64;
    if used <= part(policy.trigger) {
        return 0;
    }
    let goal = part(policy.target);
    let requests = prompt::requests(&history.events);
    let messages = |request: &[Event]| request.iter().filter(|event| is_message(event)).count();
    let all: usize = requests.iter().map(|request| messages(request)).sum();
    let preserved = usize::try_from(settings.context.preserve_recent).unwrap_or(usize::MAX);
    let readable = readable(settings, history);
    let (mut taken, mut taken_messages, mut left) = (0, 0, used);
    for request in requests {
        if left <= goal || all < taken_messages + messages(request) + preserved {
            break;
        }
        if 0 < taken && readable < used - left + prompt::tokens(request) {
            break;
        }
        taken += request.len();
        taken_messages += messages(request);
        left = left.saturating_sub(prompt::tokens(request));
    }
    // A summary that frees next to nothing would be made again at once.
    if used - left < FEWEST.min(readable / 2) { 0 } else { taken }
}

fn is_message(event: &Event) -> bool {
    matches!(event.body, Body::UserMessage { .. } | Body::AssistantMessage { .. })
}

/// A text of at most so many tokens: what is too much is cut off. Answers how many it has. Blocks
/// while they are counted.
pub(super) fn fitted(mut text: String, most: u64, tokenizer: Tokenizer) -> (String, u32) {
    loop {
        let tokens = tokenizer.count(&text);
        if u64::from(tokens) <= most {
            return (text, tokens);
        }
        // A little less than its share, because tokens differ in length.
        let bytes = text.len() as u128 * u128::from(most) * 9 / (u128::from(tokens) * 10);
        let bytes = usize::try_from(bytes).unwrap_or(0);
        text.truncate(text.floor_char_boundary(bytes));
    }
}

/// What a model is asked for a summary, and its tokens. Blocks while they are counted.
fn question(
    settings: &ChatSettings,
    history: &History,
    events: &[Event],
    tokenizer: Tokenizer,
) -> (Prompt, u32) {
    let shape = Shape {
        result_characters: settings.limits.tool_result_chars.min(1_000),
        shows_system_updates: false,
    };
    let mut text = String::new();
    for message in prompt::messages(events, shape) {
        let (who, said) = match message {
            Message::User(said) => ("User", said),
            Message::Assistant { text, calls } => {
                let names: Vec<_> = calls.iter().map(|call| call.name.as_str()).collect();
                let calls = if names.is_empty() {
                    String::new()
                } else {
                    format!(" [calls {}]", names.join(", "))
                };
                ("Assistant", text + &calls)
            }
            Message::Tool { text, .. } => ("Tool", text),
        };
        for part in [who, ": ", &said, "\n\n"] {
            text.push_str(part);
        }
    }
    // One request may be longer than all that is read.
    let (mut text, mut tokens) = fitted(text, readable(settings, history), tokenizer);
    if let Some(summary) = &history.summary {
        text = format!("A summary of what was before:\n{}\n\n{text}", summary.text);
        tokens = tokens.saturating_add(summary.tokens);
    }
    let prompt = Prompt {
        system: Some(TASK.to_owned()),
        messages: vec![Message::User(text)],
        tools: [].into(),
        tool_choice: ToolChoice::None,
        max_tokens: Some(longest(settings)),
        ..Prompt::default()
    };
    (prompt, tokens)
}

impl TurnRun {
    /// Sums up the oldest of what was said, if there is too much of it. Without a summary, the
    /// oldest is left out, as it is without compaction.
    pub(super) async fn sum_up(&mut self) {
        for _ in 0..ROUNDS {
            if !self.sum_up_some().await {
                return;
            }
        }
    }

    /// Sums up as much as can be at once. Answers whether it did.
    async fn sum_up_some(&mut self) -> bool {
        let Some(history) = self.history.clone() else { return false };
        let settings = Arc::clone(&self.deps.settings);
        let count = due(&settings, &history, prompt::tokens(&self.events));
        let (summed, kept) = history.events.split_at(count);
        let (Some(first), Some(last)) = (summed.first(), summed.last()) else { return false };
        let (from_seq, to_seq) = (first.seq, last.seq);
        let model = self.provider().model().to_owned();
        let tokenizer = Tokenizer::of(&model);
        let (whole, by) = (Arc::clone(&history), Arc::clone(&settings));
        let asked = move || question(&by, &whole, &whole.events[..count], tokenizer);
        let Ok((asked, prompt_tokens)) = tokio::task::spawn_blocking(asked).await else {
            crash("a summary could not be asked for".to_owned());
        };
        let prompt_tokens = u64::from(prompt_tokens);
        self.note_asked(prompt_tokens).await;
        let sends = asked.sends.clone();
        let mut text = String::new();
        let end = self.said(asked, &mut text).await;
        let said_tokens = self.tokens_of(&text, &[]).await;
        let counted = ledger::counted(prompt_tokens, said_tokens.into());
        let usage = end.as_ref().ok().copied().flatten();
        let has_answer = usage.is_some() || !text.is_empty();
        let cost = self.cost_of_asking(&sends, usage, counted, has_answer);
        if let Err(error) = &end {
            let conversation = &self.journal.conversation_id;
            warn!(conversation, %error, "what was said could not be summed up");
        }
        let is_whole = end.is_ok() && !self.control.cancel.is_cancelled();
        if !is_whole || text.trim().is_empty() {
            // It is paid for all the same.
            if let Some(cost) = cost {
                self.charge_only(Purpose::Summary, cost).await;
            }
            return false;
        }
        // Not every model keeps to what it was told.
        let most = longest(&settings);
        let fit = move || fitted(text, most.into(), tokenizer);
        let Ok((text, tokens)) = tokio::task::spawn_blocking(fit).await else {
            crash("a summary could not be counted".to_owned());
        };
        let (cost, asked) = (cost.unwrap_or_default(), self.asked(Purpose::Summary));
        let (turn, words) = (self.turn.clone(), text.clone());
        self.commit(move |transaction, journal| {
            let note = Note::Summary { from_seq, to_seq, cost };
            let body = Body::Note { note, text: Some(words.clone()) };
            record::charge(transaction, &turn, &asked, cost)?;
            conversations::sum_up(transaction, &journal.conversation_id, journal.last_seq + 1)?;
            record::append(transaction, journal, &[(body, tokens)])
        })
        .await;
        self.turn.asked_tokens = 0;
        let summary = Some(Summary { text, tokens, to_seq });
        self.history = Some(Arc::new(History { events: kept.to_vec(), summary }));
        true
    }

    /// Has a model answer, and adds what it says to `text`: what it took, if it says so.
    async fn said(&self, prompt: Prompt, text: &mut String) -> Result<Option<Usage>, LlmError> {
        let cancel = &self.control.cancel;
        let model = &self.chosen().model;
        let ask = async {
            let mut answer = model.ask(prompt).await?;
            let mut usage = None;
            while let Some(piece) = answer.next().await {
                match piece? {
                    // What is longer is no summary, and is cut off anyhow.
                    Delta::Text(_) if LISTENED < text.len() => break,
                    Delta::Text(piece) => text.push_str(&piece),
                    Delta::Finished(finished) => usage = finished.usage,
                }
            }
            Ok(usage)
        };
        tokio::select! {
            () = cancel.cancelled() => Ok(None),
            usage = ask => usage,
        }
    }
}
