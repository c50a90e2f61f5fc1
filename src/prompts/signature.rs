//! What does a prompt take, and what was it given? Pure.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::prompts::PromptError;

/// The longest value of an argument, in bytes.
const LONGEST: usize = 8 * 1024;

/// An argument of a prompt; its values are texts, as the protocol has it.
#[derive(Debug, Serialize)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    pub(super) required: bool,
}

/// A prompt as clients are told of it.
#[derive(Debug, Serialize)]
pub(super) struct Signature {
    pub(super) name: &'static str,
    pub(super) title: &'static str,
    pub(super) description: &'static str,
    #[serde(rename = "arguments")]
    pub(super) parameters: &'static [Parameter],
}

/// What was given for the arguments.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Given<'a>(BTreeMap<&'static str, &'a str>);

impl Signature {
    /// As the wire has it.
    pub(super) fn to_value(&self) -> Value {
        serde_json::to_value(self).expect("a signature is made of text")
    }

    /// Reads what was given. An argument that is empty counts as not given, because forms send all
    /// of their fields.
    ///
    /// # Errors
    /// One is missing, or there is none of that name, or it is no text; the sentence names it.
    pub(super) fn read<'a>(
        &self,
        arguments: &'a Map<String, Value>,
    ) -> Result<Given<'a>, PromptError> {
        let mut given = Given::default();
        for (name, value) in arguments {
            let parameter = self.parameter(name)?;
            let Some(text) = value.as_str() else {
                return Err(self.invalid(parameter, "must be a text"));
            };
            if LONGEST < text.len() {
                return Err(self.invalid(parameter, &format!("must have at most {LONGEST} bytes")));
            }
            if !text.trim().is_empty() {
                given.0.insert(parameter.name, text.trim());
            }
        }
        let is_missing =
            |parameter: &&Parameter| parameter.required && !given.0.contains_key(parameter.name);
        match self.parameters.iter().find(is_missing) {
            Some(missing) => Err(self.invalid(missing, "is required")),
            None => Ok(given),
        }
    }

    /// The argument of this name.
    ///
    /// # Errors
    /// There is none; the sentence has those there are.
    pub(super) fn parameter(&self, name: &str) -> Result<&'static Parameter, PromptError> {
        let found = self.parameters.iter().find(|parameter| parameter.name == name);
        found.ok_or_else(|| {
            let shown: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
            let known: Vec<_> = self.parameters.iter().map(|parameter| parameter.name).collect();
            let known = known.join(", ");
            PromptError::Invalid(format!(
                "{}: unknown argument {shown}; it takes {known}",
                self.name
            ))
        })
    }

    fn invalid(&self, parameter: &Parameter, why: &str) -> PromptError {
        PromptError::Invalid(format!("{}: {} {why}", self.name, parameter.name))
    }
}

impl Given<'_> {
    /// What was given for an argument; nothing if it was not.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).copied()
    }

    /// What was given for an argument that [`Signature::read`] requires.
    pub(super) fn required(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const SIGNATURE: Signature = Signature {
        name: "greet",
        title: "Greet",
        description: "Greets.",
        parameters: &[
            Parameter { name: "whom", title: "Whom", description: "Whom.", required: true },
            Parameter { name: "how", title: "How", description: "How.", required: false },
        ],
    };

    fn read(arguments: &Value) -> Result<(String, Option<String>), String> {
        let given = SIGNATURE.read(arguments.as_object().unwrap());
        let given = given.map_err(|error| error.to_string())?;
        Ok((given.required("whom").to_owned(), given.get("how").map(str::to_owned)))
    }

    #[test]
    fn what_is_wrong_is_named() {
        let long = "x".repeat(LONGEST + 1);
        for (arguments, why) in [
            (json!({}), "greet: whom is required"),
            (json!({ "how": "well" }), "greet: whom is required"),
            (json!({ "whom": " " }), "greet: whom is required"),
            (json!({ "whom": 1 }), "greet: whom must be a text"),
            (json!({ "whom": null }), "greet: whom must be a text"),
            (json!({ "whom": long }), "greet: whom must have at most 8192 bytes"),
            (
                json!({ "whom": "you", "w\nhy": "x" }),
                "greet: unknown argument why; it takes whom, how",
            ),
        ] {
            assert_eq!(read(&arguments), Err(why.to_owned()));
        }
        let both = json!({ "whom": " you ", "how": "well" });
        assert_eq!(read(&both), Ok(("you".to_owned(), Some("well".to_owned()))));
        assert_eq!(read(&json!({ "whom": "you", "how": "" })), Ok(("you".to_owned(), None)));
    }
}
