//! Which prompts and resources does a server offer? Pure.

use serde_json::Value;

use crate::visible;

/// The longest text that is shown of one, in bytes.
const TEXT: usize = 2 << 10;

/// The longest name or address, in bytes.
const NAME: usize = 2_000;

/// A prompt of a server's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptDefinition {
    /// Its name.
    pub name: String,
    /// Its title for people.
    pub title: Option<String>,
    /// What it is for.
    pub description: String,
    /// What it takes.
    pub arguments: Vec<PromptArgument>,
}

/// What a prompt takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptArgument {
    /// Its name.
    pub name: String,
    /// What it is.
    pub description: String,
    /// Whether the prompt needs it.
    pub required: bool,
}

/// A resource of a server's, or a template for the addresses of some.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceDefinition {
    /// Its address, or the template.
    pub uri: String,
    /// Its name.
    pub name: String,
    /// Its title for people.
    pub title: Option<String>,
    /// What it is.
    pub description: String,
    /// Its type.
    pub mime_type: Option<String>,
    /// How many bytes it has.
    pub size: Option<u64>,
}

/// A message of a prompt's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptMessage {
    /// Whose words it is put into.
    pub role: PromptRole,
    /// It.
    pub text: String,
}

/// Whose words a message of a prompt's is put into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PromptRole {
    /// The user's.
    User,
    /// The model's.
    Assistant,
}

fn line(of: &Value, name: &str) -> Option<String> {
    of[name].as_str().map(|text| visible::in_one_line(text, TEXT))
}

/// A name that is asked for again, so it is taken to the letter or not at all.
fn name(of: &Value, name: &str) -> Option<String> {
    let text = of[name].as_str()?;
    let is_plain = !text.chars().any(|c| c.is_control() || visible::hides(c));
    (!text.is_empty() && text.len() <= NAME && is_plain).then(|| text.to_owned())
}

fn text(of: &Value) -> String {
    visible::plain(of["description"].as_str().unwrap_or_default(), TEXT)
}

impl PromptDefinition {
    /// Reads one of a list; none if it could not be asked for.
    pub(super) fn read(prompt: &Value) -> Option<Self> {
        let arguments = prompt["arguments"].as_array().map(Vec::as_slice).unwrap_or_default();
        let argument = |argument: &Value| {
            Some(PromptArgument {
                name: name(argument, "name")?,
                description: text(argument),
                required: argument["required"] == true,
            })
        };
        Some(Self {
            name: name(prompt, "name")?,
            title: line(prompt, "title"),
            description: text(prompt),
            arguments: arguments.iter().filter_map(argument).take(100).collect(),
        })
    }
}

impl ResourceDefinition {
    /// Reads one of a list, whose address is called `uri`; none if it could not be asked for.
    pub(super) fn read(resource: &Value, uri: &str) -> Option<Self> {
        Some(Self {
            uri: name(resource, uri)?,
            name: line(resource, "name").unwrap_or_default(),
            title: line(resource, "title"),
            description: text(resource),
            mime_type: line(resource, "mimeType"),
            size: resource["size"].as_u64(),
        })
    }
}

/// Reads the result of `prompts/get`.
pub(super) fn messages(result: &Value) -> Vec<PromptMessage> {
    let messages = result["messages"].as_array().map(Vec::as_slice).unwrap_or_default();
    let message = |message: &Value| {
        let is_models = message["role"] == "assistant";
        let role = if is_models { PromptRole::Assistant } else { PromptRole::User };
        PromptMessage { role, text: super::output::of_block(&message["content"]) }
    };
    messages.iter().map(message).collect()
}

/// Reads the result of `resources/read`, cut to so many bytes.
pub(super) fn contents(result: &Value, most: usize) -> String {
    let contents = result["contents"].as_array().map(Vec::as_slice).unwrap_or_default();
    let mut text = contents.iter().map(super::output::of_resource).collect::<Vec<_>>().join("\n");
    if most < text.len() {
        text.truncate(text.floor_char_boundary(most));
        text.push_str("\n[cut: the resource is longer]");
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn offers_are_read_without_what_hides_in_them() {
        let prompt = json!({
            "name": "review", "description": "Reviews\u{202e} it.",
            "arguments": [{ "name": "path", "required": true }, { "description": "nameless" }],
        });
        let prompt = PromptDefinition::read(&prompt).unwrap();
        assert_eq!((prompt.description.as_str(), prompt.arguments.len()), ("Reviews it.", 1));
        assert_eq!(PromptDefinition::read(&json!({ "name": "a\u{200b}" })), None);
        let resource =
            json!({ "uri": "file:///a", "name": "a", "size": 3, "mimeType": "text/plain" });
        assert_eq!(ResourceDefinition::read(&resource, "uri").unwrap().size, Some(3));
        assert_eq!(ResourceDefinition::read(&resource, "uriTemplate"), None);
    }

    #[test]
    fn messages_and_contents_are_text() {
        let result = json!({ "messages": [
            { "role": "user", "content": { "type": "text", "text": "Review it." } },
            { "role": "assistant", "content": { "type": "image", "data": "AAAA", "mimeType": "image/png" } },
        ] });
        let read = messages(&result);
        assert_eq!(
            read[0],
            PromptMessage { role: PromptRole::User, text: "Review it.".to_owned() }
        );
        assert_eq!(read[1].text, "[image: image/png, 3 bytes]");
        let result =
            json!({ "contents": [{ "uri": "a", "text": "aä" }, { "uri": "b", "blob": "AAAA" }] });
        assert_eq!(contents(&result, 99), "aä\n[blob: unknown type, 3 bytes]");
        assert_eq!(contents(&result, 2), "a\n[cut: the resource is longer]");
    }
}
