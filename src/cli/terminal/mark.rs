//! Which sign and which word stand for a state? The same as on the cockpit's page.

use crate::cli::terminal::style::{Line, Tone};

/// A state as it is shown: never by colour or sign alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::cli) struct Mark {
    pub(in crate::cli) sign: char,
    pub(in crate::cli) word: String,
    pub(in crate::cli) tone: Tone,
}

/// The columns of the longest mark, so that what follows stands in one line.
pub(in crate::cli) const WIDEST: usize = 19;

impl Mark {
    fn of(sign: char, word: &str, tone: Tone) -> Self {
        Self { sign, word: word.to_owned(), tone }
    }

    /// A status that this program does not know, as a newer daemon may have.
    fn unknown(status: &str) -> Self {
        Self::of('?', &status.to_lowercase().replace('_', " "), Tone::Plain)
    }

    /// The state of a job.
    pub(in crate::cli) fn of_job(status: &str) -> Self {
        match status {
            "QUEUED" => Self::of('◌', "queued", Tone::Quiet),
            "RUNNING" => Self::of('●', "running", Tone::Busy),
            "COMPLETED" => Self::of('✓', "completed", Tone::Good),
            "FAILED" => Self::of('✕', "failed", Tone::Bad),
            "CANCELLED" => Self::of('■', "cancelled", Tone::Quiet),
            "DRY_RUN" => Self::of('◌', "dry run", Tone::Quiet),
            other => Self::unknown(other),
        }
    }

    /// The state of a canary, with what its phase and its reason add.
    pub(in crate::cli) fn of_canary(status: &str, phase: &str, reason: Option<&str>) -> Self {
        match (status, phase, reason) {
            ("PROMOTED", ..) => Self::of('↑', "promoted", Tone::Good),
            ("ROLLED_BACK", _, Some("aborted")) => Self::of('■', "aborted", Tone::Quiet),
            ("ROLLED_BACK", ..) => Self::of('↩', "rolled back", Tone::Bad),
            ("FAILED", ..) => Self::of('✕', "failed", Tone::Bad),
            ("PAUSED", ..) => Self::of('‖', "paused", Tone::Busy),
            ("RUNNING", "awaiting_start" | "awaiting_approval", _) => {
                Self::of('◌', "awaits approval", Tone::Busy)
            }
            ("RUNNING", "rolling_back", _) => Self::of('↩', "rolling back", Tone::Bad),
            ("RUNNING", "promoting", _) => Self::of('↑', "promoting", Tone::Busy),
            ("RUNNING", ..) => Self::of('●', "running", Tone::Busy),
            ("PENDING", "over", _) => Self::of('◌', "dry run over", Tone::Quiet),
            ("PENDING", ..) => Self::of('●', "dry run", Tone::Busy),
            (other, ..) => Self::unknown(other),
        }
    }

    /// The end of a dry run of a canary, by what it decided.
    pub(in crate::cli) fn of_dry_run(decision: &str) -> Self {
        match decision {
            "WOULD_BE_PROMOTED" => Self::of('↑', "would promote", Tone::Good),
            "WOULD_BE_ROLLED_BACK" => Self::of('↩', "would roll back", Tone::Bad),
            "WOULD_BE_ASKED" => Self::of('◌', "would ask", Tone::Busy),
            other => Self::unknown(other),
        }
    }

    /// An event, by its name.
    pub(in crate::cli) fn of_event(name: &str, topic: &str) -> Self {
        match (name, topic.split('/').next().unwrap_or_default()) {
            ("queued" | "running" | "completed" | "failed" | "cancelled", "job") => {
                Self::of_job(&name.to_uppercase())
            }
            ("promoted", _) => Self::of('↑', "promoted", Tone::Good),
            ("rolled_back", _) => Self::of('↩', "rolled back", Tone::Bad),
            ("failed", _) => Self::of('✕', "failed", Tone::Bad),
            ("started", _) => Self::of('●', "started", Tone::Busy),
            (other, _) => Self::of('·', &other.replace('_', " "), Tone::Quiet),
        }
    }

    /// Sign and word.
    pub(in crate::cli) fn text(&self) -> String {
        format!("{} {}", self.sign, self.word)
    }

    /// The mark at the beginning of a line, in a column of its own.
    pub(in crate::cli) fn begin(&self, indentation: &str) -> Line {
        Line::new().plain(indentation).column(self.tone, &self.text(), WIDEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::terminal::text;

    #[test]
    fn states_have_a_sign_and_a_word() {
        assert_eq!(Mark::of_job("QUEUED").text(), "◌ queued");
        assert_eq!(Mark::of_job("SLEEPING_LONG").text(), "? sleeping long");
        let rolled_back = Mark::of_canary("ROLLED_BACK", "over", Some("error_rate_breach"));
        assert_eq!(rolled_back.text(), "↩ rolled back");
        assert_eq!(Mark::of_canary("ROLLED_BACK", "over", Some("aborted")).text(), "■ aborted");
        assert_eq!(Mark::of_canary("PENDING", "over", None).text(), "◌ dry run over");
        assert_eq!(Mark::of_dry_run("WOULD_BE_ROLLED_BACK").text(), "↩ would roll back");
        assert_eq!(Mark::of_event("completed", "job/x").text(), "✓ completed");
        assert_eq!(Mark::of_event("rolled_back", "model/x").text(), "↩ rolled back");
    }

    #[test]
    fn every_mark_fits_its_column() {
        for (status, phase) in [("RUNNING", "awaiting_approval"), ("RUNNING", "rolling_back")] {
            assert!(text::width(&Mark::of_canary(status, phase, None).text()) < WIDEST);
        }
        assert!(text::width(&Mark::of_dry_run("WOULD_BE_ROLLED_BACK").text()) < WIDEST);
    }
}
