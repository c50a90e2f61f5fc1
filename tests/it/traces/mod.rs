//! What a collector of traces is told, and what it costs when it does not listen.

mod collector;
mod faults;

use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use serde_json::{Value, json};

use self::collector::{Collector, Doing, attribute};
use crate::harness::{Daemon, Home};

const TRACE: [&str; 4] = [
    "0af7651916cd43dd8448eb211c80319c",
    "1af7651916cd43dd8448eb211c80319c",
    "2af7651916cd43dd8448eb211c80319c",
    "3af7651916cd43dd8448eb211c80319c",
];
const SPAN: &str = "b7ad6b7169203331";

fn parent(trace: &str) -> String {
    format!("00-{trace}-{SPAN}-01")
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| format!("{hex}{byte:02x}"))
}

fn place(span: &Span) -> (String, String) {
    (hex(&span.trace_id), hex(&span.parent_span_id))
}

async fn traced(collector: &Collector) -> (Home, Daemon) {
    let home = Home::new().with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url);
    let daemon = home.start().await;
    (home, daemon)
}

fn call(id: impl Into<Value>, tool: &str, meta: &Value) -> Value {
    let params = json!({ "name": tool, "arguments": {}, "_meta": meta });
    let id: Value = id.into();
    json!({ "jsonrpc": "2.0", "id": id, "method": "tools/call", "params": params })
}

async fn post(daemon: &Daemon, body: &Value, headers: &[(&str, &str)]) -> Value {
    let request = headers.iter().fold(daemon.post(body.to_string()), |request, (name, value)| {
        request.header(*name, *value)
    });
    request.send().await.unwrap().json().await.unwrap()
}

#[tokio::test]
async fn a_request_is_a_part_of_the_span_in_its_meta_else_of_the_one_in_its_header() {
    let collector = Collector::start(Doing::Answers(200)).await;
    let (_home, daemon) = traced(&collector).await;
    let header = parent(TRACE[0]);
    let meta = json!({ "traceparent": parent(TRACE[1]), "tracestate": "a=1,b=2" });
    let header = [("traceparent", &*header)];
    post(&daemon, &call(1, "list_jobs", &meta), &header).await;
    post(&daemon, &call(2, "list_jobs", &json!({})), &header).await;
    post(&daemon, &call(3, "list_jobs", &json!({})), &[]).await;
    post(&daemon, &call(4, "list_jobs", &meta), &[]).await;
    let http = collector.until("POST /mcp", 4).await;
    let mcp = collector.until("tools/call list_jobs", 4).await;
    let remote = |n: usize| (TRACE[n].to_owned(), SPAN.to_owned());
    let within = |n: usize| (hex(&http[n].trace_id), hex(&http[n].span_id));
    assert_eq!(place(&http[0]), remote(0));
    assert_eq!(place(&http[1]), remote(0));
    assert_eq!(place(&mcp[0]), remote(1), "the meta goes before the header");
    assert_eq!(mcp[0].trace_state, "a=1,b=2");
    assert_eq!(place(&mcp[1]), within(1));
    assert_eq!(place(&mcp[2]), within(2));
    assert_eq!(http[2].parent_span_id, b"", "a trace of its own");
    assert_eq!(place(&mcp[3]), remote(1));
    // What is elsewhere in the tree is linked.
    for n in [0, 3] {
        let link = &mcp[n].links[0];
        assert_eq!((hex(&link.trace_id), hex(&link.span_id)), within(n), "{n}");
    }
    assert!(mcp[1].links.is_empty() && mcp[2].links.is_empty());
    // The log says the trace of the request, whichever that is.
    for (trace, times) in [(TRACE[0], 1), (TRACE[1], 2)] {
        let said = |line: &str| line.contains(&format!(r#""trace_id":"{trace}""#));
        daemon.until_logged(|line| said(line)).await;
        let count = || daemon.log().iter().filter(|line| said(line)).count();
        daemon.until_logged(|_| count() == times).await;
    }
}

#[tokio::test]
async fn each_request_of_a_batch_has_a_span_of_its_own() {
    let collector = Collector::start(Doing::Answers(200)).await;
    let (_home, daemon) = traced(&collector).await;
    let of = |n: usize| json!({ "traceparent": parent(TRACE[n]) });
    let batch = json!([
        call("a", "list_jobs", &of(1)),
        call("b", "list_canaries", &of(2)),
        call("c", "list_jobs", &json!({ "progressToken": true })),
        { "jsonrpc": "2.0", "method": "notifications/initialized" },
    ]);
    let header = parent(TRACE[0]);
    let answer = post(&daemon, &batch, &[("traceparent", &header)]).await;
    assert_eq!(answer.as_array().unwrap().len(), 3);
    let http = collector.until("POST /mcp", 1).await.remove(0);
    let jobs = collector.until("tools/call list_jobs", 2).await;
    let canaries = collector.until("tools/call list_canaries", 1).await;
    assert_eq!(place(&jobs[0]), (TRACE[1].to_owned(), SPAN.to_owned()));
    assert_eq!(place(&canaries[0]), (TRACE[2].to_owned(), SPAN.to_owned()));
    assert_eq!(place(&jobs[1]), (TRACE[0].to_owned(), hex(&http.span_id)));
    let id = |span| attribute(span, "jsonrpc.request.id");
    assert_eq!([id(&jobs[0]), id(&canaries[0]), id(&jobs[1])].map(Option::unwrap), ["a", "b", "c"]);
}

#[tokio::test]
async fn a_parent_that_is_none_is_no_error() {
    let collector = Collector::start(Doing::Answers(200)).await;
    let (_home, daemon) = traced(&collector).await;
    let upper = parent(&TRACE[1].to_uppercase());
    let odd = [
        json!(7),
        json!(null),
        json!({}),
        json!(""),
        json!("00-a-b-01"),
        json!(upper),
        json!(format!("{}-more", parent(TRACE[1]))),
    ];
    for (n, odd) in odd.iter().enumerate() {
        let meta = json!({ "traceparent": odd, "tracestate": 5, "baggage": [] });
        let text = odd.as_str().unwrap_or("00").to_owned();
        let answer = post(&daemon, &call(n, "list_jobs", &meta), &[("traceparent", &text)]).await;
        assert_eq!(answer["result"]["isError"], Value::Null, "{odd}: {answer}");
    }
    // And the same where every request must have meta.
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
        "traceparent": 7,
    });
    let headers = [
        ("MCP-Protocol-Version", "2026-07-28"),
        ("Mcp-Method", "tools/call"),
        ("Mcp-Name", "list_jobs"),
        ("Accept", "application/json, text/event-stream"),
    ];
    let answer = post(&daemon, &call("s", "list_jobs", &meta), &headers).await;
    assert_eq!(answer["result"]["resultType"], "complete", "{answer}");
    let http = collector.until("POST /mcp", odd.len() + 1).await;
    let mcp = collector.until("tools/call list_jobs", odd.len() + 1).await;
    for (http, mcp) in http.iter().zip(&mcp) {
        assert_eq!(http.parent_span_id, b"");
        assert_eq!(place(mcp), (hex(&http.trace_id), hex(&http.span_id)));
    }
    assert_eq!(attribute(&mcp[odd.len()], "mcp.protocol.version").unwrap(), "2026-07-28");
}

#[tokio::test]
async fn spans_say_what_the_conventions_have_and_nothing_that_was_sent() {
    let collector = Collector::start(Doing::Answers(200)).await;
    let home = Home::new()
        .with("MCP_API_KEYS", "s3cret-key-of-some-length")
        .with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &format!("{}/own", collector.url))
        .with("OTEL_EXPORTER_OTLP_HEADERS", "api-key=of%20the%20collector")
        .with("OTEL_SERVICE_NAME", "evals")
        .with("OTEL_RESOURCE_ATTRIBUTES", "service.name=no,deployment.environment.name=test");
    let daemon = home.start().await.with_key("s3cret-key-of-some-length");
    let job = daemon.run_eval("quick").await;
    for (method, params) in [
        ("tools/call", json!({ "name": "status", "arguments": { "jobId": "job_s3cret" } })),
        ("tools/call", json!({ "name": "s3cret" })),
        ("prompts/get", json!({ "name": "explain_rollback", "arguments": { "x": "s3cret" } })),
        ("resources/read", json!({ "uri": "job://s3cret" })),
        ("s3cret", json!({})),
    ] {
        daemon.rpc(method, params).await;
    }
    assert_eq!(daemon.get("/s3cret?key=s3cret").send().await.unwrap().status(), 404);
    assert_eq!(daemon.get("/api/report/s3cret").send().await.unwrap().status(), 404);
    assert_eq!(daemon.get("/healthz").send().await.unwrap().status(), 200);
    collector.until("GET /api/report/{id:.*}", 1).await;

    let eval = collector.until("tools/call run_eval", 1).await.remove(0);
    for (name, value) in [
        ("mcp.method.name", "tools/call"),
        ("mcp.protocol.version", "2025-03-26"),
        ("gen_ai.tool.name", "run_eval"),
        ("gen_ai.operation.name", "execute_tool"),
        ("jsonrpc.request.id", "1"),
        ("lukhas_mcp.work.id", &job),
    ] {
        assert_eq!(attribute(&eval, name).as_deref(), Some(value), "{name}");
    }
    assert_eq!(attribute(&eval, "error.type"), None);
    assert_eq!(eval.kind, SpanKind::Server as i32);
    let http = collector.until("POST /mcp", 1).await.remove(0);
    assert_eq!(attribute(&http, "http.response.status_code").as_deref(), Some("200"));
    let unknown = collector.until("tools/call", 1).await.remove(0);
    assert_eq!(attribute(&unknown, "rpc.response.status_code").as_deref(), Some("-32602"));
    assert_eq!(unknown.status.unwrap().code, 2);
    let other = collector.until("_OTHER", 1).await.remove(0);
    assert_eq!(attribute(&other, "error.type").as_deref(), Some("-32601"));
    collector.until("prompts/get explain_rollback", 1).await;
    collector.until("GET", 1).await;

    let all =
        format!("{:?}", collector.posts().iter().map(|post| &post.request).collect::<Vec<_>>());
    assert!(!all.contains("s3cret"), "{all}");
    assert!(!all.contains("healthz"), "{all}");
    let head = &collector.posts()[0].head;
    assert!(head.starts_with("post /own http") && head.contains("api-key: of the collector"));
    assert!(head.contains("content-type: application/x-protobuf"), "{head}");
    let resource = format!("{:?}", collector.resource_spans()[0].resource);
    for said in ["evals", "deployment.environment.name", "service.version"] {
        assert!(resource.contains(said), "{said}: {resource}");
    }
}

#[tokio::test]
async fn spans_can_be_json_and_an_answer_that_is_an_error_is_said() {
    let collector = Collector::start(Doing::Answers(200)).await;
    let home = Home::new()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
        .with("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json");
    let daemon = home.start().await;
    let init = json!({ "protocolVersion": "2025-11-25", "capabilities": {} });
    daemon.rpc("initialize", init).await;
    let span = collector.until("initialize", 1).await.remove(0);
    assert_eq!(attribute(&span, "mcp.protocol.version").as_deref(), Some("2025-11-25"));
    let body = call("x", "status", &json!({ "traceparent": parent(TRACE[0]) }));
    let headers = [("MCP-Protocol-Version", "2025-11-25")];
    let answer = post(&daemon, &body, &headers).await;
    assert_eq!(answer["result"]["isError"], true, "{answer}");
    let span = collector.until("tools/call status", 1).await.remove(0);
    assert_eq!(attribute(&span, "error.type").as_deref(), Some("tool_error"));
    assert_eq!(place(&span), (TRACE[0].to_owned(), SPAN.to_owned()));
    assert!(collector.posts()[0].head.starts_with("post /v1/traces http"));
}

#[tokio::test]
async fn who_calls_decides_whether_a_trace_is_kept() {
    let collector = Collector::start(Doing::Answers(200)).await;
    let home = Home::new()
        .with("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url)
        .with("OTEL_TRACES_SAMPLER", "parentbased_always_off");
    let daemon = home.start().await;
    let kept = json!({ "traceparent": parent(TRACE[0]) });
    let not = json!({ "traceparent": format!("00-{}-{SPAN}-00", TRACE[1]) });
    for (id, meta) in [("kept", kept), ("not", not), ("own", json!({}))] {
        post(&daemon, &call(id, "list_jobs", &meta), &[]).await;
    }
    let last = json!({ "traceparent": parent(TRACE[2]) });
    post(&daemon, &call("last", "list_canaries", &last), &[]).await;
    collector.until("tools/call list_canaries", 1).await;
    assert_eq!(collector.spans().len(), 2);
    assert_eq!(place(&collector.spans()[0]).0, TRACE[0]);
}
