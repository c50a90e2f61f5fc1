//! What is an answer to be like, and which wishes are not served? Pure.

use serde_json::{Map, Value};

use super::fault::Fault;
use super::wire::{given, truth, wrong};
use crate::adapters::llm::Overrides;

/// The most texts that end an answer, as on the wires, and the longest of them in bytes.
const MOST_STOPS: usize = 4;
const LONGEST_STOP: usize = 256;

/// Wishes about an answer that no wire here carries.
const UNSERVED: [&str; 14] = [
    "function_call",
    "audio",
    "prediction",
    "web_search_options",
    "logit_bias",
    "seed",
    "reasoning_effort",
    "reasoning",
    "verbosity",
    "top_k",
    "min_p",
    "top_a",
    "best_of",
    "suffix",
];

/// Wishes that are none as long as they say what holds anyhow.
const NEUTRAL: [(&str, f64); 3] =
    [("presence_penalty", 0.0), ("frequency_penalty", 0.0), ("repetition_penalty", 1.0)];

/// Reads what the answer is to be like.
pub(super) fn overrides(body: &Map<String, Value>) -> Result<Overrides, Fault> {
    let max_tokens = match (limit(body, "max_completion_tokens")?, limit(body, "max_tokens")?) {
        (Some(new), Some(old)) => Some(new.min(old)),
        (new, old) => new.or(old),
    };
    Ok(Overrides {
        temperature: number(body, "temperature", 2.0)?,
        top_p: number(body, "top_p", 1.0)?,
        max_tokens,
        stop: stop(body)?,
    })
}

/// A number from 0 on.
fn number(body: &Map<String, Value>, name: &str, most: f64) -> Result<Option<f64>, Fault> {
    let Some(value) = given(body, name) else { return Ok(None) };
    match value.as_f64().filter(|number| (0.0..=most).contains(number)) {
        Some(number) => Ok(Some(number)),
        None => Err(wrong(name, &format!("must be a number from 0 to {most}"))),
    }
}

fn limit(body: &Map<String, Value>, name: &str) -> Result<Option<u32>, Fault> {
    let Some(value) = given(body, name) else { return Ok(None) };
    match value.as_u64().filter(|tokens| 0 < *tokens) {
        // What is more than the settings allow is no limit.
        Some(tokens) => Ok(Some(u32::try_from(tokens).unwrap_or(u32::MAX))),
        None => Err(wrong(name, "must be a whole number from 1 on")),
    }
}

fn stop(body: &Map<String, Value>) -> Result<Vec<String>, Fault> {
    let texts: Option<Vec<&str>> = match given(body, "stop") {
        None => return Ok(Vec::new()),
        Some(Value::String(text)) => Some(vec![text]),
        Some(Value::Array(all)) => all.iter().map(Value::as_str).collect(),
        Some(_) => None,
    };
    let fits = |text: &&str| (1..=LONGEST_STOP).contains(&text.len());
    let texts = texts.filter(|texts| texts.len() <= MOST_STOPS && texts.iter().all(fits));
    let why = format!(
        "must be a string, or a list of at most {MOST_STOPS} strings, of 1 to {LONGEST_STOP} bytes"
    );
    let texts = texts.ok_or_else(|| wrong("stop", &why))?;
    Ok(texts.into_iter().map(str::to_owned).collect())
}

/// Refuses what would be another answer without it, and is not to be had.
pub(super) fn refuse_unserved(body: &Map<String, Value>) -> Result<(), Fault> {
    let is_empty = |value: &Value| value.as_array().is_some_and(Vec::is_empty);
    for name in ["tools", "functions"] {
        if given(body, name).is_some_and(|value| !is_empty(value)) {
            return Err(wrong(
                name,
                "are not taken from clients: the daemon has tools of its own, and calls them itself",
            ));
        }
    }
    if given(body, "n").is_some_and(|n| n.as_u64() != Some(1)) {
        return Err(wrong("n", "must be 1"));
    }
    for name in UNSERVED {
        // Nothing is biased by nothing.
        let is_none =
            |value: &Value| name == "logit_bias" && value.as_object().is_some_and(Map::is_empty);
        if given(body, name).is_some_and(|value| !is_none(value)) {
            return Err(wrong(name, "is not served here; leave it out"));
        }
    }
    for (name, neutral) in NEUTRAL {
        if given(body, name).is_some_and(|value| value.as_f64() != Some(neutral)) {
            return Err(wrong(name, &format!("is not served here; leave it out, or at {neutral}")));
        }
    }
    if truth(body, "logprobs")?
        || given(body, "top_logprobs").is_some_and(|n| n.as_u64() != Some(0))
    {
        return Err(wrong("logprobs", "are not served here; leave them out"));
    }
    if let Some(format) = given(body, "response_format")
        && format["type"] != "text"
    {
        return Err(wrong("response_format", "must have the type text"));
    }
    if let Some(modalities) = given(body, "modalities")
        && modalities.as_array().is_none_or(|all| all.iter().any(|one| one != "text"))
    {
        return Err(wrong("modalities", "must be text alone"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(body: &Value) -> Result<Overrides, Fault> {
        let body = body.as_object().unwrap();
        refuse_unserved(body)?;
        overrides(body)
    }

    #[test]
    fn what_the_wires_carry_is_read() {
        assert_eq!(read(&json!({})), Ok(Overrides::default()));
        let wanted = read(&json!({
            "temperature": 0, "top_p": 0.5, "max_tokens": 100, "max_completion_tokens": 50,
            "stop": ["END", "\n"], "presence_penalty": 0, "frequency_penalty": 0.0,
            "logit_bias": {}, "seed": null,
        }));
        let expected = Overrides {
            temperature: Some(0.0),
            top_p: Some(0.5),
            max_tokens: Some(50),
            stop: vec!["END".to_owned(), "\n".to_owned()],
        };
        assert_eq!(wanted, Ok(expected));
        let wanted = read(&json!({ "stop": "x", "max_tokens": u64::MAX })).unwrap();
        assert_eq!((wanted.stop, wanted.max_tokens), (vec!["x".to_owned()], Some(u32::MAX)));
    }

    #[test]
    fn what_would_be_passed_over_is_refused_by_name() {
        for (name, value) in [
            ("temperature", json!(2.1)),
            ("temperature", json!(-0.1)),
            ("temperature", json!("hot")),
            ("top_p", json!(1.1)),
            ("max_tokens", json!(0)),
            ("max_tokens", json!(1.5)),
            ("max_completion_tokens", json!(-1)),
            ("stop", json!(["a", "b", "c", "d", "e"])),
            ("stop", json!([1])),
            ("stop", json!("")),
            ("stop", json!({})),
            ("seed", json!(7)),
            ("logit_bias", json!({ "50256": -100 })),
            ("presence_penalty", json!(0.5)),
            ("frequency_penalty", json!(-1)),
            ("repetition_penalty", json!(1.2)),
            ("reasoning_effort", json!("high")),
            ("top_k", json!(40)),
        ] {
            let fault = read(&json!({ name: value })).unwrap_err();
            assert_eq!((fault.status, fault.param.as_deref()), (400, Some(name)), "{fault:?}");
            assert!(fault.message.starts_with(name), "{fault:?}");
        }
    }
}
