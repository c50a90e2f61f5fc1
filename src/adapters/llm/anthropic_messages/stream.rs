//! What do the events of a message say? Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use super::super::calls::{Calls, Fragment};
use super::super::trouble::{Trouble, in_band};
use super::super::words::{FinishReason, Finished, Usage, tokens_of};

/// An answer so far.
#[derive(Debug, Default)]
pub(crate) struct MessageStream {
    calls: Calls,
    /// The inputs that blocks began with, for those that nothing is added to.
    inputs: BTreeMap<u64, String>,
    reason: Option<FinishReason>,
    usage: Option<Counts>,
    model: Option<String>,
    is_over: bool,
}

/// Tokens as this wire counts them: each kind apart, and the newest count of each is the count.
#[derive(Debug, Default)]
struct Counts {
    input: u64,
    cache_read: u64,
    cache_creation: u64,
    output: u64,
}

impl MessageStream {
    /// Whether the message came to its end.
    pub fn is_over(&self) -> bool {
        self.is_over
    }

    /// Takes an event in, or a whole message, and gives the text of it.
    pub fn take(&mut self, event: &Value, is_error: bool) -> Result<String, Trouble> {
        if let Some(trouble) = in_band(event, is_error) {
            return Err(trouble);
        }
        if !event.is_object() {
            return Err(Trouble::broken("a part of it is no object"));
        }
        let index = event.get("index").and_then(Value::as_u64);
        let text =
            |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
        match event.get("type").and_then(Value::as_str).unwrap_or_default() {
            "message_start" => self.head(event.get("message").unwrap_or(&Value::Null)),
            "content_block_start" => {
                let block = event.get("content_block").unwrap_or(&Value::Null);
                return self.block(index, block);
            }
            "content_block_delta" => {
                let delta = event.get("delta").unwrap_or(&Value::Null);
                match delta.get("type").and_then(Value::as_str).unwrap_or_default() {
                    "text_delta" => return Ok(text(delta.get("text"))),
                    "input_json_delta" => self.input(index, delta.get("partial_json"))?,
                    _ => {}
                }
            }
            "message_delta" => {
                self.count(event.get("usage"));
                self.stop(event.pointer("/delta/stop_reason"));
            }
            "message_stop" => self.is_over = true,
            "message" => return self.whole(event),
            _ => {}
        }
        Ok(String::new())
    }

    fn head(&mut self, message: &Value) {
        let model = message.get("model").and_then(Value::as_str);
        self.model = model.filter(|model| !model.is_empty()).map(str::to_owned);
        self.count(message.get("usage"));
    }

    fn block(&mut self, index: Option<u64>, block: &Value) -> Result<String, Trouble> {
        let part = |name: &str| block.get(name).and_then(Value::as_str);
        match part("type") {
            Some("text") => Ok(part("text").unwrap_or_default().to_owned()),
            Some("tool_use") => {
                let (id, name) = (part("id"), part("name"));
                self.calls.add(&Fragment { index, id, name, arguments: None })?;
                let input = block.get("input").filter(|input| input.is_object());
                if let (Some(index), Some(input)) = (index, input) {
                    self.inputs.insert(index, input.to_string());
                }
                Ok(String::new())
            }
            _ => Ok(String::new()),
        }
    }

    fn input(&mut self, index: Option<u64>, json: Option<&Value>) -> Result<(), Trouble> {
        let json = json.and_then(Value::as_str).unwrap_or_default();
        if json.is_empty() {
            return Ok(());
        }
        if let Some(index) = index {
            self.inputs.remove(&index);
        }
        let arguments = Some(Cow::Borrowed(json));
        self.calls.add(&Fragment { index, arguments, ..Fragment::default() })
    }

    fn whole(&mut self, message: &Value) -> Result<String, Trouble> {
        self.head(message);
        let mut text = String::new();
        let blocks = message.get("content").and_then(Value::as_array).into_iter().flatten();
        for (index, block) in (0..).zip(blocks) {
            text.push_str(&self.block(Some(index), block)?);
        }
        self.stop(message.get("stop_reason"));
        self.is_over = true;
        Ok(text)
    }

    fn count(&mut self, usage: Option<&Value>) {
        let Some(usage) = usage.filter(|usage| usage.is_object()) else { return };
        let counts = self.usage.get_or_insert_default();
        for (name, count) in [
            ("input_tokens", &mut counts.input),
            ("cache_read_input_tokens", &mut counts.cache_read),
            ("cache_creation_input_tokens", &mut counts.cache_creation),
            ("output_tokens", &mut counts.output),
        ] {
            if let Some(newest) = tokens_of(usage.get(name)) {
                *count = newest;
            }
        }
    }

    fn stop(&mut self, reason: Option<&Value>) {
        if let Some(reason) = reason.and_then(Value::as_str) {
            self.reason = Some(match reason {
                "tool_use" => FinishReason::ToolCalls,
                "max_tokens" | "model_context_window_exceeded" => FinishReason::Length,
                "refusal" => FinishReason::ContentFilter,
                _ => FinishReason::Stop,
            });
        }
    }

    /// The end, which has to have come.
    pub fn finish(mut self, seed: &str) -> Result<Finished, Trouble> {
        if !self.is_over {
            return Err(Trouble::broken("it ended before the message had"));
        }
        for (index, input) in std::mem::take(&mut self.inputs) {
            let arguments = Some(Cow::Owned(input));
            self.calls.add(&Fragment { index: Some(index), arguments, ..Fragment::default() })?;
        }
        let calls = self.calls.finish(seed);
        let implied = if calls.is_empty() { FinishReason::Stop } else { FinishReason::ToolCalls };
        let usage = self.usage.map(|counts| {
            let read = counts.cache_read.saturating_add(counts.cache_creation);
            let prompt_tokens = counts.input.saturating_add(read);
            Usage {
                prompt_tokens,
                completion_tokens: counts.output,
                total_tokens: prompt_tokens.saturating_add(counts.output),
                cached_tokens: counts.cache_read,
            }
        });
        Ok(Finished { reason: self.reason.unwrap_or(implied), calls, usage, model: self.model })
    }
}
