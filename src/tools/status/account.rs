//! What does a client that waits for a job hear meanwhile?

use serde_json::json;

use crate::store::jobs::{JobRow, JobStatus};
use crate::tools::waiting::Rising;
use crate::tools::{Client, LogLevel};

/// The part of the daemon that messages about jobs come from.
const LOGGER: &str = "jobs";

/// What a client that waits is told of a job.
pub(super) struct Account<'a> {
    client: &'a dyn Client,
    rising: Rising<'a>,
    status: Option<JobStatus>,
}

impl<'a> Account<'a> {
    pub(super) fn to(client: &'a dyn Client) -> Self {
        Self { client, rising: Rising::to(client), status: None }
    }

    pub(super) fn tell(&mut self, row: &JobRow) {
        if !self.client.listens() {
            return;
        }
        if self.status.replace(row.status) != Some(row.status) {
            let level = match row.status {
                JobStatus::Failed => LogLevel::Warning,
                status if status.is_terminal() => LogLevel::Notice,
                _ => LogLevel::Info,
            };
            let data = json!({
                "jobId": row.job_id, "status": row.status.as_str(), "error": row.error,
            });
            self.client.log(level, LOGGER, data);
        }
        let done = match row.status {
            status if status.is_terminal() => 1.0,
            _ => row.progress.unwrap_or(0.0).clamp(0.0, 1.0),
        };
        let said = match &row.progress_text {
            Some(text) if !row.status.is_terminal() => text.clone(),
            _ => row.status.as_str().to_owned(),
        };
        self.rising.tell(done, 1.0, said);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tools::listening::Listening;

    fn job() -> JobRow {
        let names = ["job_a", "task", "default"].map(str::to_owned).into();
        JobRow::accepted(JobStatus::Queued, names, "2026-11-21T08:15:00.000Z", ("me", "local"))
    }

    #[test]
    fn each_step_is_told_once_and_progress_ends_at_one() {
        let client = Listening::default();
        let mut account = Account::to(&client);
        let mut row = job();
        account.tell(&row);
        account.tell(&row);
        row.status = JobStatus::Running;
        account.tell(&row);
        (row.progress, row.progress_text) = (Some(0.5), Some("10 of 20".to_owned()));
        account.tell(&row);
        // A run may say less than it said before; what is told never falls.
        row.progress = Some(0.25);
        account.tell(&row);
        row.status = JobStatus::Failed;
        row.error = Some("it broke".to_owned());
        account.tell(&row);
        let told: Vec<_> = client
            .progress()
            .into_iter()
            .map(|told| (told.progress, told.total, told.message.unwrap()))
            .collect();
        let expected = [(0.0, "QUEUED"), (0.5, "10 of 20"), (1.0, "FAILED")];
        assert_eq!(told, expected.map(|(at, said)| (at, Some(1.0), said.to_owned())));
        let logged = client.logged();
        let statuses: Vec<_> =
            logged.iter().map(|(level, logger, data)| (*level, *logger, &data["status"])).collect();
        let (queued, running, failed) = (json!("QUEUED"), json!("RUNNING"), json!("FAILED"));
        let expected = [
            (LogLevel::Info, LOGGER, &queued),
            (LogLevel::Info, LOGGER, &running),
            (LogLevel::Warning, LOGGER, &failed),
        ];
        assert_eq!(statuses, expected);
        assert_eq!(logged[2].2["error"], "it broke");
    }

    #[test]
    fn nothing_is_gathered_for_nobody() {
        let client = Listening::deaf();
        Account::to(&client).tell(&job());
        assert!(client.progress().is_empty() && client.logged().is_empty());
    }
}
