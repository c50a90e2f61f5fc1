//! How far the index is, for whoever watches the daemon.

use crate::clock::Timestamp;

/// What the index is doing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Phase {
    /// It is built, or brought into step; files are searched directly until then.
    #[default]
    Building,
    /// It answers.
    Ready,
    /// It failed too often and was given up; files are searched directly.
    Failed,
}

impl Phase {
    /// Every phase.
    pub const ALL: [Self; 3] = [Self::Building, Self::Ready, Self::Failed];

    /// As one word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Ready => "ready",
            Self::Failed => "failed",
        }
    }
}

/// How far the index is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IndexState {
    /// What it is doing.
    pub phase: Phase,
    /// While it reads many files: how many it has read, and how many it must.
    pub progress: Option<(u64, u64)>,
    /// Files that can be found.
    pub files: u64,
    /// Bytes of text in them.
    pub bytes_of_text: u64,
    /// Segments that it has.
    pub segments: usize,
    /// Bytes of memory that they take; about.
    pub memory: usize,
    /// Directories in which changes are seen at once.
    pub watches: usize,
    /// Whether some directory could not be watched; changes there are found within minutes.
    pub is_watch_partial: bool,
    /// Whether there are more files or more text than are searched.
    pub is_cut: bool,
    /// When it was last brought into step with a change.
    pub updated: Option<Timestamp>,
}
