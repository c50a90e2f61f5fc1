//! H5, H7 to H17, H22 and H25: bodies that are no JSON, no JSON-RPC, or no call.

use crate::abuse::{Target, code};

const PARSE: i64 = -32700;
pub(super) const NO_REQUEST: i64 = -32600;
const NO_METHOD: i64 = -32601;
pub(super) const BAD_PARAMS: i64 = -32602;
pub(super) const FINE: i64 = 0;

/// A body, and the HTTP status and the code it is answered with.
type Row = (&'static str, Vec<u8>, u16, i64);

fn row(name: &'static str, body: impl Into<Vec<u8>>, status: u16, code: i64) -> Row {
    (name, body.into(), status, code)
}

/// A ping whose id is this JSON text.
pub(super) fn with_id(id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"ping"}}"#)
}

pub(super) fn with_members(members: &str) -> String {
    format!("{{{members}}}")
}

/// A call with these params, as JSON text.
pub(super) fn with_params(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{params}}}"#)
}

pub(super) fn with_arguments(tool: &str, arguments: &str) -> String {
    with_params(&format!(r#"{{"name":"{tool}","arguments":{arguments}}}"#))
}

async fn check(rows: Vec<Row>) {
    let mut target = Target::start().await;
    for (name, body, status, expected) in rows {
        let answer = target.post(&body);
        let text = answer.text();
        assert_eq!(answer.status, status, "{name}: {text}");
        assert_eq!(code(&answer.json()), expected, "{name}: {text}");
        target.tells_nothing(name, &answer);
        target.is_well_after(name);
    }
    assert_eq!(target.jobs().await, 0);
    target.leaks_nothing().await;
}

#[tokio::test]
async fn what_is_not_json_is_refused() {
    let ping = with_id("1");
    check(vec![
        row("H5 2 MiB of [", "[".repeat(2 << 20), 400, PARSE),
        row("H5 2 MiB of {", r#"{"a":"#.repeat(400_000), 400, PARSE),
        row("H7 NaN", with_id("NaN"), 400, PARSE),
        row("H7 -Infinity", with_id("-Infinity"), 400, PARSE),
        row("H7 01", with_id("01"), 400, PARSE),
        row("H7 a raw control character", with_id("\"a\u{1}b\""), 400, PARSE),
        row("H7 a raw line end in a string", with_id("\"a\nb\""), 400, PARSE),
        row("H7 a trailing comma", r#"{"jsonrpc":"2.0","id":1,"method":"ping",}"#, 400, PARSE),
        row("H7 a byte order mark", format!("\u{feff}{ping}"), 400, PARSE),
        row("H7 nothing", "", 400, PARSE),
        row("H7 blanks", " \r\n\t ", 400, PARSE),
        row("H7 bytes that are no UTF-8", b"{\"jsonrpc\":\"2.0\",\"id\":\"\xff\"}", 400, PARSE),
        row("H7 overlong UTF-8", b"{\"jsonrpc\":\"2.0\",\"id\":\"\xc0\xaf\"}", 400, PARSE),
        row("H7 UTF-16", b"\xff\xfe{\0}\0", 400, PARSE),
        row("H7 single quotes", "{'jsonrpc':'2.0'}", 400, PARSE),
        row("H7 a comment", format!("/* */{ping}"), 400, PARSE),
        row("H7 half of a message", &ping.as_bytes()[..20], 400, PARSE),
        row("H15 two messages", format!("{ping}{ping}"), 400, PARSE),
        row("H15 a message and more", format!("{ping} x"), 400, PARSE),
    ])
    .await;
}

#[tokio::test]
async fn what_is_not_a_request_is_refused() {
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let long = format!("\"{}\"", "x".repeat(10_000));
    let too_long = format!("\"{}\"", "x".repeat(257));
    check(vec![
        row("H5 128 arrays in one another", deep(128), 400, NO_REQUEST),
        row("H5 100,000 arrays in one another", deep(100_000), 400, NO_REQUEST),
        row("H7 id 1e999", with_id("1e999"), 400, NO_REQUEST),
        row("H7 half a surrogate", with_id(r#""\ud800""#), 400, NO_REQUEST),
        row("H8 id 1.5", with_id("1.5"), 400, NO_REQUEST),
        row("H8 id {}", with_id("{}"), 400, NO_REQUEST),
        row("H8 id []", with_id("[]"), 400, NO_REQUEST),
        row("H8 id true", with_id("true"), 400, NO_REQUEST),
        row("H8 id null", with_id("null"), 400, NO_REQUEST),
        row("H8 id of 10 kB", with_id(&long), 400, NO_REQUEST),
        row("H8 id of 257 bytes", with_id(&too_long), 400, NO_REQUEST),
        row(
            "H9 id twice",
            with_members(r#""jsonrpc":"2.0","id":1,"id":2,"method":"ping""#),
            400,
            NO_REQUEST,
        ),
        row(
            "H9 method twice",
            with_members(r#""jsonrpc":"2.0","id":1,"method":"ping","method":"tools/list""#),
            400,
            NO_REQUEST,
        ),
    ])
    .await;
}

#[tokio::test]
async fn what_has_not_the_members_of_a_request_is_refused() {
    check(vec![
        row(
            "H11 Method",
            with_members(r#""jsonrpc":"2.0","id":1,"Method":"ping""#),
            400,
            NO_REQUEST,
        ),
        row(
            "H11 METHOD",
            with_members(r#""jsonrpc":"2.0","id":1,"METHOD":"ping""#),
            400,
            NO_REQUEST,
        ),
        row(
            "H12 a method with a NUL in its name",
            with_members(r#""jsonrpc":"2.0","id":1,"method\u0000":"ping""#),
            400,
            NO_REQUEST,
        ),
        row(
            "H13 a request as an array",
            r#"["2.0",7,"tools/call",{"name":"run_eval"}]"#,
            400,
            NO_REQUEST,
        ),
        row(
            "H13 a request as an array in a batch",
            r#"[["2.0",7,"tools/call",{"name":"run_eval","arguments":{"taskId":"quick","configId":"default"}}]]"#,
            400,
            NO_REQUEST,
        ),
        row("H14 an empty batch", "[]", 400, NO_REQUEST),
        row(
            "H14 a batch of 51",
            format!("[{}]", vec![with_id("1"); 51].join(",")),
            400,
            NO_REQUEST,
        ),
        row(
            "H14 a batch of 1,000",
            format!("[{}]", vec![with_id("1"); 1000].join(",")),
            400,
            NO_REQUEST,
        ),
        row("H14 a batch in a batch", format!("[[{}]]", with_id("1")), 400, NO_REQUEST),
        row(
            "H14 initialize in a batch",
            r#"[{"jsonrpc":"2.0","id":1,"method":"initialize","params":{}}]"#,
            400,
            NO_REQUEST,
        ),
        row(
            "H16 jsonrpc 1.0",
            with_members(r#""jsonrpc":"1.0","id":1,"method":"ping""#),
            400,
            NO_REQUEST,
        ),
        row(
            "H16 jsonrpc as a number",
            with_members(r#""jsonrpc":2.0,"id":1,"method":"ping""#),
            400,
            NO_REQUEST,
        ),
        row("H16 no jsonrpc", with_members(r#""id":1,"method":"ping""#), 400, NO_REQUEST),
        row("H16 null", "null", 400, NO_REQUEST),
        row("H16 a number", "42", 400, NO_REQUEST),
        row("H16 a string", "\"ping\"", 400, NO_REQUEST),
        row(
            "H17 params as a string",
            with_members(r#""jsonrpc":"2.0","id":1,"method":"tools/list","params":"x""#),
            400,
            NO_REQUEST,
        ),
        row(
            "H25 a result",
            with_members(r#""jsonrpc":"2.0","id":1,"result":{"content":[]}"#),
            400,
            NO_REQUEST,
        ),
        row(
            "H25 an error",
            with_members(r#""jsonrpc":"2.0","id":1,"error":{"code":1,"message":"x"}"#),
            400,
            NO_REQUEST,
        ),
    ])
    .await;
}

#[tokio::test]
async fn a_request_that_does_not_fit_is_answered_under_its_id() {
    let known = r#""taskId":"quick","configId":"default""#;
    let eval = |more: &str| with_arguments("run_eval", &format!("{{{known},{more}}}"));
    check(vec![
        row("H8 id 0", with_id("0"), 200, FINE),
        row(
            "H10 jobId twice",
            with_arguments("status", r#"{"jobId":"job_a","jobId":"job_b"}"#),
            200,
            BAD_PARAMS,
        ),
        row("H10 dryRun twice", eval(r#""dryRun":true,"dryRun":false"#), 200, BAD_PARAMS),
        row(
            "H10 name twice",
            with_params(r#"{"name":"status","name":"run_eval","arguments":{}}"#),
            200,
            BAD_PARAMS,
        ),
        row(
            "H10 arguments twice",
            with_params(r#"{"name":"status","arguments":{},"arguments":{}}"#),
            200,
            BAD_PARAMS,
        ),
        row(
            "H11 a params that only looks like it",
            with_members(
                r#""jsonrpc":"2.0","id":7,"method":"tools/call","paramſ":{"name":"run_eval"}"#,
            ),
            200,
            BAD_PARAMS,
        ),
        row("H11 JOBID", with_arguments("status", r#"{"JOBID":"job_a"}"#), 200, BAD_PARAMS),
        row(
            "H12 a NUL in an id",
            with_arguments("status", r#"{"jobId":"job_a\u0000"}"#),
            200,
            BAD_PARAMS,
        ),
        row(
            "H12 a NUL in a task",
            with_arguments("run_eval", r#"{"taskId":"quick\u0000","configId":"default"}"#),
            200,
            BAD_PARAMS,
        ),
        row(
            "H17 arguments as an array",
            with_arguments("run_eval", r#"["quick","default"]"#),
            200,
            BAD_PARAMS,
        ),
        row("H17 arguments as a string", with_arguments("run_eval", r#""quick""#), 200, BAD_PARAMS),
        row("H17 params as an array", with_params(r#"["run_eval",{}]"#), 200, BAD_PARAMS),
        row("H17 dryRun as a string", eval(r#""dryRun":"true""#), 200, BAD_PARAMS),
        row("H17 dryRun as null", eval(r#""dryRun":null"#), 200, BAD_PARAMS),
        row("H17 a limit that is negative", eval(r#""timeoutSeconds":-1"#), 200, BAD_PARAMS),
        row("H17 a limit beyond all numbers", eval(r#""timeoutSeconds":1e400"#), 200, BAD_PARAMS),
        row("H17 a limit of 0", eval(r#""timeoutSeconds":0"#), 200, BAD_PARAMS),
        row("H17 a member nobody knows", eval(r#""overwrite":true"#), 200, BAD_PARAMS),
        row("H17 half a surrogate", with_arguments("why", r#"{"id":"\ud800"}"#), 200, BAD_PARAMS),
        row(
            "H17 a path for a task",
            with_arguments("run_eval", r#"{"taskId":"../quick","configId":"default"}"#),
            200,
            BAD_PARAMS,
        ),
        row("H22 no name", with_params(r#"{"arguments":{}}"#), 200, BAD_PARAMS),
        row("H22 no arguments", with_params(r#"{"name":"run_eval"}"#), 200, BAD_PARAMS),
        row("H22 arguments null", with_arguments("run_eval", "null"), 200, BAD_PARAMS),
        row("H22 params null", with_params("null"), 200, BAD_PARAMS),
        row("H22 params empty", with_params("{}"), 200, BAD_PARAMS),
        row("H22 a name that is a number", with_params(r#"{"name":7}"#), 200, BAD_PARAMS),
        row("H22 a tool nobody knows", with_arguments("git_push", "{}"), 200, BAD_PARAMS),
        row(
            "H25 a method nobody knows",
            with_members(r#""jsonrpc":"2.0","id":7,"method":"x""#),
            200,
            NO_METHOD,
        ),
        row(
            "H25 a method of the protocol",
            with_members(r#""jsonrpc":"2.0","id":7,"method":"rpc.discover""#),
            200,
            NO_METHOD,
        ),
        row(
            "H25 an empty method",
            with_members(r#""jsonrpc":"2.0","id":7,"method":"""#),
            200,
            NO_METHOD,
        ),
        row(
            "H25 a page that there is not",
            with_members(r#""jsonrpc":"2.0","id":7,"method":"tools/list","params":{"cursor":"x"}"#),
            200,
            BAD_PARAMS,
        ),
    ])
    .await;
}
