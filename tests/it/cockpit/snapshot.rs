//! The stream of the page: first how everything stands, then what happens, and nothing between.

use std::collections::BTreeMap;

use reqwest::Response;
use serde_json::{Value, json};

use crate::database::Database;
use crate::golden::events::{Frame, frames};
use crate::harness::{Daemon, Home, PATIENCE, read_until};

const PAGE: &str = "topic=job/*&topic=canary/*&topic=model/*&snapshot=1";

/// How many evals are started while pages open.
const EVALS: usize = 60;

/// How many pages open meanwhile.
const PAGES: usize = 12;

async fn first_frames(stream: &mut Response) -> Vec<Frame> {
    frames(&read_until(stream, |text| 2 <= frames(text).len()).await)
}

/// What a page knows of jobs: their status, by the rules that `docs/sse.md` gives a page.
#[derive(Default)]
struct Known {
    jobs: BTreeMap<String, (String, String)>,
    /// The ids of events, in the order in which they came.
    heard: Vec<i64>,
}

impl Known {
    fn take(&mut self, frame: &Frame) {
        let data = frame.data();
        if frame.event() == "snapshot" {
            for job in data["jobs"].as_array().unwrap() {
                let known = (text(&job["status"]), text(&job["updatedAt"]));
                assert!(self.jobs.insert(text(&job["jobId"]), known).is_none(), "twice: {job}");
            }
            return;
        }
        self.heard.push(frame.id());
        let status = match frame.event() {
            "queued" => "QUEUED",
            "running" => "RUNNING",
            "completed" => "COMPLETED",
            other => panic!("{other}: {data}"),
        };
        let id = text(&data["jobId"]);
        let is_news = self.jobs.get(&id).is_none_or(|(known, at)| {
            known != "COMPLETED" && at.as_str() <= data["ts"].as_str().unwrap()
        });
        if is_news {
            self.jobs.insert(id, (status.to_owned(), text(&data["ts"])));
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Opens a page and follows it until so many jobs are completed.
async fn page(mut stream: Response) -> (i64, Known) {
    let mut known = Known::default();
    let (mut rest, mut begins, mut taken) = (String::new(), 0, 0);
    let follow = async {
        while known.jobs.values().filter(|(status, _)| status == "COMPLETED").count() < EVALS {
            let chunk = stream.chunk().await.unwrap().expect("the stream ended");
            rest.push_str(std::str::from_utf8(&chunk).unwrap());
            let Some(whole) = rest.rfind("\n\n") else { continue };
            for frame in frames(&rest[..whole + 2]) {
                match taken {
                    0 => assert_eq!(frame.event(), "open"),
                    1 => {
                        assert_eq!(frame.event(), "snapshot");
                        begins = frame.id();
                        known.take(&frame);
                    }
                    _ => known.take(&frame),
                }
                taken += 1;
            }
            rest.drain(..whole + 2);
        }
    };
    tokio::time::timeout(PATIENCE, follow).await.expect("the page lacks something");
    (begins, known)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_that_open_while_much_happens_know_everything_and_nothing_twice() {
    let home = Home::new();
    let daemon = home.start().await;
    let mut pages = Vec::new();
    for n in 0..EVALS {
        if n % (EVALS / PAGES) == 2 {
            pages.push(tokio::spawn(page(daemon.sse(PAGE).await)));
        }
        daemon.run_eval("quick").await;
    }
    assert_eq!(pages.len(), PAGES);
    let mut begins = Vec::new();
    let mut heard = Vec::new();
    for page in pages {
        let (began, known) = page.await.unwrap();
        assert_eq!(known.jobs.len(), EVALS);
        begins.push(began);
        heard.push(known.heard);
    }
    let there: Vec<i64> =
        Database::open(&home.db()).events().into_iter().map(|event| event.seq).collect();
    for (began, heard) in begins.iter().zip(heard) {
        // The last page may have seen the last job's end in the snapshot, and waits for no event.
        let last = heard.last().copied().unwrap_or(*began);
        let expected: Vec<_> =
            there.iter().copied().filter(|seq| began < seq && *seq <= last).collect();
        assert_eq!(heard, expected, "from {began} on");
    }
    assert!(begins.is_sorted() && begins.first() < begins.last(), "{begins:?}");
}

async fn settled(daemon: &Daemon) -> [String; 2] {
    let done = daemon.run_eval("quick").await;
    daemon.until(&done, &["COMPLETED"]).await;
    let promotion = json!({ "modelId": "adder:2", "gate": "production" });
    daemon.call("promote_model", promotion).await;
    let running = daemon.run_eval("sleep").await;
    daemon.until(&running, &["RUNNING"]).await;
    [done, running]
}

#[tokio::test]
async fn a_snapshot_says_who_answers_who_asks_and_how_everything_stands() {
    let home = Home::new();
    let daemon = home.start().await;
    let [done, running] = settled(&daemon).await;
    let mut stream = daemon.sse(PAGE).await;
    let first = first_frames(&mut stream).await;
    assert_eq!([first[0].event(), first[1].event()], ["open", "snapshot"]);
    assert_eq!(first[0].id(), first[1].id());
    let shown = first[1].data();
    assert_eq!(shown["server"]["name"], "lukhas-mcp");
    assert_eq!(shown["server"]["registry"], "local");
    assert_eq!(shown["server"]["readOnly"], false);
    assert_eq!(shown["server"]["chat"], false);
    assert!(shown["server"]["startedAt"].as_str() < shown["server"]["now"].as_str());
    let you = json!({ "principal": "anonymous", "role": "operate", "open": true });
    assert_eq!(shown["you"], you);
    assert_eq!(shown["counts"]["jobs"], json!({ "COMPLETED": 1, "RUNNING": 1 }));
    assert_eq!(shown["counts"]["canaries"], json!({}));
    let jobs = shown["jobs"].as_array().unwrap();
    let ids: Vec<_> = jobs.iter().map(|job| job["jobId"].as_str().unwrap()).collect();
    assert_eq!(ids, [&*running, &*done], "newest first");
    for job in jobs {
        let status = daemon.ask("status", json!({ "jobId": job["jobId"] })).await;
        for member in ["taskId", "configId", "status", "startedAt", "runningAt", "updatedAt"] {
            assert_eq!(job[member], status[member], "{member}");
        }
        for member in ["progress", "error", "reason", "principal"] {
            assert_eq!(job[member], status[member], "{member}");
        }
        assert!(job.get("result").is_none(), "{job}");
    }
    let listed = daemon.ask("list_models", json!({})).await;
    assert_eq!(shown["models"], listed["models"]);
    assert_eq!(shown["canaries"], json!([]));
}

#[tokio::test]
async fn who_comes_back_gets_what_it_lacks_and_no_snapshot_unless_it_cannot_be_helped() {
    let home = Home::new();
    let mut daemon = home.start().await;
    let [_, running] = settled(&daemon).await;
    let mut stream = daemon.sse(PAGE).await;
    let snapshot = first_frames(&mut stream).await.remove(1);
    drop(stream);
    daemon.call("cancel_job", json!({ "jobId": running })).await;
    daemon.until(&running, &["CANCELLED"]).await;
    let back = daemon.get(&format!("/sse?{PAGE}")).header("Last-Event-ID", snapshot.id());
    let mut back = back.send().await.unwrap();
    let heard = read_until(&mut back, |text| text.contains("event: cancelled")).await;
    assert!(!heard.contains("event: snapshot"), "{heard}");
    let unknown = daemon.get(&format!("/sse?{PAGE}&lastEventId=999999"));
    let mut unknown = unknown.send().await.unwrap();
    let frames = first_frames(&mut unknown).await;
    assert_eq!(frames[1].event(), "snapshot", "no event has this id: the log is another one");
    drop((back, unknown));

    daemon.terminate().await;
    let newest = "DELETE FROM events WHERE seq < (SELECT max(seq) FROM events)";
    Database::open(&home.db()).execute(newest);
    let daemon = home.start().await;
    let mut late = daemon.sse(&format!("{PAGE}&lastEventId=1")).await;
    let heard = read_until(&mut late, |text| text.contains("event: cancelled")).await;
    assert!(heard.contains("event: gap") && !heard.contains("event: snapshot"), "{heard}");
}

#[tokio::test]
async fn snapshot_is_1_or_absent() {
    let home = Home::new();
    let daemon = home.start().await;
    for (query, status) in [
        ("topic=jobs&snapshot=1", 200),
        ("topic=jobs&snapshot=0", 200),
        ("topic=jobs&snapshot=", 200),
        ("topic=jobs&snapshot=yes", 400),
        ("topic=jobs&snapshot=1&snapshot=1", 400),
        ("snapshot=1", 400),
    ] {
        assert_eq!(daemon.sse(query).await.status(), status, "{query}");
    }
    let mut plain = daemon.sse("topic=jobs").await;
    daemon.run_eval("quick").await;
    let heard = read_until(&mut plain, |text| text.contains("completed")).await;
    assert!(!heard.contains("snapshot"), "{heard}");
}
