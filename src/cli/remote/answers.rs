//! What a daemon answers, as far as it is shown to people. Members that are not named here may come
//! and go.

use serde::Deserialize;
use serde_json::Value;

use crate::cli::terminal::mark::Mark;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Job {
    #[serde(default, rename = "jobId")]
    pub(super) id: String,
    pub(super) task_id: String,
    pub(super) config_id: String,
    pub(super) status: String,
    pub(super) started_at: String,
    pub(super) running_at: Option<String>,
    pub(super) updated_at: String,
    pub(super) progress: Option<Progress>,
    pub(super) error: Option<Value>,
    pub(super) reason: Option<String>,
    pub(super) cancel_requested_by: Option<String>,
    pub(super) result: Option<Value>,
}

#[derive(Debug, Clone, Default, Deserialize)]
pub(super) struct Progress {
    pub(super) fraction: Option<f64>,
    #[serde(alias = "text")]
    pub(super) note: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Jobs {
    pub(super) jobs: Vec<Job>,
    pub(super) next_cursor: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Canary {
    #[serde(rename = "canaryId")]
    pub(super) id: String,
    pub(super) model_id: String,
    pub(super) from_gate: String,
    pub(super) to_gate: String,
    pub(super) status: String,
    #[serde(default)]
    pub(super) phase: String,
    pub(super) updated_at: Option<String>,
    #[serde(default)]
    pub(super) policy: Policy,
    #[serde(default)]
    pub(super) elapsed_seconds: f64,
    pub(super) reason: Option<String>,
    pub(super) trouble: Option<String>,
    pub(super) evidence: Option<Value>,
    /// Oldest first. Lists and events tell none.
    #[serde(default)]
    decisions: Vec<Decision>,
}

#[derive(Debug, Clone, Deserialize)]
struct Decision {
    decision: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Policy {
    pub(super) window_seconds: Option<f64>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Canaries {
    pub(super) canaries: Vec<Canary>,
    pub(super) next_cursor: Option<String>,
}

impl Job {
    pub(super) fn mark(&self) -> Mark {
        Mark::of_job(&self.status)
    }

    pub(super) fn is_over(&self) -> bool {
        is_over(&self.status)
    }

    /// Why it ended as it did, in words.
    pub(super) fn said(&self) -> String {
        let error = self.error.as_ref().and_then(error_words);
        let wish = self.cancel_requested_by.as_ref().map(|who| format!("for {who}"));
        error.or_else(|| self.reason.clone()).or(wish).unwrap_or_default()
    }
}

impl Canary {
    pub(super) fn mark(&self) -> Mark {
        match self.decision_of_a_dry_run() {
            Some(decision) => Mark::of_dry_run(decision),
            None => Mark::of_canary(&self.status, &self.phase, self.reason.as_deref()),
        }
    }

    /// What a dry run that is over would have come to. It changes nothing, and so keeps its status.
    pub(super) fn decision_of_a_dry_run(&self) -> Option<&str> {
        let is_dry_and_over = self.status == "PENDING" && self.phase == "over";
        let last = self.decisions.last().filter(|_| is_dry_and_over)?;
        Some(&last.decision)
    }

    pub(super) fn is_over(&self) -> bool {
        is_over(&self.status) || self.phase == "over"
    }

    /// From where to where.
    pub(super) fn gates(&self) -> String {
        format!("{} → {}", self.from_gate, self.to_gate)
    }

    /// What keeps it, or why it was decided as it was.
    pub(super) fn said(&self) -> String {
        self.trouble.clone().or_else(|| self.reason.clone()).unwrap_or_default()
    }
}

/// Whether nothing more happens to a job or a canary with this status.
pub(super) fn is_over(status: &str) -> bool {
    matches!(status, "COMPLETED" | "FAILED" | "CANCELLED" | "DRY_RUN" | "PROMOTED" | "ROLLED_BACK")
}

/// The words of an error, which is a text or an object with a message.
pub(super) fn error_words(error: &Value) -> Option<String> {
    match error {
        Value::Null => None,
        Value::String(words) => Some(words.clone()),
        Value::Object(members) => {
            let part = |name: &str| members.get(name).and_then(Value::as_str);
            match (part("code"), part("message")) {
                (Some(code), Some(message)) => Some(format!("{code}: {message}")),
                (None, Some(words)) | (Some(words), None) => Some(words.to_owned()),
                (None, None) => Some(error.to_string()),
            }
        }
        other => Some(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn errors_are_words_whatever_their_form() {
        assert_eq!(error_words(&Value::Null), None);
        assert_eq!(error_words(&json!("lost")).as_deref(), Some("lost"));
        let coded = json!({ "code": "timeout", "message": "it took too long" });
        assert_eq!(error_words(&coded).as_deref(), Some("timeout: it took too long"));
        assert_eq!(error_words(&json!({ "code": "lost" })).as_deref(), Some("lost"));
        assert_eq!(error_words(&json!([1])).as_deref(), Some("[1]"));
    }

    #[test]
    fn ends_are_told_from_what_goes_on() {
        for status in ["COMPLETED", "PROMOTED", "FAILED", "CANCELLED", "ROLLED_BACK"] {
            assert!(is_over(status), "{status}");
        }
        assert!(!is_over("RUNNING") && !is_over("PAUSED") && !is_over("QUEUED"));
    }
}
