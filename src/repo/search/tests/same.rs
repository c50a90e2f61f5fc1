//! The index finds what a look at all files finds.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::*;
use crate::repo::search::segment::{Builder, Text};
use crate::repo::search::snapshot::Snapshot;

/// Texts that are likely to meet: few letters, some of them in other cases or no letters.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[abAB]{1,4}",
        "[ _.:(){}=/-]{1,2}",
        "[aä]{1,2}",
        Just("\n".to_owned()),
        Just("x".repeat(140)),
        Just("ſK".to_owned()),
    ];
    prop::collection::vec(piece, 0..30).prop_map(|pieces| pieces.concat())
}

fn path() -> impl Strategy<Value = String> {
    "([ab_]{1,3}/){0,2}[ab_.]{0,2}[ab]\\.(rs|md)"
}

/// All paths that a query finds when every file is looked at by itself.
fn expected(files: &[(String, String)], literal: &str, is_phrase: bool) -> BTreeSet<String> {
    let literal = words::fold(literal);
    let is_letter = |c: char| c == '_' || c.is_alphanumeric();
    let is_whole = |text: &str, at: usize| {
        let (before, after) = (&text[..at], &text[at + literal.len()..]);
        !(before.ends_with(is_letter) && literal.starts_with(is_letter)
            || after.starts_with(is_letter) && literal.ends_with(is_letter))
    };
    let has = |text: &str| {
        let text = words::fold(text);
        let places = (0..text.len()).filter(|at| text.is_char_boundary(*at));
        let mut places = places.filter(|at| text[*at..].starts_with(&literal));
        places.any(|at| !is_phrase || is_whole(&text, at))
    };
    let found = files.iter().filter(|(path, text)| has(path) || has(text));
    found.map(|(path, _)| path.clone()).collect()
}

fn found(files: &[(String, String)], root: &Root, query: &Query, parts: usize) -> BTreeSet<String> {
    let mut snapshot = Snapshot::default();
    for chunk in files.chunks(files.len().div_ceil(parts).max(1)) {
        let mut builder = Builder::default();
        for (path, text) in chunk {
            builder.add(Text { path, stamp: 1, says: Some(text) });
        }
        snapshot = snapshot.with(Arc::new(builder.into_memory().unwrap()));
    }
    let found = find(&snapshot, root, query, 1000, Some(Instant::now() + PATIENCE)).unwrap();
    assert!(found.is_complete);
    found.hits.into_iter().map(|hit| hit.path.as_str().to_owned()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn a_literal_is_found_wherever_it_stands(
        files in prop::collection::btree_map(path(), text(), 1..12),
        literal in prop_oneof!["[abAB_]{1,4}", "[ab.:(=]{1,5}", "[ab/.]{1,4}", "x{1,150}", "[aäſk]{1,3}"],
        parts in 1usize..4,
    ) {
        let files: Vec<(String, String)> = files
            .into_iter()
            .filter(|(path, _)| RepoPath::parse(path).is_ok())
            .collect();
        // A file cannot have the name of a directory.
        let site = Site::new(&[]);
        let files: Vec<(String, String)> = files.into_iter().filter(|(path, text)| {
            let path = site.repository().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).is_ok() && std::fs::write(path, text).is_ok()
        }).collect();
        let root = site.root();
        for is_phrase in [false, true] {
            let text = if is_phrase { format!("\"{literal}\"") } else { literal.clone() };
            let query = Query::parse(&text).unwrap();
            let expected = expected(&files, &literal, is_phrase);
            prop_assert_eq!(&found(&files, &root, &query, parts), &expected);
            let scanned = scan(&root, &query, 1000).unwrap();
            let scanned: BTreeSet<String> =
                scanned.hits.into_iter().map(|hit| hit.path.as_str().to_owned()).collect();
            prop_assert_eq!(&scanned, &expected);
        }
        let pattern = Query::parse(&format!("re:\"{}\"", regex::escape(&literal)));
        let pattern = pattern.unwrap();
        let has = |text: &String| text.contains(&literal);
        let expected: BTreeSet<String> =
            files.iter().filter(|(_, text)| has(text)).map(|(path, _)| path.clone()).collect();
        prop_assert_eq!(found(&files, &root, &pattern, parts), expected);
    }
}
