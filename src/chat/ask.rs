//! Asking the model: what it is told, what it answers, and what of that is kept if it breaks off.

use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::future::BoxFuture;
use serde_json::json;
use tracing::{info, warn};

use crate::adapters::llm::{Delta, Finished, LlmError, Prompt, Sends, ToolCall, ToolChoice};
use crate::chat::call_ids;
use crate::chat::checkpoint::Checkpoint;
use crate::chat::compose::{Composed, TooLong, compose};
use crate::chat::deps::Provider;
use crate::chat::event::{Body, Cost, Ending, Event, Finish};
use crate::chat::history::History;
use crate::chat::ledger;
use crate::chat::patience;
use crate::chat::record::{self, Addition};
use crate::chat::turn::TurnRun;
use crate::store::chat::usage::{self, Purpose, Spent};
use crate::store::chat::{conversations, partials};
use crate::supervision::crash;

/// The longest answer that is kept, in bytes; what comes after it is an error.
const LONGEST_ANSWER: usize = 1024 * 1024;

/// What came of asking.
struct Answered {
    text: String,
    end: End,
}

enum End {
    Finished(Finished),
    Cancelled(String),
    Failed(LlmError),
}

impl TurnRun {
    /// The provider that is asked.
    pub(super) fn provider(&self) -> &dyn crate::adapters::llm::LanguageModel {
        self.chosen().model.as_ref()
    }

    pub(super) fn chosen(&self) -> &Provider {
        self.deps.provider(self.request.provider.as_deref())
    }

    /// Asks the model, and writes down what it answers.
    pub(super) async fn ask(&mut self, hop: u32, is_closing: bool) {
        if self.was_asked_too_often() {
            return self.give_up(hop).await;
        }
        self.charge_lost().await;
        if let Some(ending) = self.refusal().await {
            return self.end(Vec::new(), ending).await;
        }
        if is_closing && self.limits().hops <= hop {
            self.notice_limit(hop).await;
        }
        let Composed { mut prompt, tokens } = match self.compose(is_closing).await {
            Ok(composed) => composed,
            Err(TooLong { tokens, most }) => {
                let message = format!(
                    "this request has {tokens} tokens and the model is shown {most} at most; ask \
                     for less at once, or raise chat.service.context.max_tokens"
                );
                let code = "context_length".to_owned();
                let ending = Ending::Error { code, message, retryable: false };
                return self.end(Vec::new(), ending).await;
            }
        };
        prompt.overrides = self.request.overrides.clone();
        let prompt_tokens = tokens + self.tokens_of_tools().await;
        self.note_asked(prompt_tokens).await;
        let sends = prompt.sends.clone();
        let answered = self.answer_of(prompt, hop).await;
        self.keep(answered, (hop, is_closing), (prompt_tokens, &sends)).await;
    }

    /// Why the model is not asked, if there is no budget for it.
    async fn refusal(&mut self) -> Option<Ending> {
        if let Some(name) = &self.request.provider
            && !self.deps.providers.contains_key(name)
        {
            // What was said is for whom it was said to, and for nobody else.
            let message = format!("there is no provider {name:?} any more");
            return Some(Ending::Error { code: "not_found".to_owned(), message, retryable: false });
        }
        let budgets = self.deps.settings.budgets;
        if budgets == crate::config::chat::BudgetSettings::default() {
            return None;
        }
        let id = self.journal.conversation_id.clone();
        let day = self.deps.clock.now().to_string();
        let key = id.clone();
        let read = patience::read(&self.deps.store, &id, move |conn| {
            let conversation = conversations::find(conn, &key)?;
            let spent = conversation.map_or_else(Spent::default, |row| Spent {
                tokens: row.prompt_tokens.saturating_add(row.completion_tokens),
                cost_micros: row.cost_micros,
            });
            Ok((spent, usage::spent_on(conn, day.get(..10).unwrap_or_default())?))
        });
        // What cannot be read is not taken for a budget that is left.
        let (conversation, day) = match read.await {
            Ok(spent) => spent,
            Err(error) => crash(format!("what was spent could not be read: {error}")),
        };
        let message = ledger::exhausted(&budgets, conversation, day)?;
        Some(Ending::Error { code: "budget_exceeded".to_owned(), message, retryable: false })
    }

    async fn notice_limit(&mut self, hop: u32) {
        let text = format!(
            "The limit of {} rounds of tool calls is reached; this is the answer with what is known.",
            self.limits().hops
        );
        let said = |event: &Event| matches!(&event.body, Body::SystemUpdate { .. });
        if self.events.iter().any(said) {
            return;
        }
        let place = crate::chat::frame::Place {
            conversation_id: &self.journal.conversation_id,
            request_id: Some(&self.request_id),
        };
        self.feed.pass(place.limit_reached(self.journal.last_seq, hop, &text));
        self.add(vec![(Body::SystemUpdate { text }, 0)]).await;
    }

    /// Makes the prompt: off the actors' thread, because counting tokens takes its time.
    async fn compose(&mut self, is_closing: bool) -> Result<Composed, TooLong> {
        if self.history.is_none() {
            let most = u64::from(self.deps.settings.context.max_tokens);
            let first = self.turn.first_seq.or_else(|| self.events.first().map(|event| event.seq));
            let seq = first.unwrap_or(self.journal.last_seq + 1);
            let id = self.journal.conversation_id.clone();
            let most = if self.deps.settings.compaction.enabled { most * 16 } else { most };
            let shown = self.deps.settings.limits.tool_result_chars;
            let history = History::before(&self.deps.store, &id, seq, (most, shown)).await;
            let history = match history {
                Ok(history) => history,
                Err(error) => crash(format!("what was said could not be read: {error}")),
            };
            self.history = Some(Arc::new(history));
            self.sum_up().await;
        }
        self.settle().await;
        self.offered = self.tools_now();
        let history = self.history.clone().unwrap_or_default();
        let settings = Arc::clone(&self.deps.settings);
        let (events, tools) = (Arc::clone(&self.events), self.offered.definitions());
        let (model, request) = (self.provider().model().to_owned(), self.request.clone());
        let compose = move || {
            let choice = if is_closing { ToolChoice::None } else { ToolChoice::Auto };
            let said = (history.as_ref(), events.as_slice());
            compose(&settings, (&model, &request), said, (tools, choice))
        };
        match tokio::task::spawn_blocking(compose).await {
            Ok(composed) => composed,
            Err(_panicked) => crash("a prompt could not be made".to_owned()),
        }
    }

    /// Asks, sends on what comes, and writes it down from time to time.
    async fn answer_of(&mut self, prompt: Prompt, hop: u32) -> Answered {
        let seq = self.journal.last_seq + 1;
        let model = Arc::clone(&self.chosen().model);
        let cancel = self.control.cancel.clone();
        let cancelled =
            || End::Cancelled(self.control.cancelled_by().unwrap_or_else(|| "somebody".to_owned()));
        let mut text = String::new();
        if self.request.streaming {
            let hop_and_attempt = (hop, self.turn.attempts);
            self.feed.begin(seq, Arc::clone(&self.request_id), hop_and_attempt);
        }
        let cancelled_now = cancel.cancelled();
        tokio::pin!(cancelled_now);
        let answer = tokio::select! {
            biased;
            () = &mut cancelled_now => return Answered { text, end: cancelled() },
            answer = model.ask(prompt) => answer,
        };
        let mut answer = match answer {
            Ok(answer) => answer,
            Err(error) => return Answered { text, end: End::Failed(error) },
        };
        let most_pieces = self.deps.settings.streaming.checkpoint_deltas;
        let mut checkpoint = Checkpoint::new(self.deps.started, most_pieces);
        let write = |part: i32, new: &str| self.write_part(seq, part, new);
        let end = loop {
            let piece = tokio::select! {
                biased;
                () = &mut cancelled_now => break cancelled(),
                () = checkpoint.is_due() => {
                    checkpoint.write(&text, write);
                    continue;
                }
                piece = answer.next() => piece,
            };
            match piece {
                Some(Ok(Delta::Text(piece))) => {
                    if LONGEST_ANSWER < text.len() + piece.len() {
                        break End::Failed(too_long(model.provider()));
                    }
                    text.push_str(&piece);
                    if self.request.streaming {
                        self.feed.say(&piece);
                    }
                    fail::fail_point!("chat-piece");
                    if checkpoint.note(&text) {
                        checkpoint.write(&text, write);
                    }
                }
                Some(Ok(Delta::Finished(finished))) => break End::Finished(finished),
                Some(Err(error)) => break End::Failed(error),
                None => {
                    let provider = model.provider().to_owned();
                    let why = "it ended without an end".to_owned();
                    break End::Failed(LlmError::Broken { provider, why });
                }
            }
        };
        checkpoint.end().await;
        Answered { text, end }
    }

    /// Writes a part of an answer down; that it could not be costs no more than that part.
    fn write_part(&self, seq: i64, part: i32, new: &str) -> BoxFuture<'static, ()> {
        let (store, id, new) =
            (self.deps.store.clone(), self.journal.conversation_id.clone(), new.to_owned());
        Box::pin(async move {
            let conversation = id.clone();
            let write = store.record(move |transaction| {
                if part == 0 {
                    partials::clear(transaction, &id)?;
                }
                partials::append(transaction, (&id, seq), part, &new)
            });
            if let Err(error) = write.await {
                warn!(conversation, %error, "a part of an answer is not written down");
            }
        })
    }

    /// Writes down what came of asking.
    async fn keep(
        &mut self,
        answered: Answered,
        (hop, is_closing): (u32, bool),
        (prompt_tokens, sends): (u64, &Sends),
    ) {
        let Answered { text, end } = answered;
        let provider = self.chosen().clone();
        let (finished, ending) = match end {
            End::Finished(finished) => (Some(finished), None),
            End::Cancelled(by) => (None, Some((Finish::Cancelled, Ending::Cancelled { by }))),
            End::Failed(error) => {
                let conversation = &self.journal.conversation_id;
                info!(conversation, %error, "a request was not answered");
                let ending = Ending::Error {
                    code: error.code().to_owned(),
                    message: error.to_string(),
                    retryable: error.is_transient(),
                };
                (None, Some((Finish::Interrupted, ending)))
            }
        };
        // In its last word a model was told that it may call nothing; some do it all the same.
        let wanted = finished.as_ref().filter(|_| !is_closing);
        let calls = wanted.map_or_else(Vec::new, |finished| call_ids::own(finished.calls.clone()));
        let tokens = self.tokens_of(&text, &calls).await;
        let counted = ledger::counted(prompt_tokens, tokens.into());
        let reported = finished.as_ref().and_then(|finished| finished.usage);
        let has_answer = finished.is_some() || !text.is_empty();
        let cost = self.cost_of_asking(sends, reported, counted, has_answer);
        self.log_answer(&text);
        let finish = match (&finished, &ending) {
            (Some(_), _) if !calls.is_empty() => Finish::ToolCalls,
            (Some(_), _) if is_closing => Finish::ToolLimitReached,
            (Some(finished), _) => finished.reason.into(),
            (None, Some((finish, _))) => *finish,
            (None, None) => Finish::Stop,
        };
        let model = finished.and_then(|finished| finished.model);
        let model = model.unwrap_or_else(|| provider.model.model().to_owned());
        let was_said = !text.is_empty() || !calls.is_empty() || ending.is_none();
        let (model, told) = (Some(model), cost.unwrap_or_default());
        let body = Body::AssistantMessage { text, calls, finish, model, cost: told, hop };
        let additions = if was_said { vec![(body, tokens)] } else { Vec::new() };
        match (ending, cost) {
            (None, _) => self.answered(additions, told).await,
            // What never went out, or was refused, cost nothing.
            (Some((_, ending)), None) => {
                self.turn.asked_tokens = 0;
                self.end(Vec::new(), ending).await;
            }
            (Some((_, ending)), Some(cost)) => self.broke_off(additions, cost, ending).await,
        }
    }

    pub(super) async fn tokens_of(&self, text: &str, calls: &[ToolCall]) -> u32 {
        if text.is_empty() && calls.is_empty() {
            return 0;
        }
        let mut counted = text.to_owned();
        if !calls.is_empty() {
            counted.push_str(&json!(calls).to_string());
        }
        self.deps.count_message(self.provider().model(), counted).await
    }

    async fn answered(&mut self, additions: Vec<Addition>, cost: Cost) {
        let (turn, asked) = (self.turn.clone(), self.asked(Purpose::Answer));
        self.commit(move |transaction, journal| {
            record::answered(transaction, journal, (&turn, &asked, cost), &additions)
        })
        .await;
        (self.turn.attempts, self.turn.asked_tokens) = (0, 0);
    }

    /// Writes down an answer that is not whole, and ends the request.
    pub(super) async fn broke_off(&mut self, additions: Vec<Addition>, cost: Cost, ending: Ending) {
        let (turn, asked) = (self.turn.clone(), self.asked(Purpose::Answer));
        let retention = self.deps.settings.repository.retention;
        self.commit(move |transaction, journal| {
            record::charge(transaction, &turn, &asked, cost)?;
            record::end(transaction, journal, &turn, (&additions, &ending), retention)
        })
        .await;
        self.turn.asked_tokens = 0;
    }

    fn log_answer(&self, text: &str) {
        if let Some(most) = self.deps.settings.logging.llm_replies {
            let conversation = &self.journal.conversation_id;
            let answer: String = text.chars().take(most).collect();
            info!(conversation, answer, "the model answered");
        }
    }
}

fn too_long(provider: &str) -> LlmError {
    let provider = provider.to_owned();
    LlmError::Broken { provider, why: "it is longer than 1 MiB".to_owned() }
}
