//! The revisions of the protocol that are served.

/// A revision of MCP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// 2024-11-05.
    V20241105,
    /// 2025-03-26: the one that has batches, and the one that silence means.
    V20250326,
    /// 2025-06-18.
    V20250618,
    /// 2025-11-25.
    V20251125,
}

/// The newest revision that is served.
pub const LATEST: Version = Version::V20251125;

impl Version {
    /// Every revision that is served, oldest first.
    pub const ALL: [Self; 4] = [Self::V20241105, Self::V20250326, Self::V20250618, Self::V20251125];

    /// The revision as the wire spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V20241105 => "2024-11-05",
            Self::V20250326 => "2025-03-26",
            Self::V20250618 => "2025-06-18",
            Self::V20251125 => "2025-11-25",
        }
    }

    /// Reads a revision as the wire spells it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == text)
    }

    /// Whether arguments that do not fit a tool are the tool's failure rather than the request's.
    pub(super) fn reports_arguments_as_results(self) -> bool {
        Self::V20251125 <= self
    }
}
