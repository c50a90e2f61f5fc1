//! What can go wrong with the store. `Display` may be shown to a client, `source()` may not.

use diesel::result::Error as DieselError;

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row that the caller named is not there.
    #[error("there is no such row")]
    NotFound,
    /// The row was not in the state that the change needs.
    #[error("it has moved on in the meantime; look again")]
    Stale,
    /// Too many writes wait already.
    #[error("too many requests wait for the database; try again in a second")]
    Overloaded,
    /// The database cannot be used just now; it may recover by itself.
    #[error("the database cannot be used just now: {why}")]
    Unavailable {
        /// What is in the way, in words.
        why: &'static str,
        /// What SQLite said.
        #[source]
        source: Option<DieselError>,
    },
    /// The operation panicked, and was rolled back.
    #[error("the operation failed and was rolled back")]
    Panicked,
    /// SQLite refused for a reason that asking again does not change.
    #[error("the database refused the operation")]
    Refused(#[source] DieselError),
}

impl StoreError {
    /// Whether the same operation may succeed later.
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Overloaded | Self::Unavailable { .. })
    }

    /// The writer's thread is gone.
    pub(super) fn closed() -> Self {
        Self::Unavailable { why: "it is closing", source: None }
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        if matches!(error, DieselError::NotFound) {
            return Self::NotFound;
        }
        // Diesel has no kinds for these, so SQLite's own words have to tell.
        let text = error.to_string();
        let why = [
            ("database is locked", "another program holds its lock"),
            ("database or disk is full", "the disk is full"),
            ("readonly database", "it is read-only"),
            ("read-only database", "it is read-only"),
            ("unable to open database file", "it cannot be opened"),
            ("disk I/O error", "the disk failed"),
        ];
        match why.into_iter().find(|(sign, _)| text.contains(sign)) {
            Some((_, why)) => Self::Unavailable { why, source: Some(error) },
            None => Self::Refused(error),
        }
    }
}
