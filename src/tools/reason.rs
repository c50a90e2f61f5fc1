//! A reason as an argument: what somebody says for those who ask later.

use serde::Deserialize;

/// The longest, in characters.
const LENGTH: usize = 500;

/// Some words, 1 to 500 characters.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Reason(String);

impl Reason {
    /// The words.
    pub(super) fn into_text(self) -> String {
        self.0
    }
}

impl TryFrom<String> for Reason {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let has_words = !text.trim().is_empty();
        if has_words && text.chars().count() <= LENGTH {
            Ok(Self(text))
        } else {
            Err(format!("must say something in at most {LENGTH} characters"))
        }
    }
}
