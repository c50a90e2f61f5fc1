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
    /// 2025-11-25: the last one with `initialize` and sessions.
    V20251125,
    /// 2026-07-28: each request says everything about itself.
    V20260728,
}

/// The newest revision that `initialize` can agree on.
pub(super) const LATEST_AGREED: Version = Version::V20251125;

impl Version {
    /// Every revision that is served, oldest first.
    pub const ALL: [Self; 5] =
        [Self::V20241105, Self::V20250326, Self::V20250618, Self::V20251125, Self::V20260728];

    /// The newest revision that is served.
    pub const NEWEST: Self = Self::V20260728;

    /// The revision as the wire spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::V20241105 => "2024-11-05",
            Self::V20250326 => "2025-03-26",
            Self::V20250618 => "2025-06-18",
            Self::V20251125 => "2025-11-25",
            Self::V20260728 => "2026-07-28",
        }
    }

    /// Reads a revision as the wire spells it.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|version| version.as_str() == text)
    }

    /// Whether each request says everything about itself, and there are no sessions.
    pub fn is_stateless(self) -> bool {
        Self::V20260728 <= self
    }

    /// Whether tools say what their answers look like.
    pub(super) fn has_answer_schemas(self) -> bool {
        Self::V20250618 <= self
    }

    /// Whether arguments that do not fit a tool are the tool's failure rather than the request's.
    pub(super) fn reports_arguments_as_results(self) -> bool {
        Self::V20251125 <= self
    }

    /// Whether a text looks like a revision that came after those of sessions, served or not.
    pub(super) fn is_later(text: &str) -> bool {
        let is_date = text.len() == 10
            && text.bytes().enumerate().all(|(n, byte)| match n {
                4 | 7 => byte == b'-',
                _ => byte.is_ascii_digit(),
            });
        is_date && LATEST_AGREED.as_str() < text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_a_date_after_the_sessions_is_later() {
        for (text, later) in [
            ("2026-07-28", true),
            ("2099-01-01", true),
            ("2025-11-25", false),
            ("2024-01-01", false),
            ("DRAFT-2026", false),
            ("2026-07-28 ", false),
            ("9", false),
            ("", false),
        ] {
            assert_eq!(Version::is_later(text), later, "{text}");
        }
    }
}
