//! The prompts of the suite.

use async_trait::async_trait;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};

use super::asking::form;
use super::content::IMAGE;
use crate::prompts::{Prompt, PromptError};
use crate::resources::{Asking, Completion, CompletionRequest};
use crate::tools::Call;

type Get =
    for<'a> fn(Call<'a>, &'a Map<String, Value>) -> BoxFuture<'a, Result<Value, PromptError>>;

struct Fixture {
    name: &'static str,
    arguments: &'static [&'static str],
    get: Get,
}

fn said(contents: &[Value]) -> Value {
    let message = |content: &Value| json!({ "role": "user", "content": content });
    json!({ "messages": contents.iter().map(message).collect::<Vec<_>>() })
}

fn text(text: &str) -> Value {
    json!({ "type": "text", "text": text })
}

fn argument(arguments: &Map<String, Value>, name: &str) -> Result<String, PromptError> {
    let value = arguments.get(name).and_then(Value::as_str).map(str::to_owned);
    value.ok_or_else(|| PromptError::Invalid(format!("{name} is missing")))
}

/// The prompts of the suite.
pub(crate) fn prompts() -> Vec<Box<dyn Prompt>> {
    vec![
        Box::new(Fixture {
            name: "test_simple_prompt",
            arguments: &[],
            get: |_, _| {
                Box::pin(async { Ok(said(&[text("This is a simple prompt for testing.")])) })
            },
        }),
        Box::new(Fixture {
            name: "test_prompt_with_arguments",
            arguments: &["arg1", "arg2"],
            get: |_, arguments| {
                Box::pin(async move {
                    let one = argument(arguments, "arg1")?;
                    let other = argument(arguments, "arg2")?;
                    let words = format!("Prompt with arguments: arg1='{one}', arg2='{other}'");
                    Ok(said(&[text(&words)]))
                })
            },
        }),
        Box::new(Fixture {
            name: "test_prompt_with_embedded_resource",
            arguments: &["resourceUri"],
            get: |_, arguments| {
                Box::pin(async move {
                    let resource = json!({ "type": "resource", "resource": {
                        "uri": argument(arguments, "resourceUri")?,
                        "mimeType": "text/plain",
                        "text": "Embedded resource content for testing.",
                    } });
                    Ok(said(&[resource, text("Please process the embedded resource above.")]))
                })
            },
        }),
        Box::new(Fixture {
            name: "test_prompt_with_image",
            arguments: &[],
            get: |_, _| {
                Box::pin(async {
                    let image = json!({ "type": "image", "data": IMAGE, "mimeType": "image/png" });
                    Ok(said(&[image, text("Please analyze the image above.")]))
                })
            },
        }),
        Box::new(Fixture {
            name: "test_input_required_result_prompt",
            arguments: &[],
            get: |call, _| {
                Box::pin(async move {
                    let properties = json!({ "context": { "type": "string" } });
                    let message = "What context should the prompt use?";
                    let question = form("user_context", message, &properties, &["context"]);
                    let answers = call.client.ask(vec![question], None).await?;
                    let context = &answers["user_context"]["content"]["context"];
                    Ok(said(&[text(&format!("The context is {context}."))]))
                })
            },
        }),
    ]
}

#[async_trait]
impl Prompt for Fixture {
    fn name(&self) -> &'static str {
        self.name
    }

    fn describe(&self) -> Value {
        let argument = |name: &&str| json!({ "name": name, "required": true });
        let arguments: Vec<_> = self.arguments.iter().map(argument).collect();
        json!({
            "name": self.name,
            "title": self.name,
            "description": "A prompt of the conformance suite.",
            "arguments": arguments,
        })
    }

    async fn get(
        &self,
        call: Call<'_>,
        arguments: &Map<String, Value>,
    ) -> Result<Value, PromptError> {
        (self.get)(call, arguments).await
    }

    async fn complete(
        &self,
        _: Asking<'_>,
        request: CompletionRequest<'_>,
    ) -> Result<Completion, PromptError> {
        Ok(Completion::among(["test_one", "test_other"], request.value))
    }
}
