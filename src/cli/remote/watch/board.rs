//! What the live view knows: a fold of how things stood when the stream opened and of the events
//! since. Pure.
//!
//! How things stood may be newer than the place where the stream began. So an event that is older
//! than its item changes nothing but the log, and nothing changes an item that is over.

use std::collections::{BTreeMap, VecDeque};

use serde_json::Value;

use crate::cli::remote::answers::{Canary, Job, Progress};
use crate::cli::remote::evidence::Evidence;
use crate::client::ServerEvent;
use crate::clock::Timestamp;

/// How many events and how many ends are remembered.
const EVENTS: usize = 200;
const ENDED: usize = 50;

/// A canary, and what was last measured of it.
#[derive(Debug, Clone)]
pub(super) struct Watched {
    pub(super) canary: Canary,
    pub(super) latency_p95_ms: Option<f64>,
    pub(super) error_rate: Option<f64>,
    pub(super) evidence: Evidence,
}

/// A line of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Logged {
    pub(super) at: String,
    pub(super) name: String,
    pub(super) topic: String,
    pub(super) words: String,
}

/// Whether news comes.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) enum Connection {
    #[default]
    Opening,
    Live,
    Lost(String),
}

/// Everything that is shown.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) connection: Connection,
    jobs: BTreeMap<String, Job>,
    canaries: BTreeMap<String, Watched>,
    /// The newest last.
    log: VecDeque<Logged>,
    /// The ids of what ended, the newest last.
    ended: VecDeque<String>,
}

impl Board {
    /// Takes how a job stands, unless more is known already.
    pub(super) fn put_job(&mut self, job: Job) {
        match self.jobs.get(&job.id) {
            Some(known) if known.is_over() || is_later(&known.updated_at, &job.updated_at) => {}
            _ => {
                self.jobs.insert(job.id.clone(), job);
            }
        }
    }

    /// Takes how a canary stands, unless more is known already.
    pub(super) fn put_canary(&mut self, canary: Canary) {
        let evidence = Evidence::read(canary.evidence.as_ref().unwrap_or(&Value::Null));
        match self.canaries.get_mut(&canary.id) {
            Some(known) if known.canary.is_over() => {}
            Some(known) => {
                if !evidence.is_empty() {
                    known.evidence = evidence;
                }
                known.canary = canary;
            }
            None => {
                let watched = Watched { evidence, latency_p95_ms: None, error_rate: None, canary };
                self.canaries.insert(watched.canary.id.clone(), watched);
            }
        }
    }

    /// Forgets what runs: after a gap nobody knows whether it still does.
    pub(super) fn forget_open(&mut self) {
        self.jobs.retain(|_, job| job.is_over());
        self.canaries.retain(|_, watched| watched.canary.is_over());
    }

    /// Takes an event.
    pub(super) fn take(&mut self, event: &ServerEvent) {
        let data = &event.data;
        let (topic, at) = (words(&data["topic"]), words(&data["ts"]));
        // On the topics of a kind the frame has the kind's name, and the payload the event's own.
        let name = data["type"].as_str().unwrap_or(&event.name).to_owned();
        let ended = match topic.split_once('/') {
            Some(("job", id)) => self.job_event(id, data, &at),
            Some(("canary", id)) => self.canary_event(id, data, &at),
            _ => false,
        };
        if ended {
            self.end(topic.split('/').nth(1).unwrap_or_default().to_owned());
        }
        let is_in_the_bars = name == "metric" || (name == "update" && topic.starts_with("job/"));
        if !is_in_the_bars {
            self.log.push_back(Logged { at, name, topic, words: self::said(data) });
            if EVENTS < self.log.len() {
                self.log.pop_front();
            }
        }
    }

    /// Whether this event ended the job.
    fn job_event(&mut self, id: &str, data: &Value, at: &str) -> bool {
        let job = self.jobs.entry(id.to_owned()).or_insert_with(|| Job {
            id: id.to_owned(),
            task_id: words(&data["taskId"]),
            config_id: words(&data["configId"]),
            status: "QUEUED".to_owned(),
            started_at: at.to_owned(),
            running_at: None,
            updated_at: at.to_owned(),
            progress: None,
            error: None,
            reason: None,
            cancel_requested_by: None,
            result: None,
        });
        if job.is_over() || is_later(&job.updated_at, at) {
            return false;
        }
        at.clone_into(&mut job.updated_at);
        if let Some(status) = data["status"].as_str() {
            status.clone_into(&mut job.status);
        }
        if job.status == "RUNNING" && job.running_at.is_none() {
            job.running_at = Some(at.to_owned());
        }
        if let Ok(progress) = serde_json::from_value::<Progress>(data["progress"].clone()) {
            job.progress = Some(progress);
        }
        job.error = Some(data["error"].clone());
        job.reason = data["reason"].as_str().map(str::to_owned);
        job.is_over()
    }

    /// Whether this event ended the canary.
    fn canary_event(&mut self, id: &str, data: &Value, at: &str) -> bool {
        if !self.canaries.contains_key(id) {
            let mut told = data.clone();
            told["updatedAt"] = at.into();
            let Ok(canary) = serde_json::from_value::<Canary>(told) else { return false };
            self.put_canary(canary);
        }
        let Some(watched) = self.canaries.get_mut(id) else { return false };
        let canary = &mut watched.canary;
        let known = canary.updated_at.as_deref().unwrap_or_default();
        // One that was over before it was known here is news all the same.
        let was_over = canary.is_over() && known != at;
        if was_over || is_later(known, at) {
            return false;
        }
        canary.updated_at = Some(at.to_owned());
        for (member, place) in [("status", &mut canary.status), ("phase", &mut canary.phase)] {
            if let Some(told) = data[member].as_str() {
                told.clone_into(place);
            }
        }
        if data["type"] == "metric" {
            watched.latency_p95_ms = data["latency_p95_ms"].as_f64();
            watched.error_rate = data["error_rate"].as_f64();
            let evidence = Evidence::read(&data["evidence"]);
            if !evidence.is_empty() {
                watched.evidence = evidence;
            }
            let elapsed = data["elapsedSeconds"].as_f64();
            canary.elapsed_seconds = elapsed.unwrap_or(canary.elapsed_seconds);
        } else {
            canary.reason = data["reason"].as_str().map(str::to_owned);
            canary.trouble = data["trouble"].as_str().map(str::to_owned);
        }
        canary.is_over()
    }

    /// Remembers an end, and forgets the oldest when there are many.
    fn end(&mut self, id: String) {
        self.ended.push_back(id);
        if ENDED < self.ended.len()
            && let Some(oldest) = self.ended.pop_front()
        {
            self.jobs.remove(&oldest);
            self.canaries.remove(&oldest);
        }
    }

    /// The jobs: what runs, what waits, what ended, the newest of each first.
    pub(super) fn jobs(&self) -> Vec<&Job> {
        let rank = |job: &Job| match job.status.as_str() {
            "RUNNING" => 0,
            "QUEUED" => 1,
            _ => 2,
        };
        let mut jobs: Vec<&Job> = self.jobs.values().collect();
        jobs.sort_by(|a, b| rank(a).cmp(&rank(b)).then(b.updated_at.cmp(&a.updated_at)));
        jobs
    }

    /// The canaries: what goes on, then what ended, the newest of each first.
    pub(super) fn canaries(&self) -> Vec<&Watched> {
        let mut canaries: Vec<&Watched> = self.canaries.values().collect();
        canaries.sort_by(|a, b| {
            let key = |watched: &Watched| (watched.canary.is_over(), watched.canary.id.clone());
            if a.canary.is_over() && b.canary.is_over() {
                return b.canary.updated_at.cmp(&a.canary.updated_at);
            }
            key(a).cmp(&key(b))
        });
        canaries
    }

    /// The last events, the newest first.
    pub(super) fn log(&self) -> impl Iterator<Item = &Logged> {
        self.log.iter().rev()
    }
}

/// Whether one time is later than another; of texts that are no times none is.
fn is_later(one: &str, other: &str) -> bool {
    match (Timestamp::parse(one), Timestamp::parse(other)) {
        (Ok(one), Ok(other)) => other < one,
        _ => false,
    }
}

fn words(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// What an event says, shortly.
fn said(data: &Value) -> String {
    let named = ["error", "trouble", "reason"].into_iter().find_map(|name| data[name].as_str());
    let gate = data["gate"].as_str().unwrap_or_default();
    let model = data["modelId"].as_str().filter(|_| data["canaryId"].is_string());
    let parts = [
        data["taskId"].as_str(),
        data["configId"].as_str(),
        model,
        (!gate.is_empty()).then_some(gate),
        data["phase"].as_str().filter(|_| data["type"] == "update"),
        named,
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
}

#[cfg(test)]
mod tests;
