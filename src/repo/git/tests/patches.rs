//! What is shown as a diff can be given back as a patch.

use super::status::diff;
use super::*;
use crate::repo::patch::{Content, Patch};

/// Before and after; none is no file.
const EDITS: [(Option<&str>, Option<&str>); 14] = [
    (None, Some("1\n2\n")),
    (None, Some("1")),
    (Some("1\n2\n"), None),
    (Some("1"), None),
    (Some("1\n2\n3\n"), Some("1\nzwei\n3\n")),
    (Some("1\n2\n3\n"), Some("0\n1\n2\n3\n4\n")),
    (Some("1\n2\n3\n"), Some("")),
    (Some(""), Some("1\n")),
    (Some("1\n2"), Some("1\n2\n")),
    (Some("1\n2\n"), Some("1\n2")),
    (Some("1\n2"), Some("1\n3")),
    (Some("1\r\n2\r\n3\r\n"), Some("1\r\nzwei\r\n3\r\n")),
    (Some("1\r\n2\r\n3\r\n"), Some("1\n2\r\n3")),
    (Some("-- 1\n++ 2\n"), Some("++ 2\n-- 3\n@@ 4\n\n")),
];

#[test]
fn a_diff_is_a_patch_that_makes_the_same() {
    for name in ["a", "d/a b", "d/ö \"x\""] {
        for (before, after) in EDITS {
            let scene = Scene::with(&[("other", "1\n")]);
            if let Some(before) = before {
                scene.write(name, before);
                scene.commit_named(&[name]).unwrap();
            }
            match after {
                Some(after) => scene.write(name, after),
                None => scene.remove(name),
            }
            let text = diff(&scene, false, &[name]).text;
            let patch = Patch::parse(text.as_bytes(), name).unwrap_or_else(|error| {
                panic!("{error}: {text}");
            });
            let applied = patch.apply(before.map(str::as_bytes)).unwrap();
            let expected = after.map_or(Content::Gone, |text| Content::Holds(text.into()));
            assert_eq!((applied.content, applied.repaired), (expected, false), "{text}");
        }
    }
}
