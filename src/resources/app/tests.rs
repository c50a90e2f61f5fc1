//! Is the page one document that loads nothing and makes no text markup?

use std::path::Path;

use regex::Regex;

use super::*;
use crate::tools::tests::bench::Bench;

fn parts() -> Vec<(String, String)> {
    let assets = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/app");
    let mut parts = vec![assets.join("app.html")];
    for directory in ["css", "js"] {
        let entries = std::fs::read_dir(assets.join(directory)).unwrap();
        parts.extend(entries.map(|entry| entry.unwrap().path()));
    }
    parts.sort();
    let read = |path: std::path::PathBuf| {
        let name = path.strip_prefix(&assets).unwrap().to_str().unwrap().to_owned();
        (name, std::fs::read_to_string(path).unwrap())
    };
    parts.into_iter().map(read).collect()
}

#[test]
fn every_part_is_in_the_page_once_and_in_order() {
    let mut rest = PAGE;
    for of in ["css/", "js/"] {
        for (name, text) in parts().iter().filter(|(name, _)| name.starts_with(of)) {
            let lines = text.lines().map(str::trim_start);
            let is_sent = |line: &&str| {
                !line.is_empty() && !line.starts_with("//") && !line.starts_with("/*")
            };
            let sent = lines.filter(is_sent).collect::<Vec<_>>().join("\n");
            let (_, after) = rest.split_once(&sent).unwrap_or_else(|| panic!("{name}"));
            rest = after;
        }
    }
    for shared in ["const el = ", "const reckonIn", "const settle", "const createChart"] {
        assert_eq!(PAGE.matches(shared).count(), 1, "{shared}");
    }
    assert!(!PAGE.contains("{style}") && !PAGE.contains("{script}"));
    assert!(PAGE.starts_with("<!doctype html>") && PAGE.ends_with("</html>"));
}

#[test]
fn the_page_is_one_document_and_small() {
    assert!(PAGE.len() <= 72_000, "{} bytes, and 72,000 are allowed", PAGE.len());
    for (element, count) in
        [("<script", 1), ("</script", 1), ("<style", 1), ("</style", 1), ("<link", 0), ("<base", 0)]
    {
        assert_eq!(PAGE.to_lowercase().matches(element).count(), count, "{element}");
    }
}

#[test]
fn no_text_becomes_markup_and_nothing_comes_from_elsewhere() {
    // The name of SVG's elements looks like an address and is none.
    let page = PAGE.replace("http://www.w3.org/2000/svg", "");
    for pattern in [
        r"(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment",
        r"\beval\(|\bnew Function\b|setTimeout\(\s*[\x22']|javascript:",
        r"(?i)\b(https?|wss?|ftp):|@import|\burl\(",
        r"\bfetch\(|XMLHttpRequest|WebSocket|EventSource|sendBeacon|import\(",
        r"localStorage|sessionStorage|document\.cookie|<form|el\('form",
        r"(?i)<[a-z][^>]*\s(style|on[a-z]+|src|href)\s*=",
    ] {
        let pattern = Regex::new(pattern).unwrap();
        for (number, line) in (1..).zip(page.lines()) {
            assert!(!pattern.is_match(line), "{number}: {pattern}: {line}");
        }
    }
}

/// What is left out of the lines must not be part of a text or of a comment that goes on.
#[test]
fn nothing_goes_over_the_end_of_a_line() {
    for (name, text) in parts() {
        for (number, line) in (1..).zip(text.lines()) {
            assert!(line.matches('`').count() % 2 == 0, "{name}:{number}: {line}");
            let comments = [line.matches("/*").count(), line.matches("*/").count()];
            assert!(!name.starts_with("css/") || comments[0] == comments[1], "{name}:{number}");
        }
    }
}

#[actix::test]
async fn whoever_may_read_may_have_it_and_it_may_reach_nothing() {
    let bench = Bench::new().await;
    let caller =
        crate::tools::Caller { principal: "a reader".to_owned(), role: crate::tools::Role::Read };
    let call = Call { caller: &caller, ..bench.call() };
    let [one] = App.read(call, APP_URI).await.unwrap().unwrap().try_into().unwrap();
    assert_eq!((&one["uri"], &one["mimeType"]), (&json!(APP_URI), &json!(PAGE_TYPE)));
    assert_eq!(one["text"], PAGE);
    assert_eq!(one["_meta"], json!({ "ui": { "prefersBorder": true } }));
    for other in ["ui://lukhas/other.html", "ui://lukhas/cockpit.html/", "repo://README.md"] {
        let call = Call { caller: &caller, ..bench.call() };
        assert_eq!(App.read(call, other).await.unwrap(), None, "{other}");
        assert!(!App.is_settled(other));
    }
    let asking = || Asking { doors: &bench.doors, caller: &caller };
    let listed = App.list(asking(), None, 5).await.unwrap();
    assert_eq!(listed[0].resource["uri"], APP_URI);
    assert_eq!(App.list(asking(), Some(APP_URI), 5).await.unwrap(), []);
}
