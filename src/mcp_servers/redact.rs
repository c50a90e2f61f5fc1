//! How is a text of a server's said, so that no secret it was given is in it?

use secrecy::{ExposeSecret as _, SecretString};

use crate::visible;

/// What is too short to be looked for: it would be found in any text.
const SHORTEST: usize = 6;

/// Takes the secrets of one server out of texts; no log shows them.
#[derive(Debug, Clone, Default)]
pub(super) struct Redactor(Vec<SecretString>);

impl Redactor {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let long = |secret: &&SecretString| SHORTEST <= secret.expose_secret().len();
        let mut secrets: Vec<SecretString> = secrets.into_iter().filter(long).cloned().collect();
        // One that is a part of another must not leave the other's rest.
        secrets.sort_by_key(|secret| std::cmp::Reverse(secret.expose_secret().len()));
        Self(secrets)
    }

    /// A text in a line, cut to so many bytes.
    pub(super) fn line(&self, text: &str, most: usize) -> String {
        let mut text = text.to_owned();
        for secret in &self.0 {
            if text.contains(secret.expose_secret()) {
                text = text.replace(secret.expose_secret(), "[secret]");
            }
        }
        visible::in_one_line(&text, most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_said() {
        let secrets = ["sk-abc".into(), "sk-abcdef".into(), "1".into()];
        let redactor = Redactor::new(&secrets);
        let said = redactor.line("key sk-abcdef,\n\u{1b}[1msk-abc 1", 99);
        assert_eq!(said, "key [secret], [1m[secret] 1");
    }
}
