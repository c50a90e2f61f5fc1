//! A model that says what it is told to, and remembers what it was asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::Notify;

use crate::adapters::llm::{
    Answer, Delta, FinishReason, Finished, LanguageModel, LlmError, Prompt, ToolCall, Usage,
};

/// One part of what it does when it is asked.
#[derive(Debug, Clone)]
pub(crate) enum Step {
    /// Says this.
    Say(&'static str),
    /// Waits until it is told to go on.
    Wait(Arc<Notify>),
    /// Fails.
    Fail(LlmError),
    /// Wants these tools called: ids, names and arguments.
    Call(Vec<(&'static str, &'static str, &'static str)>),
    /// Ends without an end.
    Vanish,
    /// Before all else: has it sent once in vain.
    InVain,
    /// Before all else: is sent it, and does not begin to answer.
    Stall,
}

/// A model.
#[derive(Default)]
pub(crate) struct FakeModel {
    script: Mutex<VecDeque<Vec<Step>>>,
    asked: Mutex<Vec<Prompt>>,
    pub(crate) is_silent_on_usage: bool,
    /// What it says that each answer took, where that is not 30 and 12 tokens.
    pub(crate) usage: Mutex<Option<Usage>>,
}

impl FakeModel {
    /// One that answers with one after the other, and then repeats what the user said.
    pub(crate) fn saying(script: Vec<Vec<Step>>) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(script.into()), ..Self::default() })
    }

    /// Adds an answer.
    pub(crate) fn then(&self, steps: Vec<Step>) {
        self.script.lock().unwrap().push_back(steps);
    }

    /// What it was asked.
    pub(crate) fn asked(&self) -> Vec<Prompt> {
        self.asked.lock().unwrap().clone()
    }
}

fn finished(calls: Vec<ToolCall>, usage: Option<Usage>) -> Delta {
    let reason = if calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls };
    Delta::Finished(Finished { reason, calls, usage, model: Some("fake-1".to_owned()) })
}

#[async_trait]
impl LanguageModel for FakeModel {
    fn provider(&self) -> &'static str {
        "fake"
    }

    fn model(&self) -> &'static str {
        "fake-1"
    }

    async fn ask(&self, prompt: Prompt) -> Result<Answer, LlmError> {
        crate::chat::prompt::check(&prompt.messages).expect("a provider would refuse this");
        let sends = prompt.sends.clone();
        self.asked.lock().unwrap().push(prompt);
        let steps = self.script.lock().unwrap().pop_front();
        let steps = steps.unwrap_or_else(|| vec![Step::Say("yes")]);
        // What fails at once was refused.
        if let [Step::Fail(error)] = steps.as_slice() {
            return Err(error.clone());
        }
        sends.went_out();
        let mut steps = steps;
        while let [Step::InVain, ..] = steps.as_slice() {
            sends.went_out();
            steps.remove(0);
        }
        if let [Step::Stall, ..] = steps.as_slice() {
            return std::future::pending().await;
        }
        let usage =
            Usage { prompt_tokens: 30, completion_tokens: 12, total_tokens: 42, cached_tokens: 0 };
        let usage = self.usage.lock().unwrap().unwrap_or(usage);
        let usage = (!self.is_silent_on_usage).then_some(usage);
        let mut has_ended = false;
        let mut parts: Vec<Step> = steps;
        if !matches!(parts.last(), Some(Step::Call(_) | Step::Fail(_) | Step::Vanish)) {
            parts.push(Step::Call(Vec::new()));
        }
        let answer = stream::iter(parts).then(move |step| async move {
            match step {
                Step::Say(text) => Some(Ok(Delta::Text(text.to_owned()))),
                Step::Wait(gate) => {
                    gate.notified().await;
                    None
                }
                Step::Fail(error) => Some(Err(error)),
                Step::Vanish | Step::InVain | Step::Stall => None,
                Step::Call(calls) => {
                    let call = |(id, name, arguments): (&str, &str, &str)| ToolCall {
                        id: id.to_owned(),
                        name: name.to_owned(),
                        arguments: arguments.to_owned(),
                    };
                    Some(Ok(finished(calls.into_iter().map(call).collect(), usage)))
                }
            }
        });
        let answer = answer.filter_map(|part| async { part }).take_while(move |part| {
            let goes_on = !has_ended;
            has_ended = has_ended || part.is_err();
            async move { goes_on }
        });
        Ok(answer.boxed())
    }
}
