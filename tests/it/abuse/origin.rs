//! O1 to O14: pages that would talk to the daemon through somebody's browser.

use serde_json::json;

use lukhas_mcp::http::ROUTES;

use crate::abuse::wire::{Answer, raw};
use crate::abuse::{KEY, OTHER, Target, call, every_path, everything_on};

/// Headers of a request, and whether it is let in.
type Row = (&'static str, Vec<(&'static str, String)>, bool);

fn row(name: &'static str, headers: &[(&'static str, &str)], is_let_in: bool) -> Row {
    let headers = headers.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    (name, headers, is_let_in)
}

fn send(target: &Target, line: &str, headers: &[(&str, String)], body: &str) -> Option<Answer> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let mut wire = target.connect();
    wire.send(&raw(line, &headers, body.as_bytes()));
    wire.head()
}

/// What a plain GET of a path is answered that was let in, or a POST where the path has one here.
fn let_in(path: &str) -> u16 {
    match path {
        "/nothing" | "/documents/adder:3" | "/api/report/adder:3" | "/v1/models/groq" => 404,
        // Nothing was asked for, and a GET is no WebSocket.
        "/oauth/authorize" | "/ws/chat" => 400,
        "/oauth/token" | "/oauth/register" | "/oauth/revoke" | "/v1/chat/completions" => 405,
        _ => 200,
    }
}

/// What pages of any origin may read, from a host of ours.
const FOR_EVERY_PAGE: &str = "/mcp/server-card";

/// Every row on every route: a check that one route forgot is no check.
async fn check(rows: Vec<Row>) {
    let mut target = Target::start_in(everything_on()).await;
    let body =
        call(1, "run_eval", &json!({ "taskId": "quick", "configId": "default", "dryRun": true }));
    let paths: Vec<&str> = every_path().chain(["/nothing"]).collect();
    for (name, headers, is_let_in) in rows {
        for path in &paths {
            let body = match *path {
                "/mcp" => body.as_str(),
                "/sse/ticket" => "{}",
                _ => "",
            };
            let mut all = headers.clone();
            all.push(("X-API-Key", KEY.to_owned()));
            let line = if !body.is_empty() {
                all.push(("Content-Length", body.len().to_string()));
                if !headers.iter().any(|(name, _)| *name == "Content-Type") {
                    all.push(("Content-Type", "application/json".to_owned()));
                }
                format!("POST {path} HTTP/1.1")
            } else if *path == "/sse" {
                "GET /sse?topic=jobs HTTP/1.1".to_owned()
            } else {
                format!("GET {path} HTTP/1.1")
            };
            let name = format!("{name} on {path}");
            let answer = send(&target, &line, &all, body).unwrap();
            let is_ours = headers.iter().any(|one| *one == ("Host", "localhost:8766".to_owned()));
            let is_for_all = *path == FOR_EVERY_PAGE && (is_let_in || is_ours);
            let is_let_in = is_let_in || is_for_all;
            let expected = if is_let_in { let_in(path) } else { 403 };
            assert_eq!(answer.status, expected, "{name}");
            // Only a page that was let in may read what it is told.
            let origin = headers.iter().find(|(name, _)| is_let_in && *name == "Origin");
            let readable = answer.header("access-control-allow-origin");
            let expected = origin.map(|(_, value)| value.as_str());
            assert_eq!(readable, if is_for_all { Some("*") } else { expected }, "{name}");
            target.tells_nothing(&name, &answer);
        }
        let jobs = target.jobs().await;
        assert!(is_let_in || jobs == 0, "{name}: it was done");
        target.is_well_after(name);
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn foreign_pages_get_nothing_from_any_route() {
    let local = ("Host", "localhost:8766");
    let forged = |origin| [local, ("Origin", origin)];
    let mut rows = vec![
        row(
            "O1 a rebound page",
            &[("Host", "evil.example"), ("Origin", "http://evil.example")],
            false,
        ),
        row("O1 a rebound page without Origin", &[("Host", "evil.example")], false),
        row(
            "O2 X-Forwarded-Host",
            &[("Host", "evil.example"), ("X-Forwarded-Host", "localhost")],
            false,
        ),
        row("O2 Forwarded", &[("Host", "evil.example"), ("Forwarded", "host=localhost")], false),
        row(
            "O2 X-Forwarded-Server",
            &[("Host", "evil.example"), ("X-Forwarded-Server", "localhost")],
            false,
        ),
        row("O3 a foreign page", &forged("http://evil.example"), false),
        row("O4 a page of no origin", &forged("null"), false),
        row("O4 an empty Origin", &forged(""), false),
        row(
            "O4 two Origins",
            &[local, ("Origin", "http://localhost:8766"), ("Origin", "http://evil.example")],
            false,
        ),
        row(
            "O5 a request without preflight",
            &[
                local,
                ("Origin", "http://evil.example"),
                ("Content-Type", "text/plain"),
                ("Sec-Fetch-Mode", "no-cors"),
            ],
            false,
        ),
        row(
            "O6 a form",
            &[
                local,
                ("Origin", "http://evil.example"),
                ("Content-Type", "application/x-www-form-urlencoded"),
            ],
            false,
        ),
        row(
            "O6 a beacon",
            &[
                local,
                ("Origin", "null"),
                ("Content-Type", "text/plain;charset=UTF-8"),
                ("Sec-Fetch-Site", "cross-site"),
            ],
            false,
        ),
        row(
            "O7 another site",
            &[local, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")],
            false,
        ),
        row(
            "O7 another page of the site",
            &[local, ("Sec-Fetch-Site", "same-site"), ("Sec-Fetch-Mode", "cors")],
            false,
        ),
        row(
            "O13 an image",
            &[
                local,
                ("Sec-Fetch-Site", "cross-site"),
                ("Sec-Fetch-Dest", "image"),
                ("Sec-Fetch-Mode", "no-cors"),
            ],
            false,
        ),
    ];
    for (name, origin) in [
        ("O8 our name below another", "http://localhost.evil.example"),
        ("O8 our name as a user", "http://localhost:8766@evil.example"),
        ("O8 our address below another", "http://127.0.0.1.nip.io:8766"),
        ("O8 a dot at the end", "http://localhost.:8766"),
        ("O8 another port", "http://localhost:8767"),
        ("O8 no port", "http://localhost"),
        ("O8 another of our names", "http://127.0.0.1:8766"),
        ("O8 another scheme", "ftp://localhost:8766"),
        ("O8 a path", "http://localhost:8766/"),
        ("O8 the public name without TLS", "http://mcp.example"),
        ("O8 below the public name", "https://evil.mcp.example"),
        ("O8 beside the public name", "https://mcp.example.evil"),
        ("O8 the public name on another port", "https://mcp.example:444"),
        ("O8 an extension", "chrome-extension://abcdefghijklmnop"),
        ("O8 a file", "file://"),
    ] {
        rows.push(row(name, &forged(origin), false));
    }
    check(rows).await;
}

#[tokio::test]
async fn foreign_hosts_get_nothing_from_any_route() {
    let mut rows = Vec::new();
    for (name, host) in [
        ("O8 a Host below ours", "localhost.evil.example"),
        ("O8 a Host with a dot at the end", "localhost."),
        ("O8 a Host like our address", "127.0.0.1.nip.io"),
        ("O8 a Host with a user", "localhost:8766@evil.example"),
        ("O8 a Host with no port", "localhost:"),
        ("O8 an empty Host", ""),
        ("O8 another address", "192.168.0.1:8766"),
        ("O8 an address in another form", "2130706433"),
        ("O8 every address", "0.0.0.0:8766"),
        ("O8 two Hosts in one", "localhost, evil.example"),
    ] {
        rows.push(row(name, &[("Host", host)], false));
    }
    check(rows).await;
}

#[tokio::test]
async fn our_own_names_and_pages_are_let_in() {
    let mut rows: Vec<Row> = [
        "localhost:8766",
        "127.0.0.1:8766",
        "[::1]:8766",
        "LocalHost",
        "mcp.example",
        "mcp.example:443",
    ]
    .into_iter()
    .map(|host| row("O9 one of our names", &[("Host", host)], true))
    .collect();
    let local = ("Host", "localhost:8766");
    rows.extend([
        row(
            "O9 a page of our own",
            &[local, ("Origin", "http://localhost:8766"), ("Sec-Fetch-Site", "same-origin")],
            true,
        ),
        row(
            "O9 a page of our own behind a proxy",
            &[("Host", "mcp.example"), ("Origin", "https://mcp.example")],
            true,
        ),
        row(
            "O8 a scheme in upper case is no browser's",
            &[local, ("Origin", "HTTP://localhost:8766")],
            false,
        ),
        row("O12 no page at all", &[local], true),
        row(
            "O12 the address bar",
            &[local, ("Sec-Fetch-Site", "none"), ("Sec-Fetch-Mode", "navigate")],
            true,
        ),
    ]);
    // A refusal must come first, because what is let in is done.
    rows.sort_by_key(|(_, _, is_let_in)| *is_let_in);
    check(rows).await;
}

#[tokio::test]
async fn preflights_open_the_routes_to_our_own_pages_alone() {
    let mut target = Target::start_in(everything_on()).await;
    let routes = ROUTES.iter().map(|route| (route.path, Some(route.allow)));
    for (path, allow) in routes.chain([("/nothing", None), ("/mcp/", None)]) {
        for (name, origin, is_ours) in [
            ("O10 foreign", "http://evil.example", false),
            ("O10 of no origin", "null", false),
            ("O11 of our own", "http://localhost:8766", true),
            ("O11 of the public name", "https://mcp.example", true),
        ] {
            let headers = [
                ("Host", "localhost:8766".to_owned()),
                ("Origin", origin.to_owned()),
                ("Access-Control-Request-Method", "POST".to_owned()),
                ("Access-Control-Request-Headers", "x-api-key, content-type".to_owned()),
            ];
            let name = format!("{name} on {path}");
            let answer = send(&target, &format!("OPTIONS {path} HTTP/1.1"), &headers, "").unwrap();
            let status = match (is_ours, allow) {
                (false, _) => 403,
                (true, None) => 404,
                (true, Some(_)) => 204,
            };
            assert_eq!(answer.status, status, "{name}");
            let echo = is_ours.then_some(origin);
            assert_eq!(answer.header("access-control-allow-origin"), echo, "{name}");
            assert_eq!(answer.header("vary"), is_ours.then_some("Origin"), "{name}");
            let methods = allow.filter(|_| is_ours);
            assert_eq!(answer.header("access-control-allow-methods"), methods, "{name}");
            assert_eq!(answer.header("access-control-allow-credentials"), None, "{name}");
            target.tells_nothing(&name, &answer);
        }
        target.is_well_after(path);
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn every_answer_forbids_its_use_by_other_pages() {
    let target = Target::start_in(everything_on()).await;
    let paths = ROUTES.iter().map(|route| route.path).chain(["/nothing", "/sse?topic=jobs"]);
    for path in paths {
        for key in [KEY, OTHER, "wrong"] {
            let headers = [("Host", "localhost".to_owned()), ("X-API-Key", key.to_owned())];
            let answer = send(&target, &format!("GET {path} HTTP/1.1"), &headers, "").unwrap();
            let name = format!("O13 {path} {}", answer.status);
            assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{name}");
            assert_eq!(
                answer.header("cross-origin-resource-policy"),
                Some("same-origin"),
                "{name}"
            );
            let referrer = if path == "/oauth/authorize" { "same-origin" } else { "no-referrer" };
            assert_eq!(answer.header("referrer-policy"), Some(referrer), "{name}");
            assert!(answer.header("cache-control").is_some(), "{name}");
            assert!(answer.header("x-request-id").is_some(), "{name}");
        }
    }
    // Looking changes nothing.
    assert_eq!(target.jobs().await, 0, "O13");
    target.leaks_nothing().await;
}
