//! CONTRACT §4: what a dashboard hears.

use reqwest::Response;
use serde_json::{Value, json};

use crate::harness::{Daemon, Home, read_until};

/// One frame: its fields in the order they came.
#[derive(Debug)]
pub struct Frame(Vec<(String, String)>);

impl Frame {
    fn field(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn event(&self) -> &str {
        self.field("event").unwrap_or_default()
    }

    pub fn id(&self) -> i64 {
        self.field("id").unwrap_or_else(|| panic!("no id: {self:?}")).parse().unwrap()
    }

    pub fn data(&self) -> Value {
        serde_json::from_str(self.field("data").unwrap()).unwrap()
    }
}

/// The frames of a text, without comments.
pub fn frames(text: &str) -> Vec<Frame> {
    let fields = |frame: &str| {
        let fields = frame.lines().filter_map(|line| line.split_once(": "));
        fields
            .filter(|(name, _)| !name.is_empty())
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    };
    let all = text.split_inclusive("\n\n").filter(|frame| frame.ends_with("\n\n"));
    all.map(|frame| Frame(fields(frame))).filter(|frame| !frame.0.is_empty()).collect()
}

/// Reads until there is an event of this name, and returns all there was.
async fn heard(stream: &mut Response, event: &str) -> Vec<Frame> {
    let enough = |text: &str| frames(text).iter().any(|frame| frame.event() == event);
    frames(&read_until(stream, enough).await)
}

async fn completed(daemon: &Daemon) -> String {
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    job
}

#[tokio::test]
async fn the_first_frame_names_the_topics_as_they_were_asked_for() {
    let home = Home::new();
    let daemon = home.start().await;
    for (query, topic) in [
        ("topic=jobs", "jobs"),
        ("topic=*", "*"),
        ("topic=job/*", "job/*"),
        ("topic=job%2F%2A", "job/*"),
        ("topic=job/job_x&topic=models&topic=canary/*", "job/job_x,models,canary/*"),
        ("topic=canaries&topic=model/m-1.5:b", "canaries,model/m-1.5:b"),
    ] {
        let mut stream = daemon.sse(query).await;
        assert_eq!(stream.headers()["content-type"], "text/event-stream");
        assert_eq!(stream.headers()["cache-control"], "no-cache");
        assert_eq!(stream.headers()["x-accel-buffering"], "no");
        let text = read_until(&mut stream, |text| text.contains("\n\n")).await;
        let first = &frames(&text)[0];
        assert_eq!(first.event(), "open", "{query}");
        assert_eq!(first.data(), json!({ "ok": true, "topic": topic }), "{query}");
        assert_eq!(text.matches("retry: ").count(), 1, "{query}: {text}");
    }
    let refused = daemon.sse("topic=nothing").await;
    assert_eq!(refused.status(), 400);
    let refused = refused.text().await.unwrap();
    for form in
        ["job/<id>", "canary/<id>", "model/<id>", "job/*", "jobs", "canaries", "models", "*"]
    {
        assert!(refused.contains(form), "{form}: {refused}");
    }
}

#[tokio::test]
async fn every_topic_of_a_job_tells_its_whole_story_under_its_own_names() {
    let home = Home::new();
    home.task("goes", r#"until [ -e go ]; do sleep 0.02; done; echo 'LUKHAS_PROGRESS 0.5 half'; sleep 0.3; printf '{"metrics":{"m":{"value":1}}}' > {result}"#);
    let daemon = home.start().await;
    let job = daemon.run_eval("goes").await;
    let specific =
        [format!("job/{job}"), "job/*".into(), "*".into(), format!("models&topic=job/{job}")];
    let mut streams = Vec::new();
    for topic in &specific {
        streams.push((
            topic.as_str(),
            daemon.sse(&format!("topic={topic}&lastEventId=0")).await,
            true,
        ));
    }
    streams.push(("jobs", daemon.sse("topic=jobs&lastEventId=0").await, false));
    std::fs::write(home.path().join("go"), "").unwrap();
    daemon.until(&job, &["COMPLETED", "FAILED"]).await;
    for (topic, stream, is_specific) in &mut streams {
        let is_last =
            |frame: &Frame| frame.event() != "open" && frame.data()["type"] == "completed";
        let text = read_until(stream, |text| frames(text).iter().any(is_last)).await;
        assert_eq!(text.matches("retry: ").count(), 1, "{topic}");
        let events: Vec<Frame> = frames(&text).into_iter().skip(1).collect();
        let types: Vec<Value> = events.iter().map(|frame| frame.data()["type"].clone()).collect();
        assert_eq!(types, ["queued", "running", "update", "completed"], "{topic}");
        for frame in &events {
            let data = frame.data();
            let name = if *is_specific { data["type"].as_str().unwrap() } else { "job" };
            assert_eq!(frame.event(), name, "{topic}");
            assert_eq!(data["topic"], format!("job/{job}"), "{topic}");
            assert_eq!(data["jobId"], job, "{topic}");
            let ts = data["ts"].as_str().unwrap();
            assert!(ts.len() == 24 && ts.ends_with('Z'), "{topic}: {ts}");
        }
        assert!(events.windows(2).all(|pair| pair[0].id() < pair[1].id()), "{topic}: {text}");
        assert!(events[2].data()["progress"].is_object(), "{topic}: {text}");
        assert_eq!(events[3].data()["result"]["metrics"]["m"], 1.0, "{topic}");
    }
    // Nobody hears what is about something else.
    for topic in ["models", "canaries", "model/*", "canary/*", "job/job_other"] {
        let mut stream = daemon.sse(&format!("topic={topic}&topic=jobs&lastEventId=0")).await;
        let text = heard(&mut stream, "job").await;
        assert!(text.iter().all(|frame| ["open", "job"].contains(&frame.event())), "{topic}");
    }
}

#[tokio::test]
async fn failures_and_cancellations_are_told() {
    let home = Home::new();
    home.task("fails", "exit 3");
    let daemon = home.start().await;
    let mut stream = daemon.sse("topic=job/*").await;
    let job = daemon.run_eval("fails").await;
    daemon.until(&job, &["FAILED"]).await;
    let last = heard(&mut stream, "failed").await.pop().unwrap();
    assert!(last.data()["error"].is_string(), "{last:?}");
    let job = daemon.run_eval("sleep").await;
    daemon.until(&job, &["RUNNING"]).await;
    daemon.ask("cancel_job", json!({ "jobId": job })).await;
    let last = heard(&mut stream, "cancelled").await.pop().unwrap();
    assert_eq!(last.data()["jobId"], job);
}

#[tokio::test]
async fn a_reader_that_comes_back_misses_nothing_and_hears_nothing_twice() {
    let home = Home::new();
    let daemon = home.start().await;
    let first = completed(&daemon).await;
    let mut stream = daemon.sse("topic=job/*&lastEventId=0").await;
    let all = heard(&mut stream, "completed").await;
    let (running, end) = (all[2].id(), all[3].id());
    assert_eq!(all[2].event(), "running");
    // By the header, by the query, and the header before the query.
    for (query, header, expected) in [
        (format!("&lastEventId={running}"), None, running),
        (String::new(), Some(running), running),
        ("&lastEventId=0".to_owned(), Some(running), running),
        (format!("&lastEventId={end}"), None, end),
    ] {
        let mut request = daemon.get(&format!("/sse?topic=job/*{query}"));
        if let Some(id) = header {
            request = request.header("Last-Event-ID", id.to_string());
        }
        let mut stream = request.send().await.unwrap();
        let second = completed(&daemon).await;
        let is_second =
            |frame: &Frame| frame.event() == "completed" && frame.data()["jobId"] == second;
        let text = read_until(&mut stream, |text| frames(text).iter().any(is_second)).await;
        let frames = frames(&text);
        let ids: Vec<i64> = frames.iter().skip(1).map(Frame::id).collect();
        assert!(ids[0] > expected, "{query} {header:?}: {ids:?}");
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "{ids:?}");
        let hears_the_end = frames
            .iter()
            .any(|frame| frame.event() == "completed" && frame.data()["jobId"] == first);
        assert_eq!(hears_the_end, expected == running, "{query} {header:?}");
    }
}

#[tokio::test]
async fn a_job_that_is_over_still_delivers_its_end_after_a_restart_too() {
    let home = Home::new();
    let daemon = home.start().await;
    let job = completed(&daemon).await;
    let mut stream = daemon.sse(&format!("topic=job/{job}&lastEventId=0")).await;
    let before: Vec<i64> =
        heard(&mut stream, "completed").await.iter().skip(1).map(Frame::id).collect();
    daemon.kill();
    let daemon = home.start().await;
    let mut stream = daemon.sse(&format!("topic=job/{job}&lastEventId=0")).await;
    let after = heard(&mut stream, "completed").await;
    assert_eq!(after.iter().skip(1).map(Frame::id).collect::<Vec<_>>(), before);
    assert!(after.last().unwrap().data()["result"].is_object());
}
