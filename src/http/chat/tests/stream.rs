//! A conversation as a stream of events.

use bytes::Bytes;
use tokio::sync::Notify;

use super::*;
use crate::chat::tests::fake_model::Step::{Say, Wait};

/// A reader of a stream.
pub(super) struct Reader {
    response: reqwest::Response,
    read: String,
}

impl Reader {
    pub(super) fn new(response: reqwest::Response) -> Self {
        Self { response, read: String::new() }
    }

    /// The next event: its id, its name and its data.
    pub(super) async fn next(&mut self) -> Option<(Option<i64>, String, String)> {
        loop {
            if let Some((event, rest)) = self.read.split_once("\n\n") {
                let field = |name: &str| {
                    let found = event.lines().find_map(|line| line.strip_prefix(name));
                    found.map(str::to_owned)
                };
                let id = field("id: ").map(|id| id.parse().unwrap());
                let told = (id, field("event: ").unwrap_or_default(), field("data: "));
                self.read = rest.to_owned();
                if let (id, name, Some(data)) = told {
                    return Some((id, name, data));
                }
                continue;
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk: Option<Bytes> = chunk.expect("nothing comes").unwrap();
            self.read.push_str(std::str::from_utf8(&chunk?).unwrap());
        }
    }
}

async fn open(house: &House, query: &str, key: &str, last: Option<i64>) -> reqwest::Response {
    let mut request =
        http_client().get(house.url(&format!("/sse?{query}"))).header("x-api-key", key);
    if let Some(last) = last {
        request = request.header("last-event-id", last);
    }
    request.send().await.unwrap()
}

#[actix::test]
async fn a_stream_tells_of_a_conversation_and_goes_on_where_it_was_cut() {
    let gate = Arc::new(Notify::new());
    let script = vec![vec![Say("one "), Wait(Arc::clone(&gate)), Say("two")]];
    let house = House::new(FakeModel::saying(script)).await;
    let mut client = house.client().await;
    client.ask(Some("a"), "r1", "count").await;
    while client.next().await["status"] != "chunk" {}
    let response = open(&house, "topic=conversation/a", KEY, Some(0)).await;
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let mut reader = Reader::new(response);
    let (id, name, data) = reader.next().await.unwrap();
    assert_eq!((id, name.as_str()), (Some(0), "open"));
    assert_eq!(data, "{\"ok\":true,\"topic\":\"conversation/a\"}");
    let (id, name, _) = reader.next().await.unwrap();
    assert_eq!((id, name.as_str()), (Some(1), "processing"));
    let (id, name, data) = reader.next().await.unwrap();
    assert_eq!((id, name.as_str()), (None, "chunk"));
    assert!(data.contains("\"one \""), "{data}");
    drop(reader);
    gate.notify_one();
    client.until_over("r1").await;
    let mut again = Reader::new(open(&house, "topic=conversation/a", KEY, Some(1)).await);
    assert_eq!(again.next().await.unwrap().0, Some(1));
    let (_, name, data) = again.next().await.unwrap();
    assert_eq!(name, "chunk");
    assert!(data.contains("\"one two\""), "{data}");
    let (id, name, _) = again.next().await.unwrap();
    assert_eq!((id, name.as_str()), (Some(3), "complete"));
    house.hub.shut_down();
    assert_eq!(again.next().await.unwrap().1, "shutdown");
    assert_eq!(again.next().await, None);
}

#[actix::test]
async fn what_cannot_be_streamed_is_refused() {
    let house = House::new(FakeModel::saying(vec![])).await;
    let mut client = house.client().await;
    client.ask(Some("a"), "r1", "hi").await;
    client.until_over("r1").await;
    for (query, key, status) in [
        ("topic=conversation/a", KEY, 200),
        ("topic=conversation/a", OTHER, 404),
        ("topic=conversation/b", KEY, 404),
        ("topic=conversation/a%20b", KEY, 400),
        ("topic=conversation/a&topic=jobs", KEY, 400),
        ("topic=conversation/a", "wrong", 401),
    ] {
        assert_eq!(open(&house, query, key, None).await.status(), status, "{query}");
    }
    house.until("the stream has ended", |house| house.hub.statistics().readers == 0).await;
    let held = (
        open(&house, "topic=conversation/a", KEY, None).await,
        open(&house, "topic=conversation/a", KEY, None).await,
    );
    assert_eq!(open(&house, "topic=conversation/a", KEY, None).await.status(), 429);
    drop(held);
}
