//! Whether the page about the files knows every key, and no other.

use std::collections::BTreeSet;
use std::path::Path;

use super::super::sections;
use super::super::table::Section;

#[test]
fn the_page_has_every_key_and_no_other() {
    let mut known = BTreeSet::new();
    for form in [&sections::CONFIG, &sections::SERVERS] {
        for section in form.sections {
            for key in section.keys {
                let path = match section.path {
                    "" => (*key).to_owned(),
                    path => format!("{path}.{key}"),
                };
                // What has keys of its own is described by them.
                let around = |section: &&Section| {
                    section.path == path || section.path.starts_with(&format!("{path}."))
                };
                if !form.sections.iter().any(around) {
                    known.insert(path);
                }
            }
        }
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/chat-configuration.md");
    let page = std::fs::read_to_string(path).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let described: BTreeSet<String> = rows.map(|(key, _)| key.to_owned()).collect();
    let missing: Vec<_> = known.difference(&described).collect();
    let unknown: Vec<_> = described.difference(&known).collect();
    assert!(missing.is_empty(), "the page lacks {missing:?}");
    assert!(unknown.is_empty(), "nothing reads {unknown:?}");
}
