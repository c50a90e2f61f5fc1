//! Before what does somebody have to say yes, if the client can ask?
//!
//! It is a second look for people behind a client that offers one. A client that cannot ask is not
//! held up: its operator holds the key, and has said yes with it.

use serde_json::{Value, json};

use crate::config::Confirm;
use crate::tools::{Answers, Effect, Question};
use crate::visible::hides;

/// The key of the question.
const KEY: &str = "confirm";

/// The longest that a text in the arguments is shown, in characters.
const SHOWN: usize = 80;

/// The longest that all of them are shown.
const SHOWN_IN_ALL: usize = 2_000;

/// The tools that decide what production uses.
const PROMOTIONS: [&str; 4] =
    ["promote_model", "rollback_model", "approve_canary", "promote_canary_now"];

/// Whether somebody is to be asked before this.
pub(super) fn asks(confirm: Confirm, tool: &str, effect: Effect, arguments: &Value) -> bool {
    let is_meant = match confirm {
        Confirm::Nothing => false,
        Confirm::Promotions => PROMOTIONS.contains(&tool),
        Confirm::Changes => {
            PROMOTIONS.contains(&tool) || matches!(effect, Effect::Changes | Effect::Ends)
        }
    };
    is_meant && arguments["dryRun"] != true
}

/// What somebody is asked. Each text is cut by itself, so that a long one hides no other.
pub(super) fn question(title: &str, arguments: &Value) -> Question {
    let all = shown(arguments).to_string();
    let shown: String = all.chars().take(SHOWN_IN_ALL).collect();
    let rest = if shown.len() < all.len() { " … and more" } else { "" };
    Question {
        key: KEY.to_owned(),
        method: "elicitation/create",
        params: json!({
            "mode": "form",
            "message": format!("{title} with {shown}{rest}. Shall it be done?"),
            "requestedSchema": {
                "type": "object",
                "properties": {
                    "confirm": {
                        "type": "boolean",
                        "title": "Do it",
                        "description": "Yes does it now; no leaves everything as it is.",
                        "default": false,
                    },
                },
                "required": ["confirm"],
            },
        }),
    }
}

/// Arguments as they can be read at a glance: nothing in them hides or turns the text around.
fn shown(arguments: &Value) -> Value {
    match arguments {
        Value::String(text) => {
            let visible = |c: char| if is_visible(c) { c } else { '\u{fffd}' };
            let count = text.chars().count();
            let short: String = text.chars().take(SHOWN).map(visible).collect();
            if SHOWN < count {
                format!("{short}… ({count} characters)").into()
            } else {
                short.into()
            }
        }
        Value::Array(items) => items.iter().map(shown).collect(),
        Value::Object(members) => {
            let shown = |(name, value): (&String, &Value)| (name.clone(), shown(value));
            Value::Object(members.iter().map(shown).collect())
        }
        other => other.clone(),
    }
}

/// Whether a character shows itself, and nothing else is turned around by it.
fn is_visible(c: char) -> bool {
    !hides(c) && (!c.is_control() || c == '\n')
}

/// What somebody said; nothing if nobody said anything.
pub(super) fn said(answers: &Answers) -> Option<bool> {
    let answer = answers.get(KEY)?;
    Some(answer["action"] == "accept" && answer["content"]["confirm"] == true)
}

/// What is answered to who was told no.
pub(super) const DECLINED: &str = "it was not done: the user was asked and did not confirm it";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_hides_what_is_asked_about() {
        let arguments = json!({
            "content": "harmless ".repeat(100_000),
            "path": "deploy/\u{202e}hs.NOITCUDORP",
            "more": [{ "reason": "\u{2066}x" }],
        });
        let asked = question("Write a file", &arguments);
        let message = asked.params["message"].as_str().unwrap();
        assert!(message.contains("\"path\":\"deploy/\u{fffd}hs.NOITCUDORP\""), "{message}");
        assert!(message.contains("(900000 characters)") && message.chars().count() < 400);
        assert!(message.chars().all(is_visible), "{message}");
    }

    #[test]
    fn what_is_asked_about_is_a_matter_of_the_setting() {
        let none = json!({});
        for (confirm, promotion, change, read) in [
            (Confirm::Nothing, false, false, false),
            (Confirm::Promotions, true, false, false),
            (Confirm::Changes, true, true, false),
        ] {
            assert_eq!(asks(confirm, "promote_model", Effect::Ends, &none), promotion);
            assert_eq!(asks(confirm, "write_file", Effect::Changes, &none), change);
            assert_eq!(asks(confirm, "status", Effect::Reads, &none), read);
            assert!(!asks(confirm, "promote_model", Effect::Ends, &json!({ "dryRun": true })));
        }
    }

    #[test]
    fn only_a_plain_yes_is_one() {
        let answer = |answer: Value| said(&Answers::from([(KEY.to_owned(), answer)]));
        assert_eq!(said(&Answers::new()), None);
        let yes = json!({ "confirm": true });
        assert_eq!(answer(json!({ "action": "accept", "content": yes })), Some(true));
        for no in [
            json!({ "action": "decline", "content": yes }),
            json!({ "action": "accept", "content": { "confirm": false } }),
            json!({ "action": "accept", "content": { "confirm": "true" } }),
            json!({ "action": "accept" }),
            json!({}),
        ] {
            assert_eq!(answer(no.clone()), Some(false), "{no}");
        }
    }

    #[test]
    fn long_arguments_are_cut() {
        let question = question("Promote a model", &json!(vec!["x"; 1_000]));
        let message = question.params["message"].as_str().unwrap();
        assert!(message.len() < 2_100 && message.contains("… and more"), "{message}");
    }
}
