//! What is understood, and what is said of what is not.

use serde_json::json;

use super::*;

fn chat(payload: &Value) -> Result<Message, Misunderstood> {
    parse(&json!({ "action": "chat", "request_id": "r1", "payload": payload }).to_string())
}

fn refused(text: &str) -> (Option<String>, &'static str, String) {
    let Misunderstood { request_id, refusal, .. } = parse(text).unwrap_err();
    (request_id, refusal.code, refusal.message)
}

#[test]
fn a_request_as_the_earlier_backend_took_it_is_understood() {
    let text = r#"{"action":"chat","request_id":"r1","message_type":"chat","future":[1],
        "payload":{"text":"hi","streaming":null,"metadata":{"a":1},"unknown":true}}"#;
    let expected = Ask {
        text: "hi".to_owned(),
        conversation_id: None,
        streaming: None,
        provider: None,
        metadata: json!({ "a": 1 }),
    };
    let message = parse(text).unwrap();
    assert_eq!(message.action, Action::Chat(expected));
    assert_eq!(message.request_id.as_deref(), Some("r1"));
}

#[test]
fn each_action_is_understood() {
    let payload = json!({
        "text": "hi", "conversation_id": "c1", "after_seq": 3, "approval_id": "ap_x",
        "decision": "once", "elicitation_id": "el_x", "action": "accept", "content": {},
        "seq": 1, "title": "t", "query": "q", "server": "s", "uri": "u", "name": "n",
        "arguments": {}, "lines": "{}", "limit": 200, "after": "2026 conv_1",
    });
    for name in ACTIONS {
        let text = json!({ "action": name, "request_id": "r", "payload": payload }).to_string();
        let message = parse(&text).unwrap();
        assert_eq!(message.name, name);
        assert_eq!(message.request_id.as_deref(), Some("r"));
    }
}

#[test]
fn what_is_no_json_or_no_object_is_said_so() {
    let deep = "[".repeat(2 << 20);
    for text in ["", "{", "nope", "{\"a\":1,}", "{} {}", "\u{feff}{}", "{\"a\":NaN}", "01", &deep] {
        let (id, code, message) = refused(text);
        assert_eq!((id, code), (None, "bad_json"), "{message}");
        assert!(message.len() < 100);
    }
    for text in ["[]", "[{\"action\":\"chat\"}]", "1", "null", "\"chat\""] {
        assert_eq!(refused(text).1, "invalid_message", "{text}");
    }
}

#[test]
fn the_id_is_given_back_where_it_can_be_told() {
    let (id, code, message) = refused(r#"{"action":"dance","request_id":"r7"}"#);
    assert_eq!((id.as_deref(), code), (Some("r7"), "invalid_message"));
    assert!(message.contains("chat, cancel, resume"), "{message}");
    for text in [
        r#"{"action":"Chat","request_id":"r7"}"#,
        r#"{"action":["chat"],"request_id":"r7"}"#,
        r#"{"request_id":"r7"}"#,
        r#"{"action":"chat","request_id":"r7","payload":[]}"#,
        r#"{"action":"chat","request_id":"r7","payload":"hi"}"#,
    ] {
        assert_eq!(refused(text).0.as_deref(), Some("r7"), "{text}");
    }
    for text in [
        r#"{"action":"chat","payload":{"text":"hi"}}"#,
        r#"{"action":"chat","request_id":null,"payload":{"text":"hi"}}"#,
        r#"{"action":"chat","request_id":7,"payload":{"text":"hi"}}"#,
        r#"{"action":"chat","request_id":"","payload":{"text":"hi"}}"#,
    ] {
        let (id, code, message) = refused(text);
        assert_eq!((id, code), (None, "invalid_message"), "{text}");
        assert!(message.contains("request_id"), "{message}");
    }
}

#[test]
fn members_that_are_wrong_are_named() {
    for (payload, said) in [
        (json!({}), "payload.text is missing"),
        (json!({ "text": 1 }), "payload.text must be a string"),
        (json!({ "text": ["hi"] }), "payload.text must be a string"),
        (json!({ "text": "hi", "streaming": "true" }), "payload.streaming must be"),
        (json!({ "text": "hi", "metadata": [] }), "payload.metadata must be an object"),
        (json!({ "text": "hi", "conversation_id": "a b" }), "payload.conversation_id must match"),
        (json!({ "text": "hi", "conversation_id": 7 }), "payload.conversation_id must be a string"),
        (json!({ "text": "hi", "metadata": { "a": "x".repeat(20_000) } }), "at most 16384 bytes"),
    ] {
        let Misunderstood { request_id, name, refusal } = chat(&payload).unwrap_err();
        assert_eq!((request_id.as_deref(), name), (Some("r1"), None));
        assert!(refusal.message.contains(said), "{}", refusal.message);
    }
    let other = |action: &str, payload: Value| {
        let text = json!({ "action": action, "payload": payload }).to_string();
        parse(&text).unwrap_err()
    };
    let refused = other("resume", json!({ "conversation_id": "c", "after_seq": -1 }));
    assert_eq!(refused.name, Some("resume"));
    assert!(refused.refusal.message.contains("payload.after_seq"));
    for (action, payload, said) in [
        ("resume", json!({ "conversation_id": "c", "after_seq": 1.5 }), "after_seq"),
        ("approve", json!({ "approval_id": "x", "decision": "once" }), "approval_id"),
        ("approve", json!({ "approval_id": "ap_x", "decision": "yes" }), "once, always or deny"),
        ("history", json!({ "limit": 201 }), "1 to 200"),
        ("history", json!({ "limit": 0 }), "payload.limit"),
        ("resources", json!({ "server": "s" }), "go together"),
        ("conversations", json!({ "after": "x" }), "data.next"),
    ] {
        let message = other(action, payload).refusal.message;
        assert!(message.contains(said), "{action}: {message}");
    }
}

#[test]
fn of_two_members_with_one_name_the_last_counts_and_no_other_spelling_does() {
    let text = r#"{"action":"chat","request_id":"r","payload":{"text":"a","text":"b","Text":"c"}}"#;
    let Action::Chat(ask) = parse(text).unwrap().action else { panic!() };
    assert_eq!(ask.text, "b");
}
