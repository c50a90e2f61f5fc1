//! A17 to A19: who did what, and handles that are no secrets and still cannot be guessed.

use serde_json::json;

use crate::abuse::wire::{Wire, request};
use crate::abuse::{KEY, OTHER, Target, call, code};
use crate::harness::Home;

#[tokio::test]
async fn every_key_sees_every_job_and_is_named_for_what_it_did() {
    let target = Target::start().await;
    let job = target.daemon.run_eval("sleep").await;
    let other = [("Content-Type", "application/json"), ("X-API-Key", OTHER)];
    let as_other = |tool: &str, arguments| {
        let body = call(1, tool, &arguments);
        target.send(&request("POST", "/mcp", &other, body.as_bytes())).unwrap().json()
    };
    let status = as_other("status", json!({ "jobId": job }));
    let mine = status["result"]["structuredContent"]["principal"].as_str().unwrap().to_owned();
    assert!(mine.starts_with("key:"), "A17 {mine}");
    as_other("cancel_job", json!({ "jobId": job, "reason": "not mine" }));
    let why = target.daemon.ask("why", json!({ "id": job })).await;
    let facts = why["facts"].as_array().unwrap();
    assert_eq!(facts[0]["actor"], mine, "A17 {why}");
    let cancelled = facts.iter().find(|fact| fact["action"] == "job_cancel").unwrap();
    let by = cancelled["actor"].as_str().unwrap();
    assert!(by.starts_with("key:") && by != mine, "A17 {why}");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn ids_cannot_be_guessed() {
    let target = Target::start().await;
    let job = target.daemon.run_eval("quick").await;
    assert_eq!(job.len(), "job_".len() + 21, "A18 {job}");
    let alphabet: Vec<char> =
        ('a'..='z').chain('A'..='Z').chain('0'..='9').chain(['_', '-']).collect();
    // Every id that differs in one place, and as many short and counted ones.
    let near = (4..job.len()).flat_map(|place| {
        let (job, alphabet) = (&job, &alphabet);
        alphabet.iter().map(move |c| format!("{}{c}{}", &job[..place], &job[place + 1..]))
    });
    let counted = (0..1500).map(|n| format!("job_{n}"));
    let odd =
        ["%", "_", "job_%", "job__", "*", "job/*", "' OR 1=1 --", "job_\\"].map(str::to_owned);
    let (mut hits, mut asked) = (0, 0);
    let mut wire = target.connect();
    let headers = [("Content-Type", "application/json"), ("X-API-Key", KEY)];
    for id in near.filter(|id| *id != job).chain(counted).chain(odd) {
        let tool = if asked % 2 == 0 || !id.starts_with("job_") { "why" } else { "status" };
        let body = call(1, tool, &json!({ if tool == "why" { "id" } else { "jobId" }: id }));
        wire.send(&request("POST", "/mcp", &headers, body.as_bytes()));
        let answer = wire.answer().unwrap().json();
        let refused = answer["result"]["isError"] == true || code(&answer) == -32602;
        hits += usize::from(!refused);
        asked += 1;
    }
    assert_eq!(hits, 0, "A18 of {asked}");
    assert!(2800 < asked, "A18 {asked}");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn fifty_keys_at_once_are_each_named_for_their_own() {
    let keys: Vec<String> = (0..50).map(|n| format!("canary-key-of-caller-{n}")).collect();
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", &keys.join(","));
    let daemon = home.start().await;
    let mut wires: Vec<_> = keys.iter().map(|_| Wire::open(&daemon.url)).collect();
    let mut names: Vec<Option<String>> = vec![None; keys.len()];
    for round in 0..40 {
        for (wire, key) in wires.iter_mut().zip(&keys) {
            let headers = [("Content-Type", "application/json"), ("X-API-Key", key.as_str())];
            let arguments = json!({ "taskId": "quick", "configId": "default", "dryRun": true, "idempotencyKey": format!("r{round}") });
            wire.send(&request(
                "POST",
                "/mcp",
                &headers,
                call(1, "run_eval", &arguments).as_bytes(),
            ));
        }
        for (n, (wire, key)) in wires.iter_mut().zip(&keys).enumerate() {
            let made = wire.answer().unwrap().json();
            let id = &made["result"]["structuredContent"]["jobId"];
            assert!(id.is_string(), "A19 {made}");
            let headers = [("Content-Type", "application/json"), ("X-API-Key", key.as_str())];
            wire.send(&request(
                "POST",
                "/mcp",
                &headers,
                call(1, "why", &json!({ "id": id })).as_bytes(),
            ));
            let why = wire.answer().unwrap().json();
            let actor = why["result"]["structuredContent"]["facts"][0]["actor"]
                .as_str()
                .unwrap()
                .to_owned();
            // Whoever a caller was at first, it stays.
            assert_eq!(names[n].get_or_insert_with(|| actor.clone()), &actor, "A19 round {round}");
        }
    }
    names.sort();
    names.dedup();
    assert_eq!(names.len(), keys.len(), "A19");
    for line in daemon.log() {
        assert!(!line.contains("canary-key-of-caller"), "K1 {line}");
    }
}
