//! Jobs, canaries and models as documents: what each is, how it stands, its numbers and its story,
//! for readers that know nothing of this daemon.

use std::fmt::Write as _;

use serde::Serialize;
use serde_json::Value;

use crate::audit::prose;
use crate::canaries::CanaryView;
use crate::ids::{Entity, EntityKind};
use crate::store::audits::AuditRow;
use crate::store::decisions::DecisionRow;
use crate::store::jobs::JobRow;
use crate::store::models::ModelWithGates;
use crate::tools::subject::{Subject, subject, subject_of};
use crate::tools::{Doors, ToolError};

/// A document about a job, a canary or a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// What it is about.
    pub kind: EntityKind,
    /// One line.
    pub title: String,
    /// Markdown.
    pub text: String,
    /// When what it tells of changed last.
    pub updated_at: String,
}

/// What a document is made of.
pub(super) struct Parts {
    pub(super) title: String,
    /// What it is and how it stands.
    pub(super) head: String,
    /// Its numbers, in full.
    pub(super) numbers: String,
    /// What happened to it.
    pub(super) story: String,
    pub(super) updated_at: String,
}

/// The document about the job, canary or model with this id; nothing if there is none.
///
/// # Errors
/// What is known of it cannot be read.
pub async fn document(doors: &Doors, id: &str) -> Result<Option<Document>, ToolError> {
    match subject(doors, id).await? {
        Some(subject) => Ok(Some(about(doors, &subject, doors.audit.about(id).await?).await?)),
        None => Ok(None),
    }
}

/// The document about one thing, which nothing else of its name can stand for; nothing if there is
/// no such thing.
///
/// # Errors
/// What is known of it cannot be read.
pub async fn document_of(doors: &Doors, entity: &Entity) -> Result<Option<Document>, ToolError> {
    let Some(subject) = subject_of(doors, entity.kind, &entity.id).await? else { return Ok(None) };
    let mut facts = doors.audit.about(&entity.id).await?;
    facts.retain(|fact| fact.entity_type == entity.kind.as_str());
    Ok(Some(about(doors, &subject, facts).await?))
}

async fn about(
    doors: &Doors,
    subject: &Subject,
    facts: Vec<AuditRow>,
) -> Result<Document, ToolError> {
    let decisions = match subject {
        Subject::Canary(view) => doors.canaries.decisions(&view.canary_id()).await?,
        Subject::Job(_) | Subject::Model(_) => Vec::new(),
    };
    let parts = parts(subject, doors.models.registry(), &decisions, &facts);
    Ok(Document {
        kind: subject.kind(),
        title: parts.title,
        text: [parts.head, parts.numbers, parts.story].concat(),
        updated_at: parts.updated_at,
    })
}

/// Says what there is to say.
pub(super) fn parts(
    subject: &Subject,
    registry: &str,
    decisions: &[DecisionRow],
    facts: &[AuditRow],
) -> Parts {
    let story =
        if facts.is_empty() { String::new() } else { format!("\n## Story\n\n{}", prose(facts)) };
    let parts = match subject {
        Subject::Job(view) => about_job(&view.row),
        Subject::Canary(view) => about_canary(view, decisions),
        Subject::Model(found) => about_model(found, registry, facts),
    };
    Parts { story, ..parts }
}

fn about_job(job: &JobRow) -> Parts {
    let title =
        format!("{}: {} with {}, {}", job.job_id, job.task_id, job.config_id, job.status.as_str());
    let mut page = Page::of(&job.job_id);
    page.say(format_args!(
        "An eval of the task {} with the configuration {}. It is {}.",
        job.task_id,
        job.config_id,
        job.status.as_str()
    ));
    page.list([
        ("Asked for by", Some(job.principal.as_str())),
        ("Accepted", Some(&job.started_at)),
        ("Started", job.running_at.as_deref()),
        ("Last change", Some(&job.updated_at)),
        ("Deadline", job.deadline_at.as_deref()),
        ("Runner", Some(&job.runner)),
        ("Progress", job.progress_text.as_deref()),
        ("Failed because", job.error.as_deref()),
        ("Reason", job.failure_reason.as_deref()),
        ("Cancelled by", job.cancel_requested_by.as_deref()),
    ]);
    let result = job.result_json.as_deref().map(serde_json::from_str::<Value>);
    if let Some(Ok(result)) = result {
        page.section("Result", &result);
    }
    page.finish(title, &job.updated_at)
}

fn about_canary(view: &CanaryView, decisions: &[DecisionRow]) -> Parts {
    let row = &view.row;
    let title = format!(
        "{}: {} from {} to {}, {}",
        row.canary_id,
        row.model_id,
        row.from_gate,
        row.to_gate,
        row.status.as_str()
    );
    let mut page = Page::of(&row.canary_id);
    let dry = if row.dry_run { " It is a dry run and moves nothing." } else { "" };
    page.say(format_args!(
        "The model {} on probation in the gate {}, where it comes from {}. It is {}, in the phase \
         {}.{dry}",
        row.model_id,
        row.to_gate,
        row.from_gate,
        row.status.as_str(),
        row.phase.as_str()
    ));
    let window = format!("{} s", view.policy.window().as_secs());
    let elapsed = format!("{:.1} s", view.elapsed().as_secs_f64());
    let polls = row.polls.to_string();
    page.list([
        ("Asked for by", Some(row.principal.as_str())),
        ("Accepted", Some(&row.created_at)),
        ("Last change", Some(&row.updated_at)),
        ("Window", Some(&window)),
        ("Of it over", Some(&elapsed)),
        ("Measurements", Some(&polls)),
        ("Measured by", Some(&row.source)),
        ("Reason", row.reason.as_deref()),
        ("Decided", row.decided_at.as_deref()),
        ("Trouble", row.trouble.as_deref()),
    ]);
    let last =
        decisions.last().and_then(|row| serde_json::from_str::<Value>(&row.record_json).ok());
    match (view.report(), last) {
        (Some(report), _) => page.section("Evidence", &report),
        (None, Some(record)) => page.section("Evidence", &record["evidence"]),
        (None, None) => {}
    }
    page.section("Policy", &*view.policy);
    page.finish(title, &row.updated_at)
}

fn about_model(found: &ModelWithGates, registry: &str, facts: &[AuditRow]) -> Parts {
    let model = &found.model;
    let gates = found.gates.join(", ");
    let stands = if gates.is_empty() { "in no gate".to_owned() } else { format!("in {gates}") };
    let title = format!("{}: {stands}", model.model_id);
    let mut page = Page::of(&model.model_id);
    page.say(format_args!("A model. It stands {stands}, as the {registry} registry showed last."));
    page.list([("Promoted last", model.promoted_at.as_deref())]);
    let told = facts.last().map(|fact| fact.ts.as_str());
    let updated_at = told.or(model.promoted_at.as_deref()).unwrap_or_default();
    page.finish(title, updated_at)
}

/// Markdown in the making.
struct Page {
    head: String,
    numbers: String,
}

impl Page {
    fn of(id: &str) -> Self {
        Self { head: format!("# {id}\n"), numbers: String::new() }
    }

    fn say(&mut self, sentence: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _ = write!(self.head, "\n{sentence}\n");
    }

    /// What is known of these.
    fn list<const N: usize>(&mut self, entries: [(&str, Option<&str>); N]) {
        for (n, (name, value)) in
            entries.iter().filter_map(|(name, value)| Some((name, (*value)?))).enumerate()
        {
            let gap = if n == 0 { "\n" } else { "" };
            let _ = writeln!(self.head, "{gap}- {name}: {}", on_one_line(value));
        }
    }

    fn section(&mut self, title: &str, numbers: &impl Serialize) {
        if let Ok(json) = serde_json::to_string_pretty(numbers) {
            let _ = write!(self.numbers, "\n## {title}\n\n```json\n{json}\n```\n");
        }
    }

    fn finish(self, title: String, updated_at: &str) -> Parts {
        let Self { head, numbers } = self;
        Parts { title, head, numbers, story: String::new(), updated_at: updated_at.to_owned() }
    }
}

/// Words that somebody else chose, so that they cannot begin a line of their own.
pub(super) fn on_one_line(text: &str) -> String {
    text.split(|c: char| c.is_whitespace() || c.is_control())
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}
