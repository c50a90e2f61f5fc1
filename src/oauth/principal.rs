//! How is the subject of a token called in audits and logs?

use crate::store::sha256_hex;

/// The longest subject that is a name as it is.
const LONGEST: usize = 64;

/// The name of a token's subject. One that is short and plain is shown; of any other, a digest is, so
/// that no two subjects have one name.
pub(super) fn of_subject(subject: &str) -> String {
    let is_plain = (1..=LONGEST).contains(&subject.len())
        && subject.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._@|:+".contains(&byte))
        && !subject.starts_with(DIGESTED);
    if is_plain {
        return format!("oauth:{subject}");
    }
    let digest = sha256_hex(subject.as_bytes());
    format!("oauth:{DIGESTED}{}", digest.get(..32).unwrap_or(&digest))
}

/// What the name of a subject begins with that is not shown.
const DIGESTED: &str = "sha256:";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_subjects_are_shown_and_others_cannot_pass_for_them() {
        assert_eq!(
            of_subject("auth0|5f7c8ec7c33c6c004bbafe82"),
            "oauth:auth0|5f7c8ec7c33c6c004bbafe82"
        );
        assert_eq!(of_subject("ops@example.org"), "oauth:ops@example.org");
        let strange = of_subject("a\r\n\u{1b}[31m");
        assert!(strange.starts_with("oauth:sha256:") && strange.len() == 45, "{strange}");
        let pretender = strange.strip_prefix("oauth:").unwrap();
        for subject in ["", "a b", "a/b", "ä", &"x".repeat(65), pretender] {
            let name = of_subject(subject);
            assert!(name.starts_with("oauth:sha256:"), "{name}");
            assert_ne!(name, strange);
        }
    }
}
