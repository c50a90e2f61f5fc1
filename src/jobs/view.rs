//! A job as it stood at one moment, for those who only look.

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use crate::board::Posted;
use crate::store::jobs::JobRow;

/// A job as it stood at one moment.
#[derive(Debug)]
pub struct JobView {
    /// Its row.
    pub row: JobRow,
    encoded: OnceLock<Bytes>,
}

impl JobView {
    /// Makes a view of a committed row.
    pub fn new(row: JobRow) -> Arc<Self> {
        Arc::new(Self { row, encoded: OnceLock::new() })
    }

    /// The view as the wire has it: made by `encode` when first asked for, and then kept.
    pub fn encoded(&self, encode: impl FnOnce(&JobRow) -> Bytes) -> Bytes {
        self.encoded.get_or_init(|| encode(&self.row)).clone()
    }
}

impl Posted for JobView {
    fn id(&self) -> &str {
        &self.row.job_id
    }

    fn is_over(&self) -> bool {
        self.row.status.is_terminal()
    }
}
