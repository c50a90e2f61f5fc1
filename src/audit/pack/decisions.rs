//! The records of the decisions that the rows of a pack tell of: each row names the hash of its
//! record, so that the chain proves the records, too.

use serde::Deserialize;

use crate::store::audits::AuditRow;
use crate::store::decisions::DecisionRow;

/// A decision as a row of the chain names it.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Named {
    pub(super) decision_id: String,
    #[serde(rename = "decisionHash")]
    pub(super) hash: String,
}

/// The decision whose making a row tells of.
pub(super) fn named_by(row: &AuditRow) -> Option<Named> {
    // Most rows tell of none, and need not be read for that.
    if !row.payload_json.contains("\"decisionHash\"") {
        return None;
    }
    serde_json::from_str(&row.payload_json).ok()
}

impl Named {
    /// Whether a record is the one that is named, as it was written.
    pub(super) fn is(&self, record: &DecisionRow) -> bool {
        let same = record.decision_id == self.decision_id && record.hash == self.hash;
        same && record.is_intact()
    }
}
