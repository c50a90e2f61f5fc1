//! Metrics servers that are slow, lying or hostile: no answer of theirs becomes a number.

use std::time::{Duration, Instant};

use lukhas_mcp::adapters::metrics::{Looked, Seen};
use secrecy::ExposeSecret as _;

use super::{SELECTORS, look, source};
use crate::fault_server::{Fault, FaultServer};

/// Half of this is what a server has for an answer.
const POLL: Duration = Duration::from_secs(2);

/// A look at a server by queries, and one by selectors.
async fn looks(server: &FaultServer) -> [Looked; 2] {
    let url = ("PROM_URL", server.url.as_str());
    let key = ("PROM_BEARER", "do-not-tell");
    let queries = source(&[url, key, ("PROM_Q_ERR", "a"), ("PROM_Q_LAT", "b")]);
    let counters = source(&[SELECTORS, &[url, key]].concat());
    [queries.look(&look(POLL)).await, counters.look(&look(POLL)).await]
}

/// Checks that nothing can be seen, and that the reason gives nothing away.
fn nothing_seen(looked: &Looked, fault: &str) {
    let errors = why(&looked.errors, fault);
    let latency = why(&looked.latency, fault);
    for said in [errors, latency] {
        assert!(!said.contains("do-not-tell") && !said.contains("127.0.0.1"), "{said}");
        assert!(!said.is_empty() && said.len() < 200, "{said}");
    }
}

fn why<T: std::fmt::Debug>(seen: &Seen<T>, fault: &str) -> String {
    match seen {
        Seen::NoData(why) | Seen::Error(why) => why.clone(),
        other => panic!("{fault}: {other:?}"),
    }
}

#[tokio::test]
async fn no_strange_answer_becomes_a_number() {
    let vector = |value: &str| {
        format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[1700000000,{value}]}}]}}}}"#
        )
    };
    let server = FaultServer::start(Fault::Silence).await;
    for body in [
        "",
        "<html><body>Sign in</body></html>",
        "null",
        "[]",
        "{}",
        r#"{"status":"success"}"#,
        r#"{"status":"success","data":null}"#,
        r#"{"status":"error","errorType":"execution","error":"no http://127.0.0.1 do-not-tell"}"#,
        r#"{"status":"success","data":{"resultType":"vector","result":{}}}"#,
        r#"{"status":"success","data":{"resultType":"string","result":[1,"x"]}}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1e400"]}}"#,
        r#"{"status":"success","data":{"resultType":"scalar","result":["1","1"]}}"#,
        &vector("0.5"),
        &vector("\"one\""),
        &vector("null"),
        &vector("\"NaN\""),
        &vector("\"-0.1\""),
        &vector("\"0.5\"").replace("}}", "},\"isPartial\":true}").replace("1700000000", "1e300"),
        &"[".repeat(100_000),
    ] {
        server.becomes(Fault::json(body));
        let [queries, counters] = looks(&server).await;
        nothing_seen(&queries, body);
        if !body.contains("\"vector\"") {
            nothing_seen(&counters, body);
        }
    }
    // The status counts, whatever the body says.
    server.becomes(Fault::answer("502 Bad Gateway", "application/json", &vector("\"0.5\"")));
    let [queries, counters] = looks(&server).await;
    nothing_seen(&queries, "502");
    nothing_seen(&counters, "502");
    server.becomes(Fault::json(&vector("\"0.5\"").replace("]}}", "]},\"isPartial\":true}")));
    let [queries, _] = looks(&server).await;
    assert!(why(&queries.errors, "partial").contains("partial"));
}

#[tokio::test]
async fn warnings_are_passed_on_and_name_no_address() {
    let body = r#"{"status":"success","warnings":["no http://10.0.0.7:9090 data"],
        "infos":["a name should end in _total"],
        "data":{"resultType":"scalar","result":[1700000000,"0.5"]}}"#;
    let server = FaultServer::start(Fault::json(body)).await;
    let [queries, _] = looks(&server).await;
    assert_eq!(queries.errors, Seen::Scalar { value: 0.5, window_ms: 0 });
    // The clock of a server that says it is 1970 is far behind.
    let [said, skewed] = queries.warnings.as_slice() else { panic!("{:?}", queries.warnings) };
    assert_eq!(said, "no (an address) data");
    assert!(skewed.starts_with("the clock of Prometheus is "), "{skewed}");
}

#[tokio::test]
async fn slow_and_endless_servers_cost_half_a_poll() {
    let huge = "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n{".as_bytes().to_vec();
    for fault in [Fault::Silence, Fault::Drip, Fault::Endless(b" "), Fault::Raw(huge)] {
        let server = FaultServer::start(fault.clone()).await;
        let began = Instant::now();
        for looked in looks(&server).await {
            nothing_seen(&looked, &format!("{fault:?}"));
        }
        assert!(began.elapsed() < 2 * POLL, "{fault:?}: {:?}", began.elapsed());
    }
}

/// A gate whose metrics cannot be had again and again says nothing about the next one.
#[tokio::test]
async fn what_failed_for_one_gate_blinds_nobody_else() {
    let server = FaultServer::start(Fault::answer("500 Broken", "text/plain", "")).await;
    let url = server.url.as_str();
    let page = format!("{url}$__gate/metrics");
    let scrape = source(&[SELECTORS, &[("LUKHAS_SCRAPE_URL", &page)]].concat());
    let queries = source(&[("PROM_URL", url), ("PROM_Q_ERR", "a"), ("PROM_Q_LAT", "b")]);
    for _ in 0..10 {
        nothing_seen(&scrape.look(&look(POLL)).await, "a broken page");
        nothing_seen(&queries.look(&look(POLL)).await, "a broken query");
    }
    let whole = "http_requests_total{gate=\"canary\",code=\"200\"} 5\n";
    server.becomes(Fault::answer("200 OK", "text/plain; version=0.0.4", whole));
    let seen = scrape.look(&look(POLL)).await.errors;
    assert!(matches!(seen, Seen::Counters(_)), "{seen:?}");
    let half = r#"{"status":"success","data":{"resultType":"scalar","result":[1700000000,"0.5"]}}"#;
    server.becomes(Fault::json(half));
    let seen = queries.look(&look(POLL)).await.errors;
    assert_eq!(seen, Seen::Scalar { value: 0.5, window_ms: 0 });
}

#[tokio::test]
async fn a_redirect_leads_nowhere_and_takes_no_key_along() {
    let elsewhere = FaultServer::start(Fault::json("{}")).await;
    let server = FaultServer::start(Fault::redirect("302 Found", elsewhere.url.as_str())).await;
    for looked in looks(&server).await {
        nothing_seen(&looked, "302");
    }
    assert!(server.requests()[0].contains("authorization: Bearer do-not-tell"));
    assert_eq!(elsewhere.requests(), Vec::<String>::new());
}

#[tokio::test]
async fn everything_that_is_configured_is_sent() {
    let server = FaultServer::start(Fault::json("{}")).await;
    let password = secrecy::SecretString::from("pass:word");
    let long = format!("a{{b=\"{}\",gate=$__gate}}", "x".repeat(2_000));
    let source = source(&[
        ("PROM_URL", &format!("{}prefix/", server.url)),
        ("PROM_USER", "me"),
        ("PROM_PASSWORD", password.expose_secret()),
        ("PROM_HEADERS", "X-Scope-OrgID:team-a,X-Other:b:c"),
        ("PROM_Q_ERR", "rate(a{gate=$__gate}[$__window])"),
        ("PROM_Q_LAT", &long),
    ]);
    source.look(&look(POLL)).await;
    let requests = server.requests();
    for request in &requests {
        for line in [
            "authorization: Basic bWU6cGFzczp3b3Jk\r\n",
            "x-scope-orgid: team-a\r\n",
            "x-other: b:c\r\n",
        ] {
            assert!(request.contains(line), "{line:?} is not in {request}");
        }
        assert!(!request.contains("time="), "the server's own present is asked for: {request}");
    }
    let query = "GET /prefix/api/v1/query?query=rate%28a%7Bgate%3D%22canary%22%7D%5B30s%5D%29&";
    assert!(requests.iter().any(|request| request.starts_with(query)), "{requests:?}");
    let form = |request: &&String| request.starts_with("POST /prefix/api/v1/query HTTP/1.1");
    let posted = requests.iter().find(form).unwrap();
    assert!(posted.contains("%22%2Cgate%3D%22canary%22%7D"), "{posted}");
}
