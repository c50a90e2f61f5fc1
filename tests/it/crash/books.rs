//! What was acknowledged against what is in the database and in the files of those who ran.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use lukhas_mcp::clock::SystemClock;
use lukhas_mcp::ids::{Entity, JobId};
use lukhas_mcp::store::audits::AuditEntry;
use lukhas_mcp::store::jobs::{self, JobRow, JobStatus};
use lukhas_mcp::store::{self, Numbered, Store, StoreDeps, Transaction};
use lukhas_mcp::supervision::{RestartPolicy, Supervision};
use serde_json::json;

use super::load::Figures;
use crate::database::{Database, Event, Job};
use crate::harness::Home;

/// What an audit of the books found.
#[derive(Debug, Default)]
pub struct Books {
    pub acked: usize,
    pub keyed: usize,
    pub cancelled: usize,
    pub jobs: usize,
    pub events: usize,
    /// Acknowledged, and not as it was acknowledged.
    pub lost: Vec<String>,
    /// Begun twice, or there twice for one key.
    pub duplicated: Vec<String>,
    /// Everything else that must not be.
    pub wrong: Vec<String>,
}

/// Compares what clients were told with what is there.
pub fn audit(home: &Home, database: &mut Database, told: &Figures) -> Books {
    let (jobs, events) = (database.jobs(), database.events());
    let starts = std::fs::read_to_string(home.path().join("starts")).unwrap_or_default();
    let mut books = Books {
        acked: told.acked.len(),
        keyed: told.keyed.len(),
        cancelled: told.cancelled.len(),
        jobs: jobs.len(),
        events: events.len(),
        ..Books::default()
    };
    let by_id: HashMap<&str, &Job> = jobs.iter().map(|job| (job.id.as_str(), job)).collect();
    books.check_acknowledged(&by_id, told);
    books.check_keys(&jobs, told);
    books.check_starts(&by_id, &starts);
    for job in &jobs {
        books.check_end(job);
    }
    books.check_events(&by_id, &events);
    let unexplained = database.number(
        "SELECT count(*) AS number FROM jobs WHERE 1 <> (SELECT count(*) FROM audits \
         WHERE entity_id = job_id AND action IN ('job_complete', 'job_fail', 'job_cancel') \
         AND payload_json NOT LIKE '%_phase_:_requested_%') OR 1 <> (SELECT count(*) FROM audits \
         WHERE entity_id = job_id AND action = 'run_eval')",
    );
    if unexplained != 0 {
        books.wrong.push(format!("{unexplained} jobs without one fact for each end of their life"));
    }
    books
}

impl Books {
    fn check_acknowledged(&mut self, jobs: &HashMap<&str, &Job>, told: &Figures) {
        for id in told.acked.iter().filter(|id| !jobs.contains_key(id.as_str())) {
            self.lost.push(format!("{id} was acknowledged and is not there"));
        }
        let is_cancelled =
            |id: &&String| jobs.get(id.as_str()).is_some_and(|job| job.status == "CANCELLED");
        for id in told.cancelled.iter().filter(|id| !is_cancelled(id)) {
            self.lost.push(format!("{id} was acknowledged as cancelled and is not"));
        }
    }

    fn check_keys(&mut self, jobs: &[Job], told: &Figures) {
        let mut of_mark: HashMap<i64, Vec<&str>> = HashMap::new();
        for job in jobs {
            if let Some(mark) = job.timeout_seconds {
                of_mark.entry(mark).or_default().push(&job.id);
            }
        }
        for (mark, ids) in of_mark {
            if told.keyed.get(&mark).is_none_or(|id| ids != [id]) {
                self.duplicated.push(format!("the key of {mark} has {ids:?}"));
            }
        }
    }

    fn check_starts(&mut self, jobs: &HashMap<&str, &Job>, starts: &str) {
        let mut seen = BTreeSet::new();
        for id in starts.lines() {
            if !seen.insert(id) {
                self.duplicated.push(format!("{id} was begun twice"));
            }
            if !jobs.contains_key(id) {
                self.wrong.push(format!("{id} was begun and is no job"));
            }
        }
        for job in jobs.values().filter(|job| job.status == "COMPLETED") {
            if !seen.contains(job.id.as_str()) {
                self.wrong.push(format!("{} is over and was never begun", job.id));
            }
        }
    }

    /// Only what is bound to fail fails, and only what somebody cancelled is cancelled.
    fn check_end(&mut self, job: &Job) {
        let expected = match (job.status.as_str(), job.task_id.as_str()) {
            ("COMPLETED", task) => task != "failing",
            ("FAILED", task) => task == "failing",
            ("CANCELLED", _) => job.cancel_requested_by.is_some(),
            _open => true,
        };
        if !expected {
            self.wrong.push(format!("{job:?} should not have ended so"));
        }
    }

    fn check_events(&mut self, jobs: &HashMap<&str, &Job>, events: &[Event]) {
        for (event, expected) in events.iter().zip(1..) {
            if event.seq != expected {
                self.wrong.push(format!("event {expected} is missing before {event:?}"));
                break;
            }
        }
        let mut stories: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for event in events.iter().filter(|event| event.name != "update") {
            let id = event.topic.strip_prefix("job/").unwrap_or(&event.topic);
            stories.entry(id).or_default().push(&event.name);
        }
        for (id, job) in jobs {
            let told = stories.remove(id).unwrap_or_default();
            let last = job.status.to_lowercase();
            let last = last.as_str();
            if told != ["queued", "running", last] && told != ["queued", last] {
                self.wrong.push(format!("the events of {job:?} are {told:?}"));
            }
        }
        if !stories.is_empty() {
            self.wrong.push(format!("events of nothing: {stories:?}"));
        }
    }
}

/// Fills a new database with jobs that are over and jobs that wait, each with its events and facts.
pub async fn fill(home: &Home, finished: usize, queued: usize) {
    const AT_ONCE: usize = 500;
    let database = store::Database::at(&home.db()).unwrap();
    Store::prepare(&database).unwrap();
    let deps = StoreDeps {
        clock: Arc::new(SystemClock),
        publish: Arc::new(|_| ()),
        supervision: Supervision::new(RestartPolicy::default()),
        arbiter: actix::Arbiter::new().handle(),
        on_end: Box::new(|_| ()),
    };
    let store = Store::start(database, deps);
    let statuses = std::iter::repeat_n(JobStatus::Completed, finished)
        .chain(std::iter::repeat_n(JobStatus::Queued, queued));
    let statuses: Vec<JobStatus> = statuses.collect();
    for chunk in statuses.chunks(AT_ONCE) {
        let chunk = chunk.to_vec();
        let write = store.write(move |transaction| {
            chunk.iter().try_for_each(|status| add(transaction, *status))
        });
        write.await.unwrap();
    }
    store.checkpoint().await.unwrap();
}

fn add(transaction: &mut Transaction<'_>, status: JobStatus) -> Result<(), store::StoreError> {
    let (id, now) = (JobId::generate(transaction.id_prefix()), transaction.now().to_string());
    let is_over = status.is_terminal();
    let ids = (id.to_string(), "short".to_owned(), "default".to_owned());
    let mut row = JobRow {
        result_json: is_over.then(|| json!({ "metrics": { "m": 1.0 } }).to_string()),
        run_ref: is_over.then(|| id.to_string()),
        progress: is_over.then_some(1.0),
        running_at: is_over.then(|| now.clone()),
        ..JobRow::accepted(status, ids, &now, ("anonymous", "local"))
    };
    let entity = Entity::job(&id);
    let story = [("queued", "run_eval"), ("running", "job_running"), ("completed", "job_complete")];
    let told = if is_over { 3 } else { 1 };
    for (event, action) in story.into_iter().take(told) {
        let message = format!("{action} of {}", row.task_id);
        let fact = transaction.audit(AuditEntry {
            actor: "system",
            action,
            entity: &entity,
            numbered: if row.number == 0 { Numbered::First } else { Numbered::Later(row.number) },
            payload_json: json!({ "taskId": row.task_id }).to_string(),
            message,
        })?;
        if row.number == 0 {
            row = jobs::insert(transaction, fact, row)?;
        }
        transaction.emit((&entity, Some(row.number)), event, &json!({}))?;
    }
    Ok(())
}
