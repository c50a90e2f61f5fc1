//! Which words may stand in an answer where only some do?

use schemars::{Schema, SchemaGenerator};

use crate::adapters::outbound::BreakerState;
use crate::ids::EntityKind;
use crate::mcp_servers::State;
use crate::repo::git::{FileChange, Operation};
use crate::repo::search::Phase as IndexPhase;
use crate::store::canaries::{CanaryStatus, Phase};
use crate::store::gate_moves::{MoveKind, MoveState};
use crate::store::jobs::JobStatus;
use crate::tools::schema::{one_of, one_of_or_null};

/// How well a look could see.
const DATA_QUALITY: [&str; 3] = ["ok", "degraded", "missing"];

/// Makes a schema of all words of an enumeration.
macro_rules! words {
    ($($(#[$doc:meta])* $name:ident = $all:expr, $word:expr;)+) => {
        $($(#[$doc])* pub(super) fn $name(_: &mut SchemaGenerator) -> Schema {
            one_of($all.iter().copied().map($word))
        })+
    };
}

words! {
    /// Where a job stands.
    job_status = JobStatus::ALL, JobStatus::as_str;
    /// Where a canary stands.
    canary_status = CanaryStatus::ALL, CanaryStatus::as_str;
    /// What is being done with a canary.
    canary_phase = Phase::ALL, Phase::as_str;
    /// What kind of move of a gate it is.
    move_kind = MoveKind::ALL, MoveKind::as_str;
    /// How far a move of a gate is.
    move_state = MoveState::ALL, MoveState::as_str;
    /// Whether a server is called.
    breaker_state = BreakerState::ALL, BreakerState::as_str;
    /// What the index of the search is doing.
    index_phase = IndexPhase::ALL, IndexPhase::name;
}

/// How the connection to another MCP server stands.
pub(super) fn connection_state(_: &mut SchemaGenerator) -> Schema {
    one_of(State::WORDS)
}

/// How a file differs, if it does.
pub(super) fn file_change(_: &mut SchemaGenerator) -> Schema {
    one_of_or_null(FileChange::ALL.iter().copied().map(FileChange::as_str))
}

/// What git was told to do, if it is not finished.
pub(super) fn operation(_: &mut SchemaGenerator) -> Schema {
    one_of_or_null(Operation::ALL.iter().copied().map(Operation::as_str))
}

/// What a document or a file is.
pub(super) fn document_kind(_: &mut SchemaGenerator) -> Schema {
    one_of(std::iter::once("file").chain(EntityKind::ALL.map(EntityKind::as_str)))
}

/// What an entry of a directory is.
pub(super) fn entry_kind(_: &mut SchemaGenerator) -> Schema {
    one_of(["file", "dir"])
}

/// Whether everything that was asked for was measured.
pub(super) fn data_quality(_: &mut SchemaGenerator) -> Schema {
    one_of(DATA_QUALITY)
}

/// The same of a look that there may not have been.
pub(super) fn optional_data_quality(_: &mut SchemaGenerator) -> Schema {
    one_of_or_null(DATA_QUALITY)
}
