//! What does a model read of a tool's result, a prompt's message or a resource? Pure.
//!
//! Text is passed on to the letter. What is no text is named, with its kind and size, and is not
//! passed on: a model that cannot see it would only lose room by it.

use serde_json::Value;

/// What a tool without any result is said to have.
const NOTHING: &str = "(no output)";

/// What a tool answered.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolOutput {
    /// All of it, as text.
    pub text: String,
    /// The server says that it went wrong.
    pub is_error: bool,
    /// The structured part, if it has one.
    pub structured: Option<Value>,
}

/// Reads the result of `tools/call`.
pub(super) fn of_result(result: &Value) -> ToolOutput {
    let structured = result.get("structuredContent").filter(|value| !value.is_null()).cloned();
    let blocks = result["content"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut parts: Vec<String> = blocks.iter().map(of_block).collect();
    if let Some(structured) = &structured {
        // Servers are asked to say the same as text as well; once is enough.
        let is_said = parts.iter().any(|part| {
            let looks_alike = part.trim_start().starts_with(['{', '[', '"'])
                || !(structured.is_object() || structured.is_array());
            looks_alike && serde_json::from_str::<Value>(part).is_ok_and(|said| said == *structured)
        });
        if !is_said {
            parts.push(structured.to_string());
        }
    }
    parts.retain(|part| !part.is_empty());
    let text = if parts.is_empty() { NOTHING.to_owned() } else { parts.join("\n") };
    ToolOutput { text, is_error: result["isError"] == true, structured }
}

/// Reads one block of content.
pub(super) fn of_block(block: &Value) -> String {
    let text = |name: &str| block[name].as_str();
    match text("type") {
        Some("text") => text("text").unwrap_or_default().to_owned(),
        Some(kind @ ("image" | "audio")) => placeholder(kind, block, "data"),
        Some("resource_link") => {
            let uri = text("uri").unwrap_or_default();
            let name = text("title").or(text("name")).unwrap_or(uri);
            let more = text("description").map(|more| format!(": {more}")).unwrap_or_default();
            format!("[resource {uri} ({name}){more}]")
        }
        Some("resource") => of_resource(&block["resource"]),
        Some(other) => format!("[{other}: content of a kind that is not known]"),
        None => String::new(),
    }
}

/// Reads the contents of one resource.
pub(super) fn of_resource(resource: &Value) -> String {
    match resource["text"].as_str() {
        Some(text) => text.to_owned(),
        None => placeholder("blob", resource, "blob"),
    }
}

fn placeholder(kind: &str, of: &Value, data: &str) -> String {
    let mime = of["mimeType"].as_str().unwrap_or("unknown type");
    let mime: String = mime.chars().filter(|c| !c.is_control()).take(100).collect();
    // Four characters of base64 are three bytes, less those that only fill up.
    let encoded = of[data].as_str().unwrap_or_default().trim_end_matches('=');
    format!("[{kind}: {mime}, {} bytes]", encoded.len() * 3 / 4)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn text(result: &Value) -> String {
        of_result(result).text
    }

    #[test]
    fn every_kind_of_content_is_said() {
        let result = json!({ "content": [
            { "type": "text", "text": "one\u{200b} " },
            { "type": "image", "mimeType": "image/png", "data": "AAAAAA==" },
            { "type": "audio", "mimeType": "audio/wav", "data": "AAAA" },
            { "type": "resource_link", "uri": "file:///a", "name": "a", "description": "A file" },
            { "type": "resource", "resource": { "uri": "u", "text": "embedded" } },
            { "type": "resource", "resource": { "uri": "u", "blob": "AAAA" } },
            { "type": "hologram" },
        ] });
        assert_eq!(
            text(&result),
            "one\u{200b} \n[image: image/png, 4 bytes]\n[audio: audio/wav, 3 bytes]\n\
             [resource file:///a (a): A file]\nembedded\n[blob: unknown type, 3 bytes]\n\
             [hologram: content of a kind that is not known]",
        );
    }

    #[test]
    fn structured_content_is_said_once() {
        let structured = json!({ "b": 1, "a": [true] });
        assert_eq!(
            text(&json!({ "content": [], "structuredContent": structured })),
            structured.to_string()
        );
        let said = json!({ "type": "text", "text": "{ \"a\": [true], \"b\": 1 }" });
        let both = json!({ "content": [said], "structuredContent": structured });
        assert_eq!(text(&both), "{ \"a\": [true], \"b\": 1 }");
        let beside = json!({ "content": [{ "type": "text", "text": "Done." }], "structuredContent": structured });
        assert_eq!(text(&beside), format!("Done.\n{structured}"));
        let number =
            json!({ "content": [{ "type": "text", "text": "7" }], "structuredContent": 7 });
        assert_eq!(text(&number), "7");
    }

    #[test]
    fn nothing_is_said_to_be_nothing_and_an_error_to_be_one() {
        for empty in [
            json!({}),
            json!({ "content": [] }),
            json!({ "content": [{ "type": "text", "text": "" }] }),
        ] {
            assert_eq!(
                of_result(&empty),
                ToolOutput { text: NOTHING.to_owned(), is_error: false, structured: None }
            );
        }
        assert!(of_result(&json!({ "content": [], "isError": true })).is_error);
        assert!(!of_result(&json!({ "content": [], "isError": "true" })).is_error);
    }
}
