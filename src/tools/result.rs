//! What a call answers: a `CallToolResult` of the protocol, as JSON text.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::Serialize;

use crate::ids::Entity;

/// What a tool gives back.
#[derive(Debug)]
pub enum Reply<T> {
    /// An object, shown as JSON text and as structured content.
    Answer(T),
    /// Texts to be read, and the object they were made of.
    Texts(Vec<String>, T),
    /// Work that goes on after the answer, and an object that tells of it: a client that follows
    /// tasks may be given one instead.
    Began(Entity, T),
    /// A result that was made before, of such an object.
    Made(CallResult),
}

/// The JSON object that stands for `result` in the answer to `tools/call`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallResult(Bytes);

impl CallResult {
    /// Shows an object.
    ///
    /// # Errors
    /// It cannot be serialised.
    pub fn of(answer: &impl Serialize) -> serde_json::Result<Self> {
        let object = serde_json::to_string(answer)?;
        Ok(Self::assemble(std::slice::from_ref(&object), Some(&object), false))
    }

    /// Shows texts, with the object they were made of.
    ///
    /// # Errors
    /// The object cannot be serialised.
    pub fn of_texts(texts: &[String], answer: &impl Serialize) -> serde_json::Result<Self> {
        Ok(Self::assemble(texts, Some(&serde_json::to_string(answer)?), false))
    }

    /// Says why the tool failed.
    pub fn failure(why: &str) -> Self {
        Self::assemble(&[why.to_owned()], None, true)
    }

    /// A result that was assembled before.
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// The JSON text.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The JSON text.
    pub fn into_bytes(self) -> Bytes {
        self.0
    }

    fn assemble(texts: &[String], structured: Option<&str>, is_error: bool) -> Self {
        let size = texts.iter().map(String::len).sum::<usize>() + structured.map_or(0, str::len);
        let mut out = BytesMut::with_capacity(size + size / 4 + 96);
        out.put_slice(b"{\"content\":[");
        for (n, text) in texts.iter().enumerate() {
            if 0 < n {
                out.put_u8(b',');
            }
            out.put_slice(b"{\"type\":\"text\",\"text\":");
            put_string(&mut out, text);
            out.put_u8(b'}');
        }
        out.put_u8(b']');
        if let Some(structured) = structured {
            out.put_slice(b",\"structuredContent\":");
            out.put_slice(structured.as_bytes());
        }
        if is_error {
            out.put_slice(b",\"isError\":true");
        }
        out.put_u8(b'}');
        Self(out.freeze())
    }
}

fn put_string(out: &mut BytesMut, text: &str) {
    serde_json::to_writer(out.writer(), text).expect("writing a string to memory cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn an_answer_is_its_own_text_and_structured_content() {
        let answer = json!({ "name": "a \"quoted\"\nline", "n": 1 });
        let bytes = CallResult::of(&answer).unwrap().into_bytes();
        let result: Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(result["structuredContent"], answer);
        let text = result["content"][0]["text"].as_str().unwrap();
        assert_eq!(serde_json::from_str::<Value>(text).unwrap(), answer);
        assert_eq!(result.get("isError"), None);
    }

    #[test]
    fn a_failure_says_so() {
        let bytes = CallResult::failure("no \u{7} such").into_bytes();
        let result: Value = serde_json::from_slice(&bytes).unwrap();
        let content = json!([{ "type": "text", "text": "no \u{7} such" }]);
        assert_eq!(result, json!({ "content": content, "isError": true }));
    }
}
