//! The reader and applier of patches: what applies does what its text says, and can be undone.

mod diff;
mod reverse;

use crate::repo::patch::{Applied, Content, Patch};

/// The file that is patched.
const PATH: &str = "docs/lines.txt";

/// Checks one input: up to its first NUL a patch, after it a file. Read in the other way, the two
/// are the versions of a file between which a patch is made.
pub fn check(input: &[u8]) {
    let end = input.iter().position(|byte| *byte == 0).unwrap_or(input.len());
    let (first, second) = (&input[..end], input.get(end + 1..).unwrap_or_default());
    check_text(first, Some(second));
    check_text(first, None);
    check_diff(first, second);
}

/// Whatever the text, it is refused in a short visible sentence, or does what it says.
fn check_text(text: &[u8], base: Option<&[u8]>) {
    let patch = match Patch::parse(text, PATH) {
        Ok(patch) => patch,
        Err(refusal) => return check_sentence(&refusal.to_string()),
    };
    assert!(!(patch.creates() && patch.deletes()), "it creates and deletes");
    let applied = match patch.apply(base) {
        Ok(applied) => applied,
        Err(refusal) => return check_sentence(&refusal.to_string()),
    };
    assert!(base.is_some() || patch.creates(), "a file came from nowhere");
    assert_eq!(applied.content == Content::Gone, patch.deletes());
    let base = base.unwrap_or_default();
    let stated = diff::follow(text, base, applied.read_as_crlf);
    assert_eq!(stated.bytes, bytes(&applied), "the text says something else");
    assert_eq!(
        (stated.hunks, stated.added, stated.removed, stated.unprefixed != 0),
        (applied.hunks, applied.added, applied.removed, applied.repaired),
        "the text counts something else"
    );
    if !applied.repaired {
        check_reverse(text, base, &applied);
    }
}

/// Undone, everything is as it was. That a context line or a removed line is not what stands in the
/// file would show here, as it would come back as the patch has it.
fn check_reverse(text: &[u8], base: &[u8], applied: &Applied) {
    let Some(reverse) = reverse::of(text) else {
        return;
    };
    let result = match &applied.content {
        Content::Holds(bytes) => Some(bytes.as_slice()),
        Content::Gone => None,
    };
    let undone = Patch::parse(&reverse, PATH)
        .and_then(|patch| patch.apply(result))
        .unwrap_or_else(|refusal| panic!("{refusal}:\n{}", reverse.escape_ascii()));
    // A removal without context does not show how lines end.
    if undone.read_as_crlf == applied.read_as_crlf {
        assert_eq!(bytes(&undone), base, "it is undone to something else");
    }
    assert_eq!((undone.added, undone.removed), (applied.removed, applied.added));
}

/// The patch between two files makes one of the other.
fn check_diff(old: &[u8], new: &[u8]) {
    for context in 0..4 {
        let text = diff::between(old, new, context);
        let result = Patch::parse(&text, PATH).and_then(|patch| patch.apply(Some(old)));
        if old == new {
            assert!(result.is_err(), "a patch without changes");
            return;
        }
        match result {
            Ok(applied) => {
                assert_eq!(bytes(&applied), new);
                assert!(!applied.repaired && !applied.read_as_crlf);
            }
            Err(refusal) => panic!("{refusal}:\n{}", text.escape_ascii()),
        }
        // Of another file it makes what it says as well, or nothing.
        check_text(&text, Some(old));
        check_text(&text, Some(new));
    }
}

fn bytes(applied: &Applied) -> &[u8] {
    match &applied.content {
        Content::Holds(bytes) => bytes,
        Content::Gone => &[],
    }
}

fn check_sentence(sentence: &str) {
    assert!(sentence.len() < 2000 && !sentence.contains(char::is_control), "{sentence:?}");
}
