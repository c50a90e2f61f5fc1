//! Tools that ask their client something, in one round or in several.

use serde_json::{Value, json};

use super::fixture::{Outcome, plain, text, with};
use crate::tools::{AnyTool, Call, Capability, Question, ToolError};

pub(super) const ELICIT: &str = "elicitation/create";
const SAMPLE: &str = "sampling/createMessage";
const ROOTS: &str = "roots/list";

/// A form with these properties.
pub(super) fn form(key: &str, message: &str, properties: &Value, required: &[&str]) -> Question {
    let mut schema = json!({ "type": "object", "properties": properties });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    let params = json!({ "message": message, "requestedSchema": schema });
    Question { key: key.to_owned(), method: ELICIT, params }
}

fn sample(key: &str, prompt: &str, most: u32) -> Question {
    let content = json!({ "type": "text", "text": prompt });
    let messages = json!([{ "role": "user", "content": content }]);
    let params = json!({ "messages": messages, "maxTokens": most });
    Question { key: key.to_owned(), method: SAMPLE, params }
}

fn roots(key: &str) -> Question {
    Question { key: key.to_owned(), method: ROOTS, params: json!({}) }
}

fn name_form() -> Question {
    form("user_name", "What is your name?", &json!({ "name": { "type": "string" } }), &["name"])
}

async fn asked(call: Call<'_>, question: Question) -> Result<Value, ToolError> {
    let key = question.key.clone();
    let mut answers = call.client.ask(vec![question], None).await?;
    Ok(answers.remove(&key).unwrap_or_default())
}

async fn elicit(call: Call<'_>, properties: Value) -> Outcome {
    let answer = asked(call, form("form", "Please fill this in", &properties, &[])).await?;
    let (action, content) = (answer["action"].as_str().unwrap_or("none"), &answer["content"]);
    text(&format!("Elicitation completed: action={action}, content={content}"))
}

pub(super) fn tools() -> Vec<Box<dyn AnyTool>> {
    [asking_once(), in_rounds()].into_iter().flatten().collect()
}

fn asking_once() -> Vec<Box<dyn AnyTool>> {
    let one_text = |name: &str| json!({ "type": "object", "properties": { name: { "type": "string" } }, "required": [name] });
    vec![
        with("test_sampling", one_text("prompt"), |call, arguments| {
            Box::pin(async move {
                let prompt = arguments["prompt"].as_str().unwrap_or_default();
                let answer = asked(call, sample("sampled", prompt, 100)).await?;
                text(&format!("LLM response: {}", answer["content"]["text"].as_str().unwrap_or("")))
            })
        }),
        with("test_elicitation", one_text("message"), |call, arguments| {
            Box::pin(async move {
                let message = arguments["message"].as_str().unwrap_or_default();
                let properties = json!({
                    "username": { "type": "string", "description": "User's response" },
                    "email": { "type": "string", "description": "User's email address" },
                });
                let question = form("user", message, &properties, &["username", "email"]);
                let answer = asked(call, question).await?;
                text(&format!("User response: {answer}"))
            })
        }),
        plain("test_elicitation_sep1034_defaults", |call, _| {
            Box::pin(elicit(
                call,
                json!({
                    "name": { "type": "string", "default": "John Doe" },
                    "age": { "type": "integer", "default": 30 },
                    "score": { "type": "number", "default": 95.5 },
                    "status": {
                        "type": "string",
                        "enum": ["active", "inactive", "pending"],
                        "default": "active",
                    },
                    "verified": { "type": "boolean", "default": true },
                }),
            ))
        }),
        plain("test_elicitation_sep1330_enums", |call, _| {
            let plain = json!(["option1", "option2", "option3"]);
            let titled = |word: &str| {
                json!([
                    { "const": "value1", "title": format!("First {word}") },
                    { "const": "value2", "title": format!("Second {word}") },
                    { "const": "value3", "title": format!("Third {word}") },
                ])
            };
            Box::pin(elicit(
                call,
                json!({
                    "untitledSingle": { "type": "string", "enum": plain },
                    "titledSingle": { "type": "string", "oneOf": titled("Option") },
                    "legacyEnum": {
                        "type": "string",
                        "enum": ["opt1", "opt2", "opt3"],
                        "enumNames": ["Option One", "Option Two", "Option Three"],
                    },
                    "untitledMulti": {
                        "type": "array",
                        "items": { "type": "string", "enum": plain },
                    },
                    "titledMulti": { "type": "array", "items": { "anyOf": titled("Choice") } },
                }),
            ))
        }),
        plain("test_missing_capability", |call, _| {
            Box::pin(async move {
                if call.client.has(Capability::Sampling) {
                    text("The client declared that it can sample.")
                } else {
                    Err(ToolError::MissingCapability(Capability::Sampling))
                }
            })
        }),
        plain("test_streaming_elicitation", |call, _| {
            Box::pin(async move {
                asked(call, name_form()).await?;
                text("The client was asked while its stream was open.")
            })
        }),
    ]
}

fn in_rounds() -> Vec<Box<dyn AnyTool>> {
    vec![
        plain("test_input_required_result_elicitation", |call, _| {
            Box::pin(async move {
                let answer = asked(call, name_form()).await?;
                let name = answer["content"]["name"].as_str().unwrap_or("stranger");
                text(&format!("Hello, {name}!"))
            })
        }),
        plain("test_input_required_result_sampling", |call, _| {
            Box::pin(async move {
                let question = sample("capital_question", "What is the capital of France?", 100);
                let answer = asked(call, question).await?;
                text(&format!("The model says: {}", answer["content"]["text"]))
            })
        }),
        plain("test_input_required_result_list_roots", |call, _| {
            Box::pin(async move {
                let answer = asked(call, roots("client_roots")).await?;
                text(&format!("The roots are {}", answer["roots"]))
            })
        }),
        plain("test_input_required_result_request_state", |call, _| {
            Box::pin(async move { with_state(call, json!({ "for": "request_state" })).await })
        }),
        plain("test_input_required_result_tampered_state", |call, _| {
            Box::pin(async move { with_state(call, json!({ "for": "tampered_state" })).await })
        }),
        plain("test_input_required_result_multiple_inputs", |call, _| {
            Box::pin(async move {
                let greeting = sample("greeting", "Generate a greeting", 50);
                let questions = vec![name_form(), greeting, roots("client_roots")];
                let answers = call.client.ask(questions, Some(json!({ "round": 1 }))).await?;
                text(&format!("All of {} were answered.", answers.len()))
            })
        }),
        plain("test_input_required_result_multi_round", |call, _| {
            Box::pin(async move {
                let step1 = form(
                    "step1",
                    "Step 1: What is your name?",
                    &json!({ "name": { "type": "string" } }),
                    &["name"],
                );
                let step2 = form(
                    "step2",
                    "Step 2: What is your favorite color?",
                    &json!({ "color": { "type": "string" } }),
                    &["color"],
                );
                let name = match call.client.state().and_then(|state| state["name"].as_str()) {
                    Some(name) => name.to_owned(),
                    None => {
                        let state = Some(json!({ "round": 1 }));
                        let answers = call.client.ask(vec![step1], state).await?;
                        let name = answers["step1"]["content"]["name"].as_str();
                        name.unwrap_or("stranger").to_owned()
                    }
                };
                let state = Some(json!({ "name": name }));
                let answers = call.client.ask(vec![step2], state).await?;
                let color = answers["step2"]["content"]["color"].as_str().unwrap_or("none");
                text(&format!("{name} likes {color}."))
            })
        }),
        plain("test_input_required_result_capabilities", |call, _| {
            Box::pin(async move {
                let all = [
                    (Capability::Elicitation, name_form()),
                    (Capability::Sampling, sample("greeting", "Generate a greeting", 50)),
                    (Capability::Roots, roots("client_roots")),
                ];
                let can = all.into_iter().filter(|(capability, _)| call.client.has(*capability));
                let questions: Vec<_> = can.map(|(_, question)| question).collect();
                let answers = call.client.ask(questions, None).await?;
                text(&format!("{} were answered.", answers.len()))
            })
        }),
    ]
}

async fn with_state(call: Call<'_>, state: Value) -> Outcome {
    let properties = json!({ "ok": { "type": "boolean" } });
    let question = form("confirm", "Please confirm", &properties, &["ok"]);
    call.client.ask(vec![question], Some(state.clone())).await?;
    if call.client.state() == Some(&state) {
        text("state-ok")
    } else {
        Err(ToolError::InvalidArguments("requestState must come back".to_owned()))
    }
}
