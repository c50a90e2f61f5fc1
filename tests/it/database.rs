//! What the database says, read from its file as operators read it.

use std::path::Path;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text};

/// A connection beside the daemon's.
pub struct Database(SqliteConnection);

/// An event, in the order of all events.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Event {
    #[diesel(sql_type = BigInt)]
    pub seq: i64,
    #[diesel(sql_type = Text)]
    pub topic: String,
    #[diesel(sql_type = Text)]
    pub name: String,
}

/// A job.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub struct Job {
    #[diesel(sql_type = Text)]
    pub id: String,
    #[diesel(sql_type = Text)]
    pub task_id: String,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub failure_reason: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub cancel_requested_by: Option<String>,
    #[diesel(sql_type = Nullable<BigInt>)]
    pub timeout_seconds: Option<i64>,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

impl Database {
    pub fn open(path: &Path) -> Self {
        let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 5000").unwrap();
        Self(conn)
    }

    /// Runs statements that answer nothing.
    pub fn execute(&mut self, sql: &str) {
        self.0.batch_execute(sql).unwrap();
    }

    /// All events, oldest first.
    pub fn events(&mut self) -> Vec<Event> {
        let sql = "SELECT seq, topic, type AS name FROM events ORDER BY seq";
        diesel::sql_query(sql).load(&mut self.0).unwrap()
    }

    /// All jobs, in the order of their ids.
    pub fn jobs(&mut self) -> Vec<Job> {
        let sql = "SELECT job_id AS id, task_id, status, failure_reason, cancel_requested_by, \
                   timeout_seconds FROM jobs ORDER BY job_id";
        diesel::sql_query(sql).load(&mut self.0).unwrap()
    }

    /// How many jobs are not over.
    pub fn open_jobs(&mut self) -> i64 {
        self.number("SELECT count(*) AS number FROM jobs WHERE status IN ('QUEUED', 'RUNNING')")
    }

    /// The `number` of the only row that a query answers.
    pub fn number(&mut self, sql: &str) -> i64 {
        diesel::sql_query(sql).get_result::<Number>(&mut self.0).unwrap().number
    }

    /// The `text` of every row that a query answers.
    pub fn texts(&mut self, sql: &str) -> Vec<String> {
        let lines: Vec<Line> = diesel::sql_query(sql).load(&mut self.0).unwrap();
        lines.into_iter().map(|line| line.text).collect()
    }
}
