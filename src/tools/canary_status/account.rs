//! What does a client that waits for a canary hear meanwhile?

use serde_json::json;

use crate::canaries::{CanaryView, StoredSample};
use crate::store::canaries::Phase;
use crate::tools::waiting::Rising;
use crate::tools::{Client, LogLevel};

/// The part of the daemon that messages about canaries come from.
const LOGGER: &str = "canaries";

/// What a client that waits is told of a canary.
pub(super) struct Account<'a> {
    client: &'a dyn Client,
    rising: Rising<'a>,
    phase: Option<Phase>,
    polls: i64,
}

impl<'a> Account<'a> {
    pub(super) fn to(client: &'a dyn Client) -> Self {
        Self { client, rising: Rising::to(client), phase: None, polls: 0 }
    }

    pub(super) fn tell(&mut self, view: &CanaryView) {
        if !self.client.listens() {
            return;
        }
        let row = &view.row;
        let (status, phase) = (row.status.as_str(), row.phase.as_str());
        if self.phase.replace(row.phase) != Some(row.phase) {
            let level = if row.phase == Phase::Over { LogLevel::Notice } else { LogLevel::Info };
            let data = json!({
                "canaryId": row.canary_id, "status": status, "phase": phase,
                "reason": row.reason, "trouble": row.trouble,
            });
            self.client.log(level, LOGGER, data);
        }
        if self.polls < row.polls {
            self.polls = row.polls;
            let newest = view.newest.as_deref();
            let data = json!({
                "canaryId": row.canary_id, "poll": row.polls,
                "latency_p95_ms": newest.and_then(StoredSample::shown_latency_ms),
                "error_rate": newest.and_then(StoredSample::shown_error_rate),
            });
            self.client.log(LogLevel::Debug, LOGGER, data);
        }
        let elapsed = view.elapsed().as_secs_f64();
        let window = view.policy.window().as_secs_f64().max(elapsed);
        self.rising.tell(elapsed, window, format!("{status}, {phase}, {} looks", row.polls));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::canaries::{CanaryRow, CanaryStatus};
    use crate::tools::listening::Listening;

    fn canary() -> CanaryRow {
        let at = "2026-11-21T08:15:00.000Z".to_owned();
        CanaryRow {
            canary_id: "canary_a".to_owned(),
            number: 1,
            model_id: "ranker:2".to_owned(),
            from_gate: "stage".to_owned(),
            to_gate: "production".to_owned(),
            status: CanaryStatus::Running,
            created_at: at.clone(),
            updated_at: at,
            policy_json: r#"{"windowSeconds":60,"targets":{"max_error_rate":0.05}}"#.to_owned(),
            phase: Phase::Observing,
            version: 1,
            dry_run: false,
            principal: "me".to_owned(),
            source: "scrape".to_owned(),
            elapsed_ms: 0,
            seen_at: None,
            polls: 0,
            counters_json: None,
            sample_hash: String::new(),
            reason: None,
            decision_id: None,
            decided_at: None,
            trouble: None,
        }
    }

    #[test]
    fn each_look_and_each_phase_is_told_once() {
        let client = Listening::default();
        let mut account = Account::to(&client);
        let mut row = canary();
        for (polls, elapsed_ms, phase) in [
            (0, 0, Phase::Observing),
            (1, 5_000, Phase::Observing),
            (1, 5_000, Phase::Observing),
            (2, 61_000, Phase::RollingBack),
            (2, 61_000, Phase::Over),
        ] {
            (row.polls, row.elapsed_ms, row.phase) = (polls, elapsed_ms, phase);
            account.tell(&CanaryView::of_row(row.clone()).unwrap());
        }
        let told: Vec<_> =
            client.progress().iter().map(|told| (told.progress, told.total)).collect();
        assert_eq!(told, [(0.0, Some(60.0)), (5.0, Some(60.0)), (61.0, Some(61.0))]);
        let logged = client.logged();
        let levels: Vec<_> = logged.iter().map(|(level, _, _)| *level).collect();
        let (debug, info) = (LogLevel::Debug, LogLevel::Info);
        assert_eq!(levels, [info, debug, info, debug, LogLevel::Notice]);
        assert_eq!(logged[3].2["poll"], 2);
        assert_eq!(logged[4].2["phase"], "over");
    }
}
