//! Tickets: a stream for who cannot set headers, without a key in its address.

use serde_json::{Value, json};
use tokio::time::{Duration, Instant, sleep};

use crate::harness::{Daemon, Home, PATIENCE, read_until};

const OPERATOR: &str = "operator-3c1f8a90";
const READER: &str = "reader-77d20b4e";

fn home() -> Home {
    Home::new().with("LUKHAS_MCP_API_KEYS", OPERATOR).with("LUKHAS_MCP_READ_API_KEYS", READER)
}

async fn ask_for_ticket(daemon: &Daemon, key: &str, body: &str) -> reqwest::Response {
    let url = format!("{}/sse/ticket", daemon.url);
    let request = reqwest::Client::new().post(url).header("Content-Type", "application/json");
    request.header("X-API-Key", key).body(body.to_owned()).send().await.unwrap()
}

async fn ticket(daemon: &Daemon, key: &str) -> String {
    let answer = ask_for_ticket(daemon, key, "").await;
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let answer: Value = answer.json().await.unwrap();
    assert_eq!(answer["expiresIn"], 60);
    answer["ticket"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_ticket_opens_one_stream_and_takes_its_reader_back_and_is_in_no_log() {
    let home = home();
    let mut daemon = home.start().await;
    let ticket = ticket(&daemon, READER).await;
    // Without a key of its own.
    let path = format!("/sse?topic=jobs&ticket={ticket}");
    let mut stream = daemon.get(&path).send().await.unwrap();
    assert_eq!(stream.status(), 200);
    let heard = read_until(&mut stream, |text| text.contains("event: open")).await;
    assert!(!heard.contains(&ticket), "{heard}");
    let again = daemon.get(&path).send().await.unwrap();
    assert_eq!(again.status(), 401, "it was used");
    let began = crate::golden::events::frames(&heard)[0].id();
    let back = daemon.get(&path).header("Last-Event-ID", began).send().await.unwrap();
    assert_eq!(back.status(), 200, "its reader comes back");
    for (name, request) in [
        ("a tool", daemon.post(r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#)),
        ("a tool by a ticket", {
            let url = format!("{}/mcp?ticket={ticket}", daemon.url);
            let request = reqwest::Client::new().post(url);
            request
                .header("Content-Type", "application/json")
                .body("{}")
                .header("X-API-Key", &ticket)
        }),
        ("whoami", daemon.get(&format!("/api/whoami?ticket={ticket}"))),
        ("a guess", daemon.get("/sse?topic=jobs&ticket=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")),
        ("nothing", daemon.get("/sse?topic=jobs&ticket=")),
    ] {
        assert_eq!(request.send().await.unwrap().status(), 401, "{name}");
    }
    let two = daemon.get(&format!("{path}&key={READER}")).send().await.unwrap();
    assert_eq!(two.status(), 400, "a key and a ticket");
    drop((stream, back));
    daemon.terminate().await;
    let log = daemon.log();
    assert!(log.iter().any(|line| line.contains("/sse?topic=jobs&****")), "{log:?}");
    assert!(!log.iter().any(|line| line.contains(&ticket)), "{log:?}");
    let stored = std::fs::read(home.db()).unwrap();
    let is_there = |text: &str| stored.windows(text.len()).any(|part| part == text.as_bytes());
    assert!(!is_there(&ticket));
    assert!(is_there("a ticket was presented that opens nothing"), "the refusals are on record");
}

#[tokio::test]
async fn a_ticket_that_was_used_shows_nothing_older_than_its_first_stream() {
    let home = home();
    let daemon = home.start().await.with_key(OPERATOR);
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    let ticket = ticket(&daemon, READER).await;
    let client = reqwest::Client::new();
    let open = |more: &str, last: Option<&str>| {
        let url = format!("{}/sse?topic=jobs&ticket={ticket}{more}", daemon.url);
        match last {
            None => client.get(url),
            Some(last) => client.get(url).header("Last-Event-ID", last),
        }
    };
    let mut first = open("", None).send().await.unwrap();
    let heard = read_until(&mut first, |text| text.contains("event: open")).await;
    let began = crate::golden::events::frames(&heard)[0].id();
    assert!(0 < began, "something happened before");
    let (before, at) = ((began - 1).to_string(), began.to_string());
    for (more, last, status) in [
        ("", Some("0"), 401),
        ("", Some(before.as_str()), 401),
        ("", Some("999999999"), 401),
        ("&snapshot=1", Some("999999999"), 401),
        (format!("&lastEventId={at}").as_str(), None, 401),
        ("", Some(at.as_str()), 200),
    ] {
        let answer = open(more, last).send().await.unwrap();
        assert_eq!(answer.status(), status, "{more} {last:?}");
    }
}

#[tokio::test]
async fn a_stream_that_does_not_begin_uses_no_ticket_up() {
    let home = home().with("LUKHAS_MCP_MAX_SSE_STREAMS", "1");
    let daemon = home.start().await.with_key(OPERATOR);
    let ticket = ticket(&daemon, READER).await;
    let client = reqwest::Client::new();
    let open =
        |query: &str| client.get(format!("{}/sse?{query}&ticket={ticket}", daemon.url)).send();
    for bad in ["topic=bad/", "topic=jobs&snapshot=2", "topic=jobs&lastEventId=x", "x=1"] {
        assert_eq!(open(bad).await.unwrap().status(), 400, "{bad}");
    }
    let other = daemon.sse("topic=jobs").await;
    assert_eq!(other.status(), 200);
    assert_eq!(open("topic=jobs").await.unwrap().status(), 429, "there is no place");
    drop(other);
    let began = Instant::now();
    loop {
        // What cannot be delivered shows that the reader is gone.
        daemon.run_eval("quick").await;
        match open("topic=jobs").await.unwrap().status().as_u16() {
            200 => break,
            429 => assert!(began.elapsed() < PATIENCE, "the place is never free"),
            status => panic!("{status}"),
        }
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(open("topic=jobs").await.unwrap().status(), 401, "now it is used");
}

#[tokio::test]
async fn a_ticket_is_for_who_has_a_key_and_for_nothing_else_than_it_has() {
    let home = home();
    let daemon = home.start().await;
    for (key, body, status) in [
        (OPERATOR, "", 200),
        (OPERATOR, " {} \n", 200),
        (READER, "{}", 200),
        (READER, r#"{"role":"operate"}"#, 400),
        (READER, "[]", 400),
        (READER, "x", 400),
        ("wrong", "", 401),
    ] {
        let answer = ask_for_ticket(&daemon, key, body).await;
        assert_eq!(answer.status(), status, "{key} {body:?}");
        assert!(answer.json::<Value>().await.unwrap().is_object());
    }
    let form = reqwest::Client::new().post(format!("{}/sse/ticket", daemon.url));
    let form = form.header("X-API-Key", READER).body("").send().await.unwrap();
    assert_eq!(form.status(), 415, "no page of another site can ask for one");
    for _ in 0..70 {
        let answer = ask_for_ticket(&daemon, READER, "").await;
        if answer.status() == 429 {
            let wait: u64 = answer.headers()["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=60).contains(&wait), "{wait}");
            assert_eq!(ask_for_ticket(&daemon, OPERATOR, "").await.status(), 200);
            return;
        }
    }
    panic!("there is no end of tickets");
}

#[tokio::test]
async fn everybody_is_told_who_it_is() {
    let home = home();
    let daemon = home.start().await;
    let whoami = |key: &'static str| daemon.get("/api/whoami").header("X-API-Key", key).send();
    for (key, role) in [(OPERATOR, "operate"), (READER, "read")] {
        let told: Value = whoami(key).await.unwrap().json().await.unwrap();
        assert_eq!((&told["role"], &told["open"]), (&json!(role), &json!(false)), "{told}");
        assert!(told["principal"].as_str().unwrap().starts_with("key:"), "{told}");
        assert_eq!(told["server"]["name"], "lukhas-mcp");
        assert_eq!(told["server"]["version"], env!("CARGO_PKG_VERSION"));
        assert!(told["server"].as_object().unwrap().contains_key("commit"), "{told}");
        let snapshot = daemon.get("/sse?topic=jobs&snapshot=1").header("X-API-Key", key);
        let mut snapshot = snapshot.send().await.unwrap();
        let text = read_until(&mut snapshot, |text| text.matches("\n\n").count() == 2).await;
        let frame = crate::golden::events::frames(&text).remove(1).data();
        for member in ["principal", "role", "open"] {
            assert_eq!(frame["you"][member], told[member], "{member}");
        }
    }
    assert_eq!(whoami("wrong").await.unwrap().status(), 401);
    let open_home = Home::new();
    let open = open_home.start().await;
    let told: Value = open.get("/api/whoami").send().await.unwrap().json().await.unwrap();
    let expected = json!(["anonymous", "operate", true]);
    assert_eq!(json!([told["principal"], told["role"], told["open"]]), expected);
    let ticket = ticket(&open, "").await;
    let stream = open.get(&format!("/sse?topic=jobs&ticket={ticket}")).send().await.unwrap();
    assert_eq!(stream.status(), 200, "where nobody needs a key, a ticket does no harm");
}
