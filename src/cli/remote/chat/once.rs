//! One question and its answer, for scripts: the words go to standard output, the rest beside them.

use crate::cli::exit::{BadEnd, Failure};
use crate::cli::remote::approvals::Asked;
use crate::cli::remote::chat::request::{Sent, Steps, Words, cancel, send};
use crate::cli::remote::chat::turn::{End, Ending, Step, safe};
use crate::cli::remote::chat::view;
use crate::cli::remote::session::{Session, print, say};
use crate::cli::terminal::screen;

/// How long one call waits for an answer, in seconds: shorter than a call may take.
const WAIT: u16 = 20;

/// Says it, and prints the answer.
pub(super) async fn say_once(
    session: &Session,
    text: &str,
    conversation: Option<&str>,
    waits: bool,
) -> Result<(), Failure> {
    let words = Words { text, conversation, attended: true };
    if session.json {
        return as_json(session, &words, waits).await;
    }
    let sent = send(session, &words).await?;
    let mut steps = Steps::of(session, &sent);
    let mut ends_line = true;
    let ended = loop {
        let step = tokio::select! {
            step = steps.next() => step?,
            pressed = tokio::signal::ctrl_c() => {
                pressed.map_err(|error| Failure::other("listen for Ctrl-C", &error))?;
                cancel(session, &sent).await?;
                return Err(Failure::interrupted("the answer was ended"));
            }
        };
        match step {
            Step::Words(words) => {
                ends_line = words.ends_with('\n');
                print(&safe(&words))?;
            }
            Step::Beside(line) => eprintln!("{}", line.render(screen::style_of_words())),
            Step::Decided(_) => {}
            Step::Asks(asked) => {
                let why = needs_approval(&asked);
                if !waits {
                    break Err(Failure::ended(BadEnd::Failed, why));
                }
                say(&why);
            }
            Step::Question(question) => {
                let (server, said) = (question.server, question.message);
                let why = format!("{server} asks: {said} It can be answered in the cockpit");
                if !waits {
                    break Err(Failure::ended(BadEnd::Failed, why));
                }
                say(&why);
            }
            Step::End(end) => break judged(&sent, &end),
        }
    };
    if !ends_line {
        print("\n")?;
    }
    ended
}

/// What is said of a call that waits.
fn needs_approval(asked: &Asked) -> String {
    let Asked { approval_id, server, tool, .. } = asked;
    let how = format!("`lukhas-mcp approve {approval_id}` allows it, `lukhas-mcp deny` does not");
    format!("{tool} of {server} waits for approval; {how}, and the answer goes on then")
}

/// What an end is worth.
fn judged(sent: &Sent, end: &End) -> Result<(), Failure> {
    match &end.ending {
        Ending::Complete => {
            say(&format!("{}{}", sent.conversation_id, view::price(end)));
            Ok(())
        }
        Ending::Cancelled => Err(Failure::ended(BadEnd::Failed, "somebody ended the answer")),
        Ending::Failed(why) => Err(Failure::ended(BadEnd::Failed, why.clone())),
    }
}

/// The tool's own answer, when it has one.
async fn as_json(session: &Session, words: &Words<'_>, waits: bool) -> Result<(), Failure> {
    let mut call = words.call(WAIT);
    let answer = loop {
        let answer = tokio::select! {
            answer = session.answer("send_message", &call) => answer?,
            pressed = tokio::signal::ctrl_c() => {
                pressed.map_err(|error| Failure::other("listen for Ctrl-C", &error))?;
                return Err(Failure::interrupted("the answer goes on"));
            }
        };
        let asks = answer["approvals"].as_array().is_some_and(|asked| !asked.is_empty());
        if answer["status"] != "running" || (asks && !waits) {
            break answer;
        }
        // The same request again only waits.
        call["conversationId"] = answer["conversationId"].clone();
        if asks {
            // It answers at once as long as somebody is asked.
            tokio::time::sleep(std::time::Duration::from_secs(2)).await;
        }
    };
    session.print_json(&answer)?;
    match answer["status"].as_str() {
        Some("complete") => Ok(()),
        Some("running") => {
            let asked: Vec<Asked> = serde_json::from_value(answer["approvals"].clone())
                .map_err(|error| Failure::other("read the answer", &error))?;
            let why = asked.first().map(needs_approval).unwrap_or_default();
            Err(Failure::ended(BadEnd::Failed, why))
        }
        _ => {
            let why = answer["error"].as_str().unwrap_or("the answer was ended");
            Err(Failure::ended(BadEnd::Failed, why))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_call_has_a_name_of_its_own_and_no_place_if_there_is_none() {
        let words = Words { text: "hi", conversation: None, attended: true };
        let (one, two) = (words.call(0), words.call(20));
        assert!(one.get("conversationId").is_none());
        assert_ne!(one["requestId"], two["requestId"]);
        assert_eq!((&one["waitSeconds"], &two["waitSeconds"]), (&json!(0), &json!(20)));
        let there = Words { conversation: Some("c"), ..words };
        assert_eq!(there.call(0)["conversationId"], "c");
    }
}
