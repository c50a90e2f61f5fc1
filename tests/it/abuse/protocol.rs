//! H6, H8, H14, H17, H22, H23 and H30: what is answered by the rules of a revision.

use std::time::Instant;

use serde_json::{Value, json};

use crate::abuse::envelope::{
    BAD_PARAMS, FINE, NO_REQUEST, with_arguments, with_id, with_members, with_params,
};
use crate::abuse::{Target, call, code};
use crate::harness::PATIENCE;

#[tokio::test]
async fn ids_come_back_as_they_were_written() {
    let target = Target::start().await;
    let longest = format!("\"{}\"", "x".repeat(256));
    for id in [
        "18446744073709551616",
        "9007199254740993",
        "-1",
        "1.0",
        r#""a\u0041\ud83d\ude00""#,
        &longest,
    ] {
        let text = target.post(with_id(id)).text();
        assert!(text.contains(&format!(r#""id":{id},"#)), "H8 {id}: {text}");
        // An error has it as well.
        let text = target.post(with_id(id).replace("ping", "pong")).text();
        assert!(text.contains(&format!(r#""id":{id},"#)), "H8 {id}: {text}");
    }
    for id in ["1.5", "{}", "true"] {
        assert_eq!(target.post(with_id(id)).json()["id"], Value::Null, "H8 {id}");
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn since_2025_11_25_bad_arguments_are_the_tools_failure() {
    let target = Target::start().await;
    let version = [("MCP-Protocol-Version", "2025-11-25")];
    for (name, arguments, sign) in [
        ("H17 a member nobody knows", r#"{"jobId":"job_a","x":1}"#, "x"),
        ("H17 an array", r#"["job_a"]"#, "object"),
        ("H22 nothing", "{}", "jobId"),
    ] {
        let answer = target.post_with(&version, with_arguments("status", arguments)).json();
        assert_eq!(
            (&answer["id"], &answer["result"]["isError"]),
            (&json!(7), &json!(true)),
            "{name}: {answer}"
        );
        let text = answer["result"]["content"][0]["text"].as_str().unwrap();
        assert!(text.contains(sign), "{name}: {text}");
    }
    let answer = target.post_with(&version, with_arguments("nothing", "{}")).json();
    assert_eq!(code(&answer), BAD_PARAMS, "{answer}");
}

#[tokio::test]
async fn batches_are_for_2025_03_26_alone() {
    let target = Target::start().await;
    let batch = format!("[{},{}]", with_id("1"), with_id("\"b\""));
    for headers in [&[][..], &[("MCP-Protocol-Version", "2025-03-26")]] {
        let answer = target.post_with(headers, &batch);
        assert_eq!(answer.status, 200, "H14");
        let ids: Vec<_> =
            answer.json().as_array().unwrap().iter().map(|one| one["id"].clone()).collect();
        assert_eq!(ids, [json!(1), json!("b")], "H14");
    }
    for version in ["2024-11-05", "2025-06-18", "2025-11-25"] {
        let answer = target.post_with(&[("MCP-Protocol-Version", version)], &batch);
        assert_eq!((answer.status, code(&answer.json())), (400, NO_REQUEST), "H14 {version}");
    }
    // What is fine is answered beside what is not, and a notification not at all.
    let notification = r#"{"jsonrpc":"2.0","method":"notifications/initialized"}"#;
    let mixed = format!("[{},1,{notification},{}]", with_id("1"), with_id("{}"));
    let answer = target.post(mixed);
    assert_eq!(answer.status, 200, "H14");
    let codes: Vec<i64> = answer.json().as_array().unwrap().iter().map(code).collect();
    assert_eq!(codes, [FINE, NO_REQUEST, NO_REQUEST], "H14");
    let answer = target.post(format!("[{notification},{notification}]"));
    assert_eq!((answer.status, answer.text().as_str()), (202, ""), "H14");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn an_object_of_200_000_keys_costs_little() {
    let mut target = Target::start().await;
    let keys: Vec<String> = (0..200_000).map(|n| format!("\"k{n:06}\":{n}")).collect();
    let keys = keys.join(",");
    let in_envelope = with_members(&format!(r#""jsonrpc":"2.0","id":1,"method":"ping",{keys}"#));
    for (name, body, expected) in [
        ("H6 in the envelope", in_envelope, FINE),
        ("H6 in params", with_params(&format!("{{\"name\":\"status\",{keys}}}")), BAD_PARAMS),
        ("H6 in arguments", with_arguments("status", &format!("{{{keys}}}")), BAD_PARAMS),
    ] {
        let began = Instant::now();
        let answer = target.post(body);
        assert_eq!((answer.status, code(&answer.json())), (200, expected), "{name}");
        // A tenth of a second in a release, unless the machine is busy.
        assert!(began.elapsed() < PATIENCE / 4, "{name}: {:?}", began.elapsed());
        target.is_well_after(name);
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_notification_never_runs_a_tool() {
    let target = Target::start().await;
    let arguments = json!({ "taskId": "quick", "configId": "default" });
    let call = call(1, "run_eval", &arguments).replace(r#""id":1,"#, "");
    for body in [call.clone(), format!("[{call},{call}]")] {
        let answer = target.post(&body);
        assert_eq!((answer.status, answer.text().as_str()), (202, ""), "H23 {body}");
    }
    assert_eq!(target.jobs().await, 0, "H23");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_revision_that_is_not_served_runs_nothing() {
    let mut target = Target::start().await;
    let body = call(1, "run_eval", &json!({ "taskId": "quick", "configId": "default" }));
    for (version, expected) in [
        ("1.0", NO_REQUEST),
        ("", NO_REQUEST),
        ("2025-03-26, 2025-11-25", NO_REQUEST),
        ("DRAFT", NO_REQUEST),
        ("2025-03-26\u{e9}", NO_REQUEST),
        // One that is served, and one that may be some day, by whose rules the body says too little.
        ("2026-07-28", BAD_PARAMS),
        ("2099-01-01", BAD_PARAMS),
    ] {
        let headers = [("MCP-Protocol-Version", version), ("Mcp-Name", "status")];
        let answer = target.post_with(&headers, &body);
        assert_eq!((answer.status, code(&answer.json())), (400, expected), "H30 {version}");
        target.tells_nothing(version, &answer);
        target.is_well_after(version);
    }
    assert_eq!(target.jobs().await, 0, "H30");
    target.leaks_nothing().await;
}
