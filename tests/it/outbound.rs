//! Calling servers that are slow, cut off, endless, lying or gone.

use std::time::{Duration, Instant};

use lukhas_mcp::adapters::outbound::{Call, Credentials, Outbound, OutboundError, OutboundOptions};
use secrecy::SecretString;
use url::Url;

use crate::fault_server::{Fault, FaultServer};

const SECRET: &str = "do-not-tell";

fn outbound(url: &Url) -> Outbound {
    let options = OutboundOptions {
        credentials: Credentials::Bearer(SecretString::from(SECRET)),
        headers: vec![("X-Scope-OrgID".to_owned(), SecretString::from("tenant"))],
        ..OutboundOptions::default()
    };
    Outbound::new("the server", url.clone(), &options).unwrap()
}

/// Calls a server with a fault and returns the error, which may be shown to anybody.
async fn error_of(fault: Fault, call: &Call) -> OutboundError {
    let server = FaultServer::start(fault).await;
    let error = outbound(&server.url).call(call).await.unwrap_err();
    let mut shown = format!("{error} {error:?}");
    let mut cause = std::error::Error::source(&error);
    while let Some(source) = cause {
        shown.push_str(&source.to_string());
        cause = source.source();
    }
    let port = server.url.port().unwrap().to_string();
    assert!(!shown.contains(SECRET) && !shown.contains(&port), "{shown}");
    error
}

#[tokio::test]
async fn a_call_brings_its_headers_and_its_body() {
    let server = FaultServer::start(Fault::json(r#"{"a":1}"#)).await;
    let call = Call::post(&["api", "x y"]).query("a", "b&c").form(&[("query", "1 + 1")]);
    let answer = outbound(&server.url).call(&call).await.unwrap();
    assert_eq!((answer.status, answer.is_success()), (200, true));
    assert_eq!(answer.json::<serde_json::Value>().unwrap()["a"], 1);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    let request = server.requests().remove(0);
    assert!(request.starts_with("POST /api/x%20y?a=b%26c HTTP/1.1\r\n"), "{request}");
    for line in [
        "authorization: Bearer do-not-tell\r\n",
        "x-scope-orgid: tenant\r\n",
        "content-type: application/x-www-form-urlencoded\r\n",
        concat!("user-agent: lukhas-mcp/", env!("CARGO_PKG_VERSION"), "\r\n"),
        "\r\n\r\nquery=1+%2B+1",
    ] {
        assert!(request.contains(line), "{line:?} is not in {request}");
    }
    assert!(!request.contains("accept-encoding"), "{request}");
}

#[tokio::test]
async fn an_error_status_is_an_answer() {
    let server = FaultServer::start(Fault::answer("404 Not Found", "text/plain", "no")).await;
    let answer = outbound(&server.url).call(&Call::get(&[])).await.unwrap();
    assert_eq!((answer.status, answer.is_transient(), &*answer.body), (404, false, &b"no"[..]));
    server.becomes(Fault::answer("503 Service Unavailable", "text/plain", ""));
    assert!(outbound(&server.url).call(&Call::get(&[])).await.unwrap().is_transient());
}

#[tokio::test]
async fn slow_servers_are_given_up_in_time() {
    let limit = Duration::from_millis(1_500);
    for fault in [Fault::Silence, Fault::Drip] {
        let began = Instant::now();
        let error = error_of(fault.clone(), &Call::get(&[]).within(limit)).await;
        assert!(matches!(error, OutboundError::TimedOut { .. }), "{fault:?}: {error}");
        assert!(error.is_transient() && error.may_have_been_carried_out());
        assert!((limit..limit * 2).contains(&began.elapsed()), "{:?}", began.elapsed());
    }
}

#[tokio::test]
async fn long_answers_are_not_read() {
    let call = Call::get(&[]).at_most(100_000);
    let announced = "HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n".as_bytes().to_vec();
    for fault in [Fault::Endless(b"x"), Fault::Raw(announced)] {
        let error = error_of(fault.clone(), &call).await;
        assert!(matches!(error, OutboundError::TooLong { limit: 100_000, .. }), "{error}");
        assert!(!error.is_transient());
    }
    let fits = Fault::json(&"x".repeat(100_000));
    let server = FaultServer::start(fits).await;
    assert_eq!(outbound(&server.url).call(&call).await.unwrap().body.len(), 100_000);
}

#[tokio::test]
async fn redirects_are_not_followed() {
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect"] {
        let elsewhere = FaultServer::start(Fault::json("{}")).await;
        let fault = Fault::redirect(status, elsewhere.url.as_str());
        let error = error_of(fault, &Call::get(&[])).await;
        assert!(matches!(error, OutboundError::Redirect { .. }), "{error}");
        assert_eq!(elsewhere.requests(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn what_is_no_answer_is_an_error() {
    let raw = |text: &str| Fault::Raw(text.as_bytes().to_vec());
    let cut = raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this");
    for fault in [raw(""), raw("\0\u{1}garbage\r\n\r\n"), raw("HTTP/1.1 200"), cut] {
        let error = error_of(fault.clone(), &Call::get(&[])).await;
        assert!(matches!(error, OutboundError::Broken { .. }), "{fault:?}: {error}");
        assert!(error.is_transient() && error.may_have_been_carried_out());
    }
    let packed = raw("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx");
    let error = error_of(packed, &Call::get(&[])).await;
    assert!(matches!(error, OutboundError::Encoded { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_keeps_failing_is_left_alone_and_tried_again() {
    let server = FaultServer::start(Fault::answer("500 Oh", "text/plain", "")).await;
    let outbound = outbound(&server.url);
    for _ in 0..5 {
        assert_eq!(outbound.call(&Call::get(&[])).await.unwrap().status, 500);
    }
    let error = outbound.call(&Call::get(&[])).await.unwrap_err();
    assert!(matches!(error, OutboundError::Open { .. }) && error.is_transient(), "{error}");
    assert!(!error.may_have_been_carried_out());
    assert_eq!(server.requests().len(), 5);
    server.becomes(Fault::json("{}"));
    // The first wait is a second at most. Somebody who loses patience as the probe does not stop
    // the next one.
    tokio::time::sleep(Duration::from_millis(1_050)).await;
    let probe = Call::get(&[]);
    tokio::select! {
        biased;
        answer = outbound.call(&probe) => panic!("{answer:?}"),
        () = std::future::ready(()) => {}
    }
    assert!(outbound.call(&Call::get(&[])).await.unwrap().is_success());
}

#[tokio::test]
async fn nobody_there_is_an_error_that_was_not_carried_out() {
    let server = FaultServer::start(Fault::Silence).await;
    let url = server.url.clone();
    drop(server);
    tokio::time::sleep(Duration::from_millis(20)).await;
    let error = outbound(&url).call(&Call::get(&[])).await.unwrap_err();
    assert!(matches!(error, OutboundError::Unreachable { .. }), "{error:?}");
    assert!(error.is_transient() && !error.may_have_been_carried_out());
}

#[test]
fn addresses_and_headers_that_cannot_be_used_are_refused() {
    let make = |url: &str, options: &OutboundOptions| {
        Outbound::new("the server", Url::parse(url).unwrap(), options).map(drop)
    };
    let plain = OutboundOptions::default();
    assert!(make("https://host/path?x=y", &plain).is_ok());
    for url in ["ftp://host/", "http://user:do-not-tell@host/", "data:text/plain,x"] {
        let error = make(url, &plain).unwrap_err();
        assert!(matches!(error, OutboundError::Base { .. }), "{url}: {error}");
        assert!(!format!("{error:?}").contains(SECRET));
    }
    let header = OutboundOptions {
        headers: vec![("X".to_owned(), SecretString::from("a\r\nHost: b"))],
        ..OutboundOptions::default()
    };
    let authority =
        OutboundOptions { authorities: Some(b"no certificate".to_vec()), ..Default::default() };
    for options in [header, authority] {
        let error = make("https://host/", &options).unwrap_err();
        assert!(matches!(error, OutboundError::Setting { .. }), "{error}");
    }
}
