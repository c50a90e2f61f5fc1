//! Everything known of a job, a canary or a model, to be kept: attached to an incident, put into a
//! spreadsheet, read by a program.
//!
//! # Invariants
//!
//! 1. As long as nothing happens to a thing, its report is the same to the last byte, whoever asks
//!    and when: two people can compare digests.
//! 2. What somebody else chose as words ends no line, no cell and no table.

mod json;
mod markdown;
mod table;

use crate::canaries::Point;
use crate::models::HistoryQuery;
use crate::store::audits::AuditRow;
use crate::store::decisions::DecisionRow;
use crate::store::gate_moves::GateMoveRow;
use crate::tools::subject::{Subject, subject};
use crate::tools::{Doors, ToolError};

/// The most looks at a canary in a report; of more, as many that are equally far apart.
const LOOKS: u64 = 10_000;

/// The most moves of a model, the newest.
const MOVES: u16 = 200;

/// In which form a report comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReportFormat {
    /// For programs: everything.
    Json,
    /// For people.
    Markdown,
    /// For spreadsheets: a canary's looks, or the facts about a job or a model.
    Csv,
}

impl ReportFormat {
    const ALL: [Self; 3] = [Self::Json, Self::Markdown, Self::Csv];

    /// Reads its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.extension() == text)
    }

    /// All names, as a sentence lists them.
    pub fn listed() -> String {
        Self::ALL.map(Self::extension).join(", ")
    }

    /// Its name, which is what a file in it ends with.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Markdown => "md",
            Self::Csv => "csv",
        }
    }

    /// What it is, as HTTP says it.
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Csv => "text/csv; charset=utf-8",
        }
    }
}

/// Everything known of a thing.
struct Known {
    id: String,
    subject: Subject,
    registry: &'static str,
    decisions: Vec<DecisionRow>,
    looks: Vec<Point>,
    moves: Vec<GateMoveRow>,
    facts: Vec<AuditRow>,
}

/// The report on the job, canary or model with this id; nothing if there is none.
///
/// # Errors
/// What is known of it cannot be read.
pub async fn report(
    doors: &Doors,
    id: &str,
    format: ReportFormat,
) -> Result<Option<String>, ToolError> {
    let Some(subject) = subject(doors, id).await? else { return Ok(None) };
    let (mut decisions, mut looks, mut moves) = (Vec::new(), Vec::new(), Vec::new());
    match &subject {
        Subject::Job(_) => {}
        Subject::Canary(view) => {
            decisions = doors.canaries.decisions(&view.canary_id()).await?;
            looks = doors.canaries.series(view, LOOKS).await?;
        }
        Subject::Model(found) => {
            let model = crate::ids::ModelId::parse(&found.model.model_id).ok();
            let query = HistoryQuery { model, ..HistoryQuery::default() };
            moves = doors.models.history(&query, MOVES).await?;
        }
    }
    let facts = doors.audit.about(id).await?;
    let registry = doors.models.registry();
    let known = Known { id: id.to_owned(), subject, registry, decisions, looks, moves, facts };
    Ok(Some(match format {
        ReportFormat::Json => json::of(&known)?,
        ReportFormat::Markdown => markdown::of(&known),
        ReportFormat::Csv => table::of(&known),
    }))
}
