//! H1 to H4, H18 to H21, H24, H26, H28, H29 and H32: HTTP that is wrong, too much, or in pieces.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::abuse::wire::{Wire, raw, request};
use crate::abuse::{KEY, Target, call};

const PING: &[u8] = br#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

/// A POST that is well-formed but for these headers, which come first, and its body.
fn post(headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut all = vec![("Host", "localhost")];
    all.extend(headers);
    all.extend([("Content-Type", "application/json"), ("X-API-Key", KEY)]);
    raw("POST /mcp HTTP/1.1", &all, body)
}

#[tokio::test]
async fn a_body_may_have_4_mib_and_no_more() {
    let mut target = Target::start().await;
    let mut row = |name: &str, bytes: &[u8], status| {
        let mut wire = target.connect();
        wire.send(bytes);
        let answer = wire.answer().unwrap_or_else(|| panic!("{name}: no answer"));
        assert_eq!(answer.status, status, "{name}: {}", answer.text());
        target.tells_nothing(name, &answer);
        target.is_well_after(name);
    };
    row("H1 a length of 4 MiB and 1", &post(&[("Content-Length", "4194305")], b""), 413);
    let to_read = request("GET", "/healthz", &[("Content-Length", "4194305")], b"");
    row("H1 a length of 4 MiB and 1 to read", &to_read, 413);
    let longest = "18446744073709551615";
    row("H1 a length beyond everything", &post(&[("Content-Length", longest)], b""), 413);
    let mut full = vec![b' '; (4 << 20) - PING.len()];
    full.extend_from_slice(PING);
    row("H1 a length of 4 MiB", &post(&[("Content-Length", "4194304")], &full), 200);
    let chunk = [b"10000\r\n".as_slice(), &b" ".repeat(0x1_0000), b"\r\n"].concat();
    let growing = [chunk.repeat(64).as_slice(), b"1\r\n \r\n"].concat();
    row("H2 chunks of 4 MiB and 1", &post(&[("Transfer-Encoding", "chunked")], &growing), 413);
    let bomb = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];
    for encoding in ["gzip", "deflate", "br", "zstd", "x", "gzip, identity"] {
        let headers = [("Content-Encoding", encoding), ("Content-Length", "10")];
        row(&format!("H4 {encoding}"), &post(&headers, &bomb), 415);
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn what_stalls_is_ended() {
    let mut target = Target::start().await;
    let began = Instant::now();
    let open = |bytes: &[u8]| {
        let mut wire = target.connect();
        wire.send(bytes);
        wire
    };
    let length = [("Content-Length", "40")];
    let chunked = [("Transfer-Encoding", "chunked")];
    let rows = [
        ("H3 a body that stalls", open(&post(&length, b"{\"j"))),
        ("H3 a body that never comes", open(&post(&length, b""))),
        ("H3 a chunk that stalls", open(&post(&chunked, b"28\r\n{\"j"))),
        ("H3 a head that stalls", open(b"POST /mcp HTTP/1.1\r\nHost: local")),
    ];
    for (name, mut wire) in rows {
        assert_eq!(wire.answer().map(|answer| answer.status), Some(408), "{name}");
        assert!(began.elapsed() < Duration::from_secs(13), "{name}: {:?}", began.elapsed());
        target.is_well_after(name);
    }
    target.leaks_nothing().await;
}

/// What must not be read as a request, or as two.
fn smuggled() -> Vec<(&'static str, Vec<u8>)> {
    let lengths =
        |one: &str, other: &str| post(&[("Content-Length", one), ("Content-Length", other)], PING);
    let length = |text: &str| post(&[("Content-Length", text)], PING);
    let encoding = |text: &str| post(&[("Transfer-Encoding", text)], b"0\r\n\r\n");
    let head = |extra: &[u8]| {
        [b"POST /mcp HTTP/1.1\r\nHost: localhost\r\n", extra, b"\r\n\r\n", PING].concat()
    };
    let chunked = |body: &[u8]| post(&[("Transfer-Encoding", "chunked")], body);
    vec![
        (
            "H18 a length and chunks",
            post(&[("Content-Length", "4"), ("Transfer-Encoding", "chunked")], b"0\r\n\r\n"),
        ),
        ("H18 two lengths", lengths("40", "41")),
        ("H18 the same length twice", lengths("40", "40")),
        ("H18 a list of lengths", length("40, 40")),
        ("H18 +40", length("+40")),
        ("H18 -1", length("-1")),
        ("H18 0x28", length("0x28")),
        ("H18 23 digits", length("99999999999999999999999")),
        ("H18 xchunked", encoding("xchunked")),
        ("H18 chunked, identity", encoding("chunked, identity")),
        ("H18 identity", encoding("identity")),
        (
            "H18 chunked twice",
            post(
                &[("Transfer-Encoding", "chunked"), ("Transfer-Encoding", "chunked")],
                b"0\r\n\r\n",
            ),
        ),
        (
            "H18 chunked in HTTP/1.0",
            raw(
                "POST /mcp HTTP/1.0",
                &[("Host", "localhost"), ("Transfer-Encoding", "chunked")],
                b"0\r\n\r\n",
            ),
        ),
        ("H18 a chunk that ends with LF alone", chunked(b"1\n{\n0\n\n")),
        ("H18 a chunk beyond all sizes", chunked(b"fffffffffffffffff\r\n{")),
        ("H18 a chunk of size -1", chunked(b"-1\r\n{\r\n0\r\n\r\n")),
        ("H18 a space before the colon", head(b"Content-Length : 40")),
        ("H18 a folded header", head(b"X-A: a\r\n b: c")),
        ("H18 a NUL in a header", head(b"X-A: a\0b")),
        ("H18 a header without a name", head(b": a")),
        ("H18 no host", raw("POST /mcp HTTP/1.1", &[("Content-Length", "40")], PING)),
        ("H18 two hosts", post(&[("Host", "localhost"), ("Content-Length", "40")], PING)),
    ]
}

#[tokio::test]
async fn framing_that_can_be_read_in_two_ways_is_refused() {
    let mut target = Target::start().await;
    for (name, bytes) in smuggled() {
        let mut wire = target.connect();
        wire.send(&bytes);
        wire.finish();
        let answer = wire.answer().unwrap_or_else(|| panic!("{name}: no answer"));
        // No host, or two, is a matter of who is meant.
        let expected: &[u16] =
            if name.ends_with("host") || name.ends_with("hosts") { &[400, 403] } else { &[400] };
        assert!(expected.contains(&answer.status), "{name}: {} {}", answer.status, answer.text());
        target.tells_nothing(name, &answer);
        // Nothing of it was read as a second request that would be answered.
        let rest = String::from_utf8_lossy(&wire.rest()).into_owned();
        assert!(!rest.contains(" 200 "), "{name}: {rest}");
        target.is_well_after(name);
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn odd_framing_that_is_allowed_does_no_harm() {
    let mut target = Target::start().await;
    let chunked = [("Transfer-Encoding", "chunked")];
    let body = String::from_utf8_lossy(PING);
    let extended = format!("28;a=b\r\n{body}\r\n0\r\n\r\n");
    let answer = target.send(&post(&chunked, extended.as_bytes())).unwrap();
    assert!([200, 400].contains(&answer.status), "H18 a chunk extension: {}", answer.status);
    target.is_well_after("H18 a chunk extension");

    // A key in a trailer is no key.
    let trailed = format!("28\r\n{body}\r\n0\r\nX-API-Key: {KEY}\r\n\r\n");
    let headers = [("Host", "localhost"), ("Content-Type", "application/json"), chunked[0]];
    let answer = target.send(&raw("POST /mcp HTTP/1.1", &headers, trailed.as_bytes())).unwrap();
    assert_eq!(answer.status, 401, "H18 a trailer");
    target.is_well_after("H18 a trailer");

    let bare = format!(
        "POST /mcp HTTP/1.1\nHost: localhost\nX-API-Key: {KEY}\nContent-Type: application/json\n\
         Content-Length: 40\n\n{body}"
    );
    let answer = target.send(bare.as_bytes()).unwrap();
    assert!([200, 400].contains(&answer.status), "H18 bare LF: {}", answer.status);
    target.is_well_after("H18 bare LF");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_request_line_for_somebody_else_is_refused() {
    let mut target = Target::start().await;
    for (line, expected) in [
        ("GET http://evil.example/mcp HTTP/1.1", &[403][..]),
        ("GET http://evil.example/healthz HTTP/1.1", &[403]),
        ("GET http://localhost/healthz HTTP/1.1", &[200]),
        ("CONNECT evil.example:443 HTTP/1.1", &[403, 404, 405]),
        ("OPTIONS * HTTP/1.1", &[400, 401, 404, 405]),
    ] {
        let answer = target.send(&raw(line, &[("Host", "localhost"), ("X-API-Key", KEY)], b""));
        let answer = answer.unwrap_or_else(|| panic!("H19 {line}: no answer"));
        assert!(expected.contains(&answer.status), "H19 {line}: {}", answer.status);
        target.tells_nothing(line, &answer);
        target.is_well_after(line);
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn heads_are_bounded() {
    let mut target = Target::start().await;
    let names: Vec<String> = (0..200).map(|n| format!("X-{n}")).collect();
    let many: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "1")).collect();
    let large = "x".repeat(200 * 1024);
    let line = format!("/{}", "x".repeat(200 * 1024));
    for (name, bytes) in [
        ("H20 200 headers", request("GET", "/healthz", &many, b"")),
        ("H20 a header of 200 KiB", request("GET", "/healthz", &[("X-A", &large)], b"")),
        ("H20 a path of 200 KiB", request("GET", &line, &[], b"")),
        ("A9 a key of 1 MB", request("GET", "/metrics", &[("X-API-Key", &large.repeat(5))], b"")),
    ] {
        let status = target.send(&bytes).map(|answer| answer.status);
        assert!(matches!(status, Some(400 | 414 | 431)), "{name}: {status:?}");
        target.is_well_after(name);
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn other_protocols_get_no_further() {
    let mut target = Target::start().await;
    let hello = b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03".repeat(20);
    let upgrade = [
        ("Connection", "Upgrade, HTTP2-Settings"),
        ("Upgrade", "h2c"),
        ("HTTP2-Settings", "AAMAAABk"),
    ];
    for (name, bytes) in [
        ("H21 h2c", request("GET", "/mcp", &upgrade, b"")),
        ("H21 the preface of HTTP/2", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
        ("H21 a TLS hello", hello),
        ("H21 a method in lower case", request("get", "/mcp", &[], b"")),
        ("H21 a method nobody knows", request("FROB", "/mcp", &[], b"")),
        ("H21 HTTP/0.9", b"GET /mcp\r\n\r\n".to_vec()),
        ("H21 HTTP/3.7", raw("GET /mcp HTTP/3.7", &[("Host", "localhost")], b"")),
        ("H21 blank lines", b"\r\n\r\n\r\n\r\n".to_vec()),
    ] {
        let mut wire = target.connect();
        wire.send(&bytes);
        wire.finish();
        let status = wire.answer().map(|answer| answer.status);
        assert!(status.is_none_or(|status| (400..500).contains(&status)), "{name}: {status:?}");
        target.is_well_after(name);
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn only_json_is_taken() {
    let mut target = Target::start().await;
    let body = call(1, "run_eval", &json!({ "taskId": "quick", "configId": "default" }));
    let key = ("X-API-Key", KEY);
    for kind in [
        "",
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/jsonx",
        "application/json-rpc",
        "text/plain; application/json",
        "application",
    ] {
        let answer = target
            .send(&request("POST", "/mcp", &[key, ("Content-Type", kind)], body.as_bytes()))
            .unwrap();
        assert_eq!(answer.status, 415, "H24 {kind}");
        target.tells_nothing(kind, &answer);
        target.is_well_after(kind);
    }
    let answer = target.send(&request("POST", "/mcp", &[key], body.as_bytes())).unwrap();
    assert_eq!(answer.status, 415, "H24 none");
    assert_eq!(target.jobs().await, 0, "H24");
    for kind in ["application/json", "Application/JSON; charset=utf-8", "application/json ;x=y"] {
        let headers = [key, ("Content-Type", kind)];
        let answer = target.send(&request("POST", "/mcp", &headers, PING)).unwrap();
        assert_eq!(answer.status, 200, "H24 {kind}");
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_client_that_leaves_leaves_nothing_half_done() {
    let target = Target::start().await;
    let arguments = json!({ "taskId": "quick", "configId": "default", "dryRun": true });
    let body = call(1, "run_eval", &arguments);
    let headers = [("X-API-Key", KEY), ("Content-Type", "application/json")];
    for n in 0..40 {
        let mut wire = target.connect();
        wire.send(&request("POST", "/mcp", &headers, body.as_bytes()));
        // Some are gone at once, and some a little later.
        tokio::time::sleep(Duration::from_micros(n * 50)).await;
    }
    // What comes after them in the queue of writes sees all that was done of them.
    target.daemon.ask("run_eval", arguments).await;
    let listed = target.daemon.ask("list_jobs", json!({ "limit": 100 })).await;
    for job in listed["jobs"].as_array().unwrap() {
        let why = target.daemon.ask("why", json!({ "id": job["jobId"] })).await;
        assert_eq!(why["facts"][0]["action"], "run_eval", "H26 {job}");
    }
    target.leaks_nothing().await;
}

#[tokio::test]
async fn the_same_id_may_be_in_flight_twice() {
    let target = Target::start().await;
    let initialize = br#"{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"a","version":"1"}}}"#;
    let headers = [("X-API-Key", KEY), ("Content-Type", "application/json")];
    let both = request("POST", "/mcp", &headers, initialize);
    let (mut one, mut other) = (target.connect(), target.connect());
    // Two on one connection, and one on another.
    one.send(&both.repeat(2));
    other.send(&both);
    for (name, wire) in [("first", &mut one), ("other", &mut other)] {
        let answer = wire.answer().unwrap().json();
        assert_eq!(answer["result"]["protocolVersion"], "2025-06-18", "H28 {name}: {answer}");
    }
    assert_eq!(one.answer().unwrap().json()["id"], 1, "H28 second");
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_hundred_clients_with_the_same_id_get_their_own_answers() {
    let target = Target::start().await;
    let mut wires: Vec<Wire> = (0..100).map(|_| target.connect()).collect();
    let headers = [("X-API-Key", KEY), ("Content-Type", "application/json")];
    let mut crossed = 0;
    for round in 0..100 {
        let mark = |n: usize| format!("c{n}-r{round}-");
        for (n, wire) in wires.iter_mut().enumerate() {
            // One in ten goes through the database.
            let body = if (n + round) % 10 == 0 {
                call(0, "why", &json!({ "id": mark(n) }))
            } else {
                json!({ "jsonrpc": "2.0", "id": 0, "method": mark(n) }).to_string()
            };
            wire.send(&request("POST", "/mcp", &headers, body.as_bytes()));
        }
        for (n, wire) in wires.iter_mut().enumerate() {
            let answer = wire.answer().unwrap();
            assert_eq!(answer.status, 200, "H29: {}", answer.text());
            crossed += usize::from(!answer.text().contains(&mark(n)));
        }
    }
    assert_eq!(crossed, 0, "H29");
    drop(wires);
    target.leaks_nothing().await;
}

#[tokio::test]
async fn a_pipeline_is_answered_in_order_and_a_body_is_no_request() {
    let mut target = Target::start().await;
    let mut wire = target.connect();
    let mut sent = Vec::new();
    for n in 0..1000 {
        sent.extend(request("GET", "/healthz", &[("X-Request-Id", &format!("r{n}"))], b""));
    }
    wire.send(&sent);
    for n in 0..1000 {
        let answer = wire.answer().unwrap_or_else(|| panic!("H32 no answer {n}"));
        let expected = (200, Some(format!("r{n}")));
        assert_eq!((answer.status, answer.header("x-request-id").map(str::to_owned)), expected);
    }
    target.is_well_after("H32 1,000 GETs");

    let hidden = request("GET", "/metrics", &[("X-API-Key", KEY), ("X-Request-Id", "hidden")], b"");
    let mut wire = target.connect();
    wire.send(&request("GET", "/healthz", &[("X-Request-Id", "first")], &hidden));
    wire.send(&request(
        "GET",
        "/healthz",
        &[("X-Request-Id", "second"), ("Connection", "close")],
        b"",
    ));
    let rest = String::from_utf8_lossy(&wire.rest()).into_owned();
    assert!(rest.contains("x-request-id: first"), "H32 {rest}");
    assert!(!rest.contains("hidden"), "H32 a body was read as a request: {rest}");
    target.is_well_after("H32 a GET with a body");
    target.leaks_nothing().await;
}
