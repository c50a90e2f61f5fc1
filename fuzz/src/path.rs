//! The normaliser of paths: what it accepts stays below the root, however it was written.

use std::path::{Component, Path};

use unicode_normalization::UnicodeNormalization as _;

use crate::repo::path::RepoPath;

/// Checks one text.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let path = match RepoPath::parse(&text) {
        Ok(path) => path,
        Err(refusal) => {
            assert!(!is_plain(&text), "{text:?} is refused: {refusal}");
            return;
        }
    };
    check_form(&path);
    check_system(&path);
    path.names().for_each(check_name);
    assert_eq!(RepoPath::parse(path.as_str()).as_ref(), Ok(&path), "it is read in another way");
    check_parts(&path);
    if path.check_new().is_ok() {
        assert_eq!(path.check_writable(), Ok(()), "{path} may be made and not be changed");
    }
}

/// Names of a few letters, which no rule can be against.
fn is_plain(text: &str) -> bool {
    let is_name = |name: &str| {
        (1..=20).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_lowercase())
    };
    let is_device = |name: &str| matches!(name, "aux" | "con" | "nul" | "prn");
    text.len() < 1000 && text.split('/').all(|name| is_name(name) && !is_device(name))
}

fn check_form(path: &RepoPath) {
    let text = path.as_str();
    assert!(text.len() <= 4096 && !text.starts_with(['/', '~']), "{path}");
    assert!(!text.contains(|c: char| c.is_control() || matches!(c, '\\' | ':')), "{path:?}");
    for name in text.split('/') {
        assert!(!matches!(name, "" | "." | "..") && name.len() <= 255, "{path:?}");
    }
}

/// The system sees the same names, and none that climbs.
fn check_system(path: &RepoPath) {
    let seen: Vec<_> = Path::new(path.as_str()).components().collect();
    let meant: Vec<_> = path.names().map(|name| Component::Normal(name.as_ref())).collect();
    assert_eq!(seen, meant);
}

/// By another implementation of Unicode's forms, no name is git's own, climbs, or is a file of the
/// daemon's or one for keys.
fn check_name(name: &str) {
    let folded: String = name.nfkc().flat_map(char::to_lowercase).nfkc().collect();
    let folded = folded.trim_end_matches(['.', ' ']);
    assert!(!matches!(folded, "" | ".git" | ".env" | "id_rsa" | ".netrc"), "{name:?}");
    assert_eq!(folded.strip_suffix(".pem"), None, "{name:?}");
    let temporary = folded.strip_prefix(".lukhas-mcp-").and_then(|rest| rest.strip_suffix(".tmp"));
    assert_eq!(temporary, None, "{name:?}");
}

/// A path is its directory and its last name.
fn check_parts(path: &RepoPath) {
    let parent = path.parent();
    let child = RepoPath::child(parent.as_ref(), path.file_name());
    assert_eq!(child.as_ref(), Ok(path), "its parts do not make it");
    if let Some(parent) = parent {
        assert_eq!(RepoPath::parse(parent.as_str()), Ok(parent), "its directory is no path");
    }
    if let Some(extension) = path.extension() {
        assert!(path.file_name().ends_with(&format!(".{extension}")), "{path}");
    }
}
