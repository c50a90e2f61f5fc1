//! H31: requests that are nearly right, by the ten thousand.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::abuse::wire::request;
use crate::abuse::{KEY, Target};
use crate::dice::Dice;

/// How many messages are mutated, and how many whole requests.
const MESSAGES: usize = 20_000;
const REQUESTS: usize = 2_000;

/// How many are sent before their answers are read.
const IN_FLIGHT: usize = 50;

/// A place among `n`.
fn below(dice: &mut Dice, n: usize) -> usize {
    usize::try_from(dice.between(0..n.max(1) as u64)).unwrap()
}

/// Messages that are right. What they start is only checked, so that nothing runs.
fn seeds() -> Vec<Value> {
    let call = |tool: &str, arguments: Value| {
        let params = json!({ "name": tool, "arguments": arguments });
        json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params })
    };
    vec![
        json!({ "jsonrpc": "2.0", "id": "a", "method": "ping" }),
        json!({ "jsonrpc": "2.0", "id": 2, "method": "tools/list", "params": {} }),
        json!({ "jsonrpc": "2.0", "id": 3, "method": "initialize", "params": { "protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": { "name": "a", "version": "1" } } }),
        json!({ "jsonrpc": "2.0", "method": "notifications/initialized" }),
        json!([{ "jsonrpc": "2.0", "id": 1, "method": "ping" }, { "jsonrpc": "2.0", "id": 2, "method": "ping" }]),
        call(
            "run_eval",
            json!({ "taskId": "quick", "configId": "default", "dryRun": true, "idempotencyKey": "k", "timeoutSeconds": 5, "deadlineSeconds": 9 }),
        ),
        call("status", json!({ "jobId": "job_V1StGXR8_Z5jdHi6B-myT" })),
        call("list_jobs", json!({ "status": ["FAILED", "QUEUED"], "limit": 3, "taskId": "quick" })),
        call("cancel_job", json!({ "jobId": "job_V1StGXR8_Z5jdHi6B-myT", "reason": "why not" })),
        call(
            "job_logs",
            json!({ "jobId": "job_V1StGXR8_Z5jdHi6B-myT", "stream": "stderr", "maxBytes": 10 }),
        ),
        call("why", json!({ "id": "job_V1StGXR8_Z5jdHi6B-myT" })),
        call("why_math", json!({ "id": "job_V1StGXR8_Z5jdHi6B-myT" })),
    ]
}

/// Values that are seldom thought of.
fn odd_values() -> Vec<Value> {
    let nested = (0..60).fold(json!(0), |inner, _| json!([inner]));
    vec![
        json!(null),
        json!(true),
        json!(0),
        json!(-1),
        json!(1.5),
        json!(1e308),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(""),
        json!("\u{0}"),
        json!("\r\n\r\n"),
        json!("%s%n"),
        json!("../../etc/passwd"),
        json!("' OR 1=1 --"),
        json!("\u{202e}\u{1b}[31m"),
        json!("x".repeat(5000)),
        json!([]),
        json!({}),
        json!([[]]),
        json!({ "": {} }),
        json!({ "__proto__": 1 }),
        nested,
        json!("2.0"),
        json!("tools/call"),
        json!(["2.0", 1, "ping"]),
    ]
}

/// Changes one place somewhere in a tree.
fn change(value: &mut Value, dice: &mut Dice, odd: &[Value]) {
    let goes_deeper = below(dice, 4) != 0;
    match value {
        Value::Object(members) if goes_deeper && !members.is_empty() => {
            let names: Vec<String> = members.keys().cloned().collect();
            let name = dice.pick(&names).clone();
            match below(dice, 6) {
                0 => drop(members.remove(&name)),
                1 => {
                    let moved = members.remove(&name).unwrap();
                    members.insert(
                        dice.pick(&[name.to_uppercase(), format!("{name}\u{0}"), String::new()])
                            .clone(),
                        moved,
                    );
                }
                2 => drop(members.insert("more".to_owned(), dice.pick(odd).clone())),
                _ => change(members.get_mut(&name).unwrap(), dice, odd),
            }
        }
        Value::Array(items) if goes_deeper && !items.is_empty() => {
            let place = below(dice, items.len());
            match below(dice, 4) {
                0 => drop(items.remove(place)),
                1 => items.push(items[place].clone()),
                _ => change(&mut items[place], dice, odd),
            }
        }
        other => *other = dice.pick(odd).clone(),
    }
}

/// Changes a few bytes.
fn damage(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..=below(dice, 3) {
        let place = below(dice, bytes.len());
        match below(dice, 5) {
            _ if bytes.is_empty() => bytes.push(b'{'),
            0 => bytes[place] ^= 1 << below(dice, 8),
            1 => drop(bytes.remove(place)),
            2 => bytes.insert(place, *dice.pick(b"\"{}[],:\\\0\n\x80\xff0e-.u ")),
            3 => bytes.truncate(place),
            _ => {
                let end = (place + below(dice, 40)).min(bytes.len());
                let again = bytes[place..end].to_vec();
                bytes.splice(place..place, again);
            }
        }
    }
}

/// Writes a member once more, as no writer of JSON would.
fn repeat_a_member(text: &str, dice: &mut Dice) -> String {
    let member = dice.pick(&[
        r#""id":9,"#,
        r#""jsonrpc":"2.0","#,
        r#""method":"ping","#,
        r#""name":"why","#,
        r#""params":{},"#,
        r#""jobId":"job_x","#,
    ]);
    let opens: Vec<usize> = text.match_indices('{').map(|(place, _)| place + 1).collect();
    if opens.is_empty() {
        return text.to_owned();
    }
    let (before, after) = text.split_at(*dice.pick(&opens));
    format!("{before}{member}{after}")
}

fn message(dice: &mut Dice, seeds: &[Value], odd: &[Value]) -> Vec<u8> {
    let mut value = dice.pick(seeds).clone();
    let kind = below(dice, 10);
    if kind < 7 {
        for _ in 0..=below(dice, 3) {
            change(&mut value, dice, odd);
        }
    }
    let mut bytes = value.to_string().into_bytes();
    if kind == 7 || kind == 8 {
        let repeated = repeat_a_member(&value.to_string(), dice);
        bytes = repeated.into_bytes();
    }
    if kind == 9 || below(dice, 4) == 0 {
        damage(&mut bytes, dice);
    }
    bytes
}

#[tokio::test]
async fn twenty_thousand_messages_that_are_nearly_right_do_no_harm() {
    let mut target = Target::start().await;
    let (mut dice, seeds, odd) = (Dice::new(), seeds(), odd_values());
    let began = Instant::now();
    let mut wire = target.connect();
    let mut by_status = std::collections::BTreeMap::<u16, usize>::new();
    for _ in 0..MESSAGES / IN_FLIGHT {
        let bodies: Vec<Vec<u8>> =
            (0..IN_FLIGHT).map(|_| message(&mut dice, &seeds, &odd)).collect();
        let mut sent = Vec::new();
        for body in &bodies {
            let version = dice.pick(&["2025-03-26", "2025-03-26", "2025-06-18", "2025-11-25"]);
            let headers = [
                ("X-API-Key", KEY),
                ("Content-Type", "application/json"),
                ("MCP-Protocol-Version", version),
            ];
            sent.extend(request("POST", "/mcp", &headers, body));
        }
        wire.send(&sent);
        for body in bodies {
            let name = String::from_utf8_lossy(&body).into_owned();
            let answer = wire.answer().unwrap_or_else(|| panic!("no answer to {name}"));
            assert!([200, 202, 400].contains(&answer.status), "{} to {name}", answer.status);
            assert_eq!(answer.status == 202, answer.body.is_empty(), "{name}");
            if answer.status != 202 {
                answer.json();
            }
            target.tells_nothing(&name, &answer);
            *by_status.entry(answer.status).or_default() += 1;
        }
    }
    let took = began.elapsed();
    assert!(took < Duration::from_mins(1), "H31 took {took:?}");
    // Some of each, or the mutations miss their aim.
    assert!(by_status.len() == 3 && by_status.values().all(|count| 100 < *count), "{by_status:?}");
    drop(wire);
    target.is_well_after("H31");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn two_thousand_requests_that_are_nearly_http_do_no_harm() {
    let mut target = Target::start().await;
    let (mut dice, seeds) = (Dice::new(), seeds());
    let headers = [
        ("X-API-Key", KEY),
        ("Content-Type", "application/json"),
        ("Accept", "application/json, text/event-stream"),
        ("Origin", "http://localhost"),
    ];
    for n in 0..REQUESTS {
        let body = dice.pick(&seeds).to_string();
        let (method, path) = *dice.pick(&[
            ("POST", "/mcp"),
            ("POST", "/mcp"),
            ("GET", "/healthz"),
            ("GET", "/health?a=b"),
            ("HEAD", "/readyz"),
        ]);
        let body = if method == "POST" { body.as_bytes() } else { b"" };
        let mut bytes = request(method, path, &headers, body);
        damage(&mut bytes, &mut dice);
        let mut wire = target.connect();
        wire.send(&bytes);
        wire.finish();
        // Whatever comes, it ends; and no status line in it is a fault of ours.
        let rest = wire.rest();
        let text = String::from_utf8_lossy(&rest);
        let status = text.strip_prefix("HTTP/1.1 ").or_else(|| text.strip_prefix("HTTP/1.0 "));
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        assert!(status.is_none_or(|status| !status.starts_with('5')), "{n}: {shown}\n{text}");
        assert!(rest.is_empty() || status.is_some(), "{n}: {shown}\n{text}");
    }
    target.is_well_after("H31");
    target.leaks_nothing().await;
}
