//! What a single name in a path can mean, on this system or on another.
//!
//! Names are compared as the least careful file system would: compatibility forms of letters, case,
//! invisible characters, and dots and spaces at the end make no difference. A rule may therefore
//! refuse a name that would have been harmless here; it never lets one pass that is not.

use std::borrow::Cow;

use icu_normalizer::ComposingNormalizerBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Files that hold keys or passwords wherever they are.
const SECRET_NAMES: &[&str] = &[
    ".dockercfg",
    ".env",
    ".envrc",
    ".git-credentials",
    ".htpasswd",
    ".netrc",
    ".npmrc",
    ".pgpass",
    ".pypirc",
    "_netrc",
    "id_dsa",
    "id_ecdsa",
    "id_ecdsa_sk",
    "id_ed25519",
    "id_ed25519_sk",
    "id_rsa",
];

/// How the names of files end that hold keys or passwords.
const SECRET_ENDINGS: &[&str] =
    &[".jks", ".kdbx", ".key", ".keystore", ".p12", ".pem", ".pfx", ".ppk"];

/// Directories that hold nothing else.
const SECRET_DIRECTORIES: &[&str] = &[".gnupg", ".ssh"];

/// Files that hold keys or passwords in directories of a certain name.
const SECRET_PLACES: &[(&str, &str)] = &[
    (".aws", "credentials"),
    (".cargo", "credentials"),
    (".cargo", "credentials.toml"),
    (".docker", "config.json"),
    (".gem", "credentials"),
    (".kube", "config"),
];

/// What ends the name of a file that only shows how `.env` is to be written.
const SAMPLE_ENDINGS: &[&str] = &[".example", ".sample", ".template"];

/// The state of the program that this one follows, which some repositories have at their root.
const LEGACY_STATE: &str = ".mcp-state.";

/// Names that Windows gives to devices, in every directory and with every ending.
const DEVICES: &[&str] = &["aux", "clock$", "con", "conin$", "conout$", "nul", "prn"];

/// The name as the least careful file system sees it; empty for `..` and its kin.
pub(super) fn fold(name: &str) -> Cow<'_, str> {
    let folded: Cow<'_, str> = if !name.is_ascii() {
        let compatible = ComposingNormalizerBorrowed::new_nfkc();
        let is_shown =
            |c: &char| !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(*c);
        let shown: String = name.chars().filter(is_shown).collect();
        // Some letters only meet in upper case, others only in lower case.
        let cased = compatible.normalize(&shown).to_uppercase().to_lowercase();
        Cow::Owned(compatible.normalize(&cased).into_owned())
    } else if name.contains(|c: char| c.is_ascii_uppercase()) {
        Cow::Owned(name.to_ascii_lowercase())
    } else {
        Cow::Borrowed(name)
    };
    let kept = folded.trim_end_matches(['.', ' ']).len();
    match folded {
        Cow::Borrowed(folded) => Cow::Borrowed(&folded[..kept]),
        Cow::Owned(mut folded) => {
            folded.truncate(kept);
            Cow::Owned(folded)
        }
    }
}

/// Whether a character can be in no path: it is not shown, ends a line, or changes what others look
/// like; or it divides a path on other systems.
pub(super) fn is_forbidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control() || matches!(c, '\\' | ':');
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    let is_invisible = matches!(
        category,
        GeneralCategory::Control
            | GeneralCategory::Format
            | GeneralCategory::LineSeparator
            | GeneralCategory::ParagraphSeparator
    );
    is_invisible || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
}

/// Whether a folded name is that of git's own directory.
pub(super) fn is_git(folded: &str) -> bool {
    folded == ".git"
}

/// Whether a folded name has the form that DOS gave to longer names, as in `GIT~1` and `ID_RSA~1.PUB`:
/// on some file systems it stands for a file of another name.
pub(super) fn is_short_alias(folded: &str) -> bool {
    let (stem, ending) = folded.split_once('.').unwrap_or((folded, ""));
    let Some((start, number)) = stem.rsplit_once('~') else { return false };
    let is_number = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    is_number && !start.is_empty() && stem.len() <= 8 && ending.len() <= 3 && !ending.contains('.')
}

/// Whether a folded name, in a directory of a folded name, holds keys, passwords or state that is
/// nobody's to see.
pub(super) fn is_secret(directory: Option<&str>, folded: &str) -> bool {
    let is_sample = || SAMPLE_ENDINGS.iter().any(|ending| folded.ends_with(ending));
    SECRET_NAMES.contains(&folded)
        || SECRET_DIRECTORIES.contains(&folded)
        || SECRET_ENDINGS.iter().any(|ending| folded.ends_with(ending))
        || folded.starts_with(LEGACY_STATE)
        || (folded.starts_with(".env.") && !is_sample())
        || directory.is_some_and(|directory| SECRET_PLACES.contains(&(directory, folded)))
}

/// Whether a folded name is one that the daemon gives to files that are not yet finished.
pub(super) fn is_temporary(folded: &str) -> bool {
    folded.strip_prefix(".lukhas-mcp-").is_some_and(|rest| rest.strip_suffix(".tmp").is_some())
}

/// Whether git is told by a file of this folded name what to run, where to fetch from, or (`HEAD`)
/// that its directory is a repository.
pub(super) fn steers_git(folded: &str) -> bool {
    matches!(folded, ".gitattributes" | ".gitmodules" | ".lfsconfig" | "head")
}

/// Whether a name means the same on all usual systems.
pub(super) fn is_portable(name: &str) -> bool {
    let folded = fold(name);
    let stem = folded.split('.').next().unwrap_or_default().trim_end();
    let is_port = |kind| {
        let number = stem.strip_prefix(kind);
        number.is_some_and(|n| n.len() == 1 && n.bytes().all(|byte| byte.is_ascii_digit()))
    };
    !DEVICES.contains(&stem)
        && !is_port("com")
        && !is_port("lpt")
        && !name.ends_with('.')
        && !name.ends_with(char::is_whitespace)
        && !name.contains(['<', '>', '"', '|', '?', '*'])
}
