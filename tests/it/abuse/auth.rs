//! A1 to A9, A11 to A16, K1, K2 and K5: who may enter, and what is said of those who may not.

use serde_json::json;

use lukhas_mcp::http::ROUTES;

use crate::abuse::wire::request;
use crate::abuse::{KEY, OTHER, Target, call, every_path};
use crate::harness::Home;

const PING_TEXT: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
const PING: &[u8] = PING_TEXT.as_bytes();

#[tokio::test]
async fn settings_that_would_leave_the_door_open_are_refused() {
    let quoted = format!("{KEY}\"x");
    let spaced = format!("{KEY} x");
    for (name, variables, listen) in [
        ("A1 no keys, every address", &[][..], "0.0.0.0"),
        ("A1 no keys, every address of IPv6", &[], "::"),
        ("A2 a comma", &[("LUKHAS_MCP_API_KEYS", ",")], "0.0.0.0"),
        ("A2 blanks and a comma", &[("LUKHAS_MCP_API_KEYS", " , ")], "0.0.0.0"),
        ("A2 a line end", &[("LUKHAS_MCP_API_KEYS", "\n")], "0.0.0.0"),
        ("A2 nothing", &[("LUKHAS_MCP_API_KEYS", "")], "0.0.0.0"),
        ("A14 a quote in a key", &[("LUKHAS_MCP_API_KEYS", quoted.as_str())], "127.0.0.1"),
        ("A14 a blank in a key", &[("LUKHAS_MCP_API_KEYS", spaced.as_str())], "127.0.0.1"),
    ] {
        let mut home = Home::new();
        for (variable, value) in variables {
            home = home.with(variable, value);
        }
        let ended = home.command(&["serve", "--port", "0", "--listen", listen]).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert_eq!(ended.status.code(), Some(3), "{name}: {said}");
        assert!(said.contains("API_KEYS") && !said.contains(KEY), "{name}: {said}");
    }
}

/// A call of `status` with these headers, and what it is answered with.
type Row<'a> = (&'a str, Vec<(&'a str, &'a str)>, u16);

#[tokio::test]
async fn a_key_is_valid_whole_or_not_at_all() {
    let mut target = Target::start().await;
    let bearer = |value: &str| format!("{value}{KEY}");
    let [lower, upper, two, tab] = ["bearer ", "BEARER ", "Bearer  ", "Bearer \t"].map(bearer);
    let [joined, basic] = ["Bearer", "Basic "].map(bearer);
    let trailing = format!("Bearer {KEY} \t");
    let (both, longer) = (format!("{KEY},{OTHER}"), format!("{KEY}x"));
    let (quoted, nested) = (format!("\"{KEY}\""), format!("Bearer {KEY}"));
    let (big, long) = (KEY.to_uppercase(), "x".repeat(100_000));
    let other = format!("Bearer {OTHER}");
    let rows: Vec<Row<'_>> = vec![
        ("A3 nothing", vec![], 401),
        ("A3 an empty X-API-Key", vec![("X-API-Key", "")], 401),
        ("A3 Bearer and nothing", vec![("Authorization", "Bearer ")], 401),
        ("A3 Bearer alone", vec![("Authorization", "Bearer")], 401),
        ("A3 an empty Authorization", vec![("Authorization", "")], 401),
        ("A4 X-API-Key", vec![("X-API-Key", KEY)], 200),
        ("A4 the other key", vec![("Authorization", &other)], 200),
        ("A4 bearer", vec![("Authorization", &lower)], 200),
        ("A4 BEARER", vec![("Authorization", &upper)], 200),
        ("A4 two blanks", vec![("Authorization", &two)], 200),
        ("A4 a blank and a tab", vec![("Authorization", &tab)], 200),
        ("A4 a blank and a tab at the end", vec![("Authorization", &trailing)], 200),
        ("A4 no blank", vec![("Authorization", &joined)], 401),
        ("A4 Basic", vec![("Authorization", &basic)], 401),
        ("A4 X-API-Key with a scheme", vec![("X-API-Key", &nested)], 401),
        (
            "A5 one key in one header, the other in the other",
            vec![("X-API-Key", KEY), ("Authorization", &other)],
            401,
        ),
        ("A5 a key and a wrong one", vec![("X-API-Key", "wrong"), ("Authorization", &upper)], 401),
        ("A5 the same key in both", vec![("X-API-Key", KEY), ("Authorization", &upper)], 200),
        ("A6 two keys", vec![("X-API-Key", KEY), ("X-API-Key", OTHER)], 400),
        ("A6 the same key twice", vec![("X-API-Key", KEY), ("X-API-Key", KEY)], 400),
        ("A6 two Authorizations", vec![("Authorization", &upper), ("Authorization", &lower)], 400),
        ("A7 a list of keys", vec![("X-API-Key", &both)], 401),
        ("A8 bytes beyond ASCII", vec![("X-API-Key", "schl\u{fc}ssel")], 401),
        (
            "A8 bytes beyond ASCII in Authorization",
            vec![("Authorization", "Bearer \u{1f511}")],
            401,
        ),
        ("A9 the beginning of a key", vec![("X-API-Key", &KEY[..KEY.len() - 1])], 401),
        ("A9 a key and more", vec![("X-API-Key", &longer)], 401),
        ("A9 a key in upper case", vec![("X-API-Key", &big)], 401),
        ("A9 a key in quotes", vec![("X-API-Key", &quoted)], 401),
        ("A9 100 kB", vec![("X-API-Key", &long)], 401),
    ];
    for (name, headers, status) in rows {
        let mut all = vec![("Content-Type", "application/json")];
        all.extend(headers);
        let answer = target.send(&request("POST", "/mcp", &all, PING)).unwrap();
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        if status == 401 {
            assert_eq!(answer.header("www-authenticate"), Some("Bearer"), "{name}");
            let refused = json!({ "jsonrpc": "2.0", "id": null, "error": { "code": -32000, "message": "Unauthorized" } });
            assert_eq!(answer.json(), refused, "{name}");
        }
        target.tells_nothing(name, &answer);
        target.is_well_after(name);
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_key_in_the_query_opens_the_event_stream_and_nothing_else() {
    let mut target = Target::start().await;
    let escaped = KEY.replace('-', "%2d");
    let twice = KEY.replace('-', "%252d");
    for (name, method, path, status) in [
        ("A11 on /sse", "GET", format!("/sse?topic=jobs&key={KEY}"), 200),
        ("A11 on /mcp", "POST", format!("/mcp?key={KEY}"), 401),
        ("A11 on the idle stream", "GET", format!("/mcp?key={KEY}"), 401),
        ("A11 on /metrics", "GET", format!("/metrics?key={KEY}"), 401),
        ("A11 on a POST to /sse", "POST", format!("/sse?topic=jobs&key={KEY}"), 401),
        ("A11 on a path like it", "GET", format!("/sse/?topic=jobs&key={KEY}"), 401),
        ("A12 twice", "GET", format!("/sse?topic=jobs&key={KEY}&key={OTHER}"), 400),
        ("A12 escaped", "GET", format!("/sse?topic=jobs&key={escaped}"), 200),
        ("A12 escaped twice", "GET", format!("/sse?topic=jobs&key={twice}"), 401),
        ("A12 KEY", "GET", format!("/sse?topic=jobs&KEY={KEY}"), 401),
        ("A12 an escaped name", "GET", format!("/sse?topic=jobs&k%65y={KEY}"), 401),
        ("A12 nothing", "GET", "/sse?topic=jobs&key=".to_owned(), 401),
        ("A12 a list", "GET", format!("/sse?topic=jobs&key={KEY},{OTHER}"), 401),
    ] {
        let mut wire = target.connect();
        let body = if method == "POST" { PING } else { b"" };
        wire.send(&request(method, &path, &[("Content-Type", "application/json")], body));
        let answer = wire.head().unwrap();
        assert_eq!(answer.status, status, "{name}");
        target.tells_nothing(name, &answer);
        target.is_well_after(name);
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn the_keys_are_those_of_the_last_start() {
    let home = Home::new();
    let restarted = |home: Home, keys: &str| home.with("LUKHAS_MCP_API_KEYS", keys);
    let asks = async |home: &Home, expected: [(&str, u16); 2]| {
        let mut daemon = home.start().await;
        for (key, status) in expected {
            let answer = daemon.post(PING_TEXT).header("X-API-Key", key).send().await.unwrap();
            assert_eq!(answer.status(), status, "A13");
        }
        assert_eq!(daemon.terminate().await.code(), Some(0));
    };
    let home = restarted(home, KEY);
    asks(&home, [(KEY, 200), (OTHER, 401)]).await;
    let home = restarted(home, &format!("{KEY}, {OTHER}"));
    asks(&home, [(KEY, 200), (OTHER, 200)]).await;
    let home = restarted(home, OTHER);
    asks(&home, [(KEY, 401), (OTHER, 200)]).await;
}

#[tokio::test]
async fn health_needs_no_key_and_metrics_do() {
    let mut target = Target::start().await;
    for (path, status) in [("/healthz", 200), ("/readyz", 200), ("/metrics", 401)] {
        for method in ["GET", "HEAD"] {
            let mut wire = target.connect();
            wire.send(&request(method, path, &[("Connection", "close")], b""));
            let answer = wire.head().unwrap();
            // Only GET is a method of the metrics, but without a key nobody learns that.
            assert_eq!(answer.status, status, "A15 {method} {path}");
            let has_body = !wire.rest().is_empty();
            assert_eq!(has_body, method == "GET", "A15 {method} {path}");
        }
        target.is_well_after(path);
    }
    let metrics = target.send(&request("GET", "/metrics", &[("X-API-Key", KEY)], b"")).unwrap();
    assert_eq!(metrics.status, 200, "A15");
    target.tells_nothing("A15 /metrics", &metrics);
    target.leaks_nothing().await;
}

#[tokio::test]
async fn no_spelling_of_a_path_is_a_way_around_the_key() {
    let target = Target::start().await;
    let mut paths: Vec<String> = vec!["/nothing".into(), "//".into(), "/.".into(), "/%2e".into()];
    for path in every_path() {
        let name = path.trim_start_matches('/');
        paths.extend([
            path.to_owned(),
            format!("{path}/"),
            format!("/{path}"),
            format!("//{name}"),
            format!("/./{name}"),
            format!("/healthz/../{name}"),
            format!("/healthz/..%2f{name}"),
            format!("/healthz;/{name}"),
            format!("/.well-known/../{name}"),
            format!("/.well-known/..%2f{name}"),
            format!("/.well-known/%2e%2e/{name}"),
            format!("/%2e/{name}"),
            format!("{path}%00"),
            format!("{path}%20"),
            format!("{path};a=b"),
            format!("{path}.json"),
            path.to_uppercase(),
            path.replace('m', "%6d").replace('s', "%73"),
            format!("{path}?x=/healthz"),
            format!("{path}#/healthz"),
        ]);
    }
    let methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"];
    let mut wire = target.connect();
    let mut rows = 0;
    for path in &paths {
        for method in methods {
            let name = format!("A16 {method} {path}");
            let headers = [
                ("X-HTTP-Method-Override", "GET"),
                ("X-Original-URL", "/healthz"),
                ("X-Rewrite-URL", "/healthz"),
                ("Content-Type", "application/json"),
                ("Accept", "text/event-stream, application/json"),
            ];
            let body = if method == "POST" { PING } else { b"" };
            let bytes = request(method, path, &headers, body);
            let answer = if method == "HEAD" { wire.ask_head(&bytes) } else { wire.ask(&bytes) };
            if (200..300).contains(&answer.status) {
                let plain = path.split(['?', '#']).next().unwrap();
                let public = ROUTES.iter().any(|route| {
                    let is_public = format!("{:?}", route.access) == "Public";
                    is_public && route.path == plain && route.allow.contains(method)
                });
                assert!(public, "{name}: {} {}", answer.status, answer.text());
            } else {
                assert!(
                    [400, 401, 403, 404, 405].contains(&answer.status),
                    "{name}: {}",
                    answer.status
                );
            }
            target.tells_nothing(&name, &answer);
            rows += 1;
        }
    }
    assert_eq!(rows, paths.len() * methods.len(), "A16");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn what_nobody_serves_needs_a_key_and_oauth_is_told_at_once() {
    let target = Target::start().await;
    for path in
        ["/.well-known/oauth-protected-resource", "/.well-known/oauth-authorization-server/mcp"]
    {
        let answer = target.send(&request("GET", path, &[], b"")).unwrap();
        assert_eq!(
            (answer.status, &answer.json()["mcp_endpoint"]),
            (404, &json!("/mcp")),
            "{path}"
        );
    }
    for (path, headers, status) in [
        ("/oauth/token", &[][..], 401),
        ("/oauth/token", &[("X-API-Key", KEY)], 404),
        ("/oauth/authorize", &[], 401),
        ("/register", &[], 401),
        ("/register", &[("X-API-Key", KEY)], 404),
        ("/cockpit.html.bak", &[], 401),
    ] {
        let answer = target.send(&request("GET", path, headers, b"")).unwrap();
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.json().is_object(), "{path}");
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn keys_and_control_characters_reach_no_log_and_no_table() {
    let mut target = Target::start().await;
    let agent = "curl\u{1b}[31mred\u{9b}\u{7f}\"}{\\";
    for (name, bytes) in [
        (
            "K2 in the query",
            request("GET", &format!("/sse?topic=x&key={KEY}&KEY={KEY}&x={KEY}&{KEY}"), &[], b""),
        ),
        ("K2 in the fragment", request("GET", &format!("/sse?topic=x#key={KEY}"), &[], b"")),
        (
            "K2 in a header nobody reads",
            request("GET", "/healthz", &[("X-Key", KEY), ("Cookie", KEY)], b""),
        ),
        (
            "K2 in the referrer",
            request("GET", "/healthz", &[("Referer", &format!("http://x/?key={KEY}"))], b""),
        ),
        (
            "K2 in the wrong scheme",
            request("GET", "/metrics", &[("Authorization", &format!("Basic {KEY}"))], b""),
        ),
        (
            "K2 in Last-Event-ID",
            request("GET", &format!("/sse?topic=jobs&key={KEY}"), &[("Last-Event-ID", KEY)], b""),
        ),
        ("K5 in the user agent", request("GET", "/healthz", &[("User-Agent", agent)], b"")),
        ("K5 in the request id", request("GET", "/healthz", &[("X-Request-Id", "a\tb{\"}")], b"")),
        ("K5 in the path", request("GET", "/%0d%0a%1b%5b31m%22%7d", &[], b"")),
    ] {
        let answer = target.send(&bytes);
        assert!(answer.is_some(), "{name}");
        target.is_well_after(name);
    }
    for (name, body) in [
        ("K5 in a method", call(1, "x", &json!({})).replace("tools/call", "a\\u001b[31m\\r\\nb")),
        ("K5 in a tool's name", call(1, "a\u{1b}[31m\r\nb", &json!({}))),
        ("K5 in an id", call(1, "why", &json!({ "id": "job_\u{1b}[31m\r\n" }))),
        (
            "K5 in a key that repeats",
            call(
                1,
                "run_eval",
                &json!({ "taskId": "quick", "configId": "default", "dryRun": true, "idempotencyKey": "a\r\n\u{1b}[31m" }),
            ),
        ),
    ] {
        let answer = target.post(body);
        assert!(answer.status == 200 && !answer.body.contains(&0x1b), "{name}: {}", answer.text());
        target.is_well_after(name);
    }
    for line in target.daemon.log() {
        assert!(!line.contains(['\u{1b}', '\r', '\u{9b}', '\u{7f}']), "K5 {line:?}");
    }
    target.leaks_nothing().await;
}
