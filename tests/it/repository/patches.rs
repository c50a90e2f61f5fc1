//! Table D through `apply_patch`: what is no patch of this file is refused, and the file is as it
//! was.

use serde_json::{Value, json};

use super::{NO_SHA, Outcome, Site, sha256};

const FILE: &str = "docs/lines.txt";
const TEXT: &str = "one\ntwo\nthree\nfour\n";

/// A patch that fits, of the third line.
const FITS: &str =
    "--- a/docs/lines.txt\n+++ b/docs/lines.txt\n@@ -2,3 +2,3 @@\n two\n-three\n+THREE\n four\n";

fn patch(text: &str, sha: &str) -> Value {
    json!({ "path": FILE, "patch": text, "expectSha256": sha })
}

async fn site() -> (Site, String) {
    let site = Site::start().await;
    let sha = site.put(FILE, TEXT);
    (site, sha)
}

#[tokio::test]
async fn a_patch_says_what_the_file_held() {
    let (site, sha) = site().await;
    for wrong in ["", "anything", &sha[1..], &format!("{sha}0")] {
        let said = site.call("apply_patch", patch(FITS, wrong)).await.invalid();
        assert!(said.contains("expectSha256"), "D1 {wrong:?}: {said}");
        // Nor is it a way around that the file might have been made.
        let mut create = patch(FITS, wrong);
        create["allowCreate"] = json!(true);
        let said = site.call("apply_patch", create).await.invalid();
        assert!(said.contains("expectSha256"), "D1 {wrong:?}: {said}");
    }
    let without = json!({ "path": FILE, "patch": FITS });
    let said = site.call("apply_patch", without).await.invalid();
    assert!(said.contains("expectSha256"), "D1 {said}");
    let said = site.call("apply_patch", patch(FITS, NO_SHA)).await.refused();
    assert!(said.contains(&sha), "D1 {said}");
    assert_eq!(site.text(FILE), TEXT);
    let answer = site.call("apply_patch", patch(FITS, &sha.to_uppercase())).await.answered();
    assert_eq!(site.text(FILE), "one\ntwo\nTHREE\nfour\n");
    let expected = json!({
        "path": FILE, "bytesWritten": 19, "previousSha256": sha,
        "sha256": sha256("one\ntwo\nTHREE\nfour\n"), "created": false,
    });
    assert_eq!(answer, expected);
}

#[tokio::test]
async fn what_is_no_patch_of_this_file_is_refused() {
    let (site, sha) = site().await;
    let hunk = "@@ -2,3 +2,3 @@\n two\n-three\n+THREE\n four\n";
    let of = |header: &str| format!("{header}{hunk}");
    let at = |head: &str, lines: &str| format!("--- a\n+++ b\n{head}\n{lines}");
    let two_hunks =
        |first: &str, second: &str| at(first, &format!("-one\n+ONE\n{second}\n-three\n+THREE\n"));
    let rows = [
        ("D4 another file", of("--- a/other\n+++ b/other\n")),
        ("D4 a file outside", of("--- a\n+++ ../../etc/x\n")),
        ("D4 two files", format!("{FITS}{}", of("--- a/x\n+++ b/x\n"))),
        ("D4 a rename", format!("diff --git a/docs/lines.txt b/x\nrename from docs/lines.txt\nrename to x\n{FITS}")),
        ("D4 a mode", "diff --git a/docs/lines.txt b/docs/lines.txt\nold mode 100644\nnew mode 100755\n".to_owned()),
        ("D4 binary", "diff --git a/docs/lines.txt b/docs/lines.txt\nGIT binary patch\nliteral 0\nHcmV?d00001\n".to_owned()),
        ("D4 binary files differ", "Binary files a/docs/lines.txt and b/docs/lines.txt differ\n".to_owned()),
        ("D6 a removed line", FITS.replace("-three", "-Three")),
        ("D6 a context line", FITS.replace(" two", " too")),
        ("D6 a blank at the end", FITS.replace(" two\n", " two \n")),
        ("D7 start 0", at("@@ -0,1 +0,1 @@", "-one\n+ONE\n")),
        ("D7 beyond the end", at("@@ -9,1 +9,1 @@", "-one\n+ONE\n")),
        ("D7 just beyond the end", at("@@ -4,2 +4,2 @@", " four\n-five\n+FIVE\n")),
        ("D7 2^63", at("@@ -9223372036854775808,1 +1,1 @@", "-one\n+ONE\n")),
        ("D7 2^64 lines", at("@@ -1,18446744073709551615 +1,1 @@", "-one\n+ONE\n")),
        ("D7 40 digits", at(&format!("@@ -{0},1 +{0},1 @@", "9".repeat(40)), "-one\n+ONE\n")),
        ("D7 negative", at("@@ --1,1 +1,1 @@", "-one\n+ONE\n")),
        ("D7 overlapping", two_hunks("@@ -1,1 +1,1 @@", "@@ -1,1 +1,1 @@")),
        ("D7 backward", format!("{}@@ -1,1 +1,1 @@\n-one\n+ONE\n", at("@@ -3,1 +3,1 @@", "-three\n+THREE\n"))),
        ("D7 too few lines", at("@@ -1,2 +1,2 @@", "-one\n+ONE\n")),
        ("D7 too many lines", at("@@ -1,1 +1,1 @@", "-one\n+ONE\n+TWO\n")),
        ("D7 elsewhere", at("@@ -1,3 +1,3 @@", " two\n-three\n+THREE\n four\n")),
        ("D8 no hunk", "--- a\n+++ b\n".to_owned()),
        ("D8 only text", "one\ntwo\n".to_owned()),
        ("D8 nothing", String::new()),
        ("D8 blanks", " \n\n".to_owned()),
        ("D8 half a head", "--- a\n+++ b\n@@ -1\n-one\n+ONE\n".to_owned()),
        ("D8 nothing is changed", at("@@ -1,1 +1,1 @@", " one\n")),
    ];
    for (row, text) in &rows {
        let outcome = site.call("apply_patch", patch(text, &sha)).await;
        let Outcome::Refused(said) = outcome else { panic!("{row}: {outcome:?}") };
        assert!(!said.is_empty(), "{row}");
        assert_eq!(site.text(FILE), TEXT, "{row}");
        // With leave to make a file there is no more leave.
        let mut create = patch(text, &sha);
        create["allowCreate"] = json!(true);
        site.call("apply_patch", create).await.refused();
        assert_eq!(site.text(FILE), TEXT, "{row}");
    }
    let said =
        site.call("apply_patch", patch(&FITS.replace("-three", "-Three"), &sha)).await.refused();
    for part in ["Three", "three", "3"] {
        assert!(said.contains(part), "D6 {part}: {said}");
    }
}

#[tokio::test]
async fn a_line_without_a_prefix_is_an_addition_only_where_the_counts_say_so() {
    let site = Site::start().await;
    let sha = site.put("h.md", "# Hello\n");
    let golden = "--- a\n+++ b\n@@ -1,1 +1,2 @@\n-# Hello\n+# Hello\nPatched\n";
    let call = |text: &str| json!({ "path": "h.md", "patch": text, "expectSha256": sha });
    site.call("apply_patch", call(&golden.replace("+1,2", "+1,1"))).await.refused();
    site.call("apply_patch", call(&golden.replace("+1,2", "+1,3"))).await.refused();
    let answer = site.call("apply_patch", call(golden)).await.answered();
    assert_eq!(
        (&answer["repaired"], site.text("h.md").as_str()),
        (&json!(true), "# Hello\nPatched\n")
    );
}

#[tokio::test]
async fn a_file_may_be_made_and_removed() {
    let site = Site::start().await;
    let make = "--- /dev/null\n+++ b/new/x.txt\n@@ -0,0 +1,2 @@\n+a\n+b\n";
    let call = |sha: &str, create: bool| json!({ "path": "new/x.txt", "patch": make, "expectSha256": sha, "allowCreate": create });
    site.call("apply_patch", call("anything", false)).await.invalid();
    site.call("apply_patch", call(NO_SHA, false)).await.refused();
    assert!(!site.is_there("new"));
    let answer = site.call("apply_patch", call("anything", true)).await.answered();
    assert_eq!((&answer["created"], &answer["previousSha256"]), (&json!(true), &Value::Null));
    assert_eq!(site.text("new/x.txt"), "a\nb\n");
    site.call("apply_patch", call("anything", true)).await.invalid();
    site.call("apply_patch", call(&sha256("a\nb\n"), true)).await.refused();
    let remove = "--- a/new/x.txt\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n";
    let call = json!({ "path": "new/x.txt", "patch": remove, "expectSha256": sha256("a\nb\n") });
    let answer = site.call("apply_patch", call).await.answered();
    assert_eq!((&answer["deleted"], &answer["sha256"]), (&json!(true), &Value::Null));
    assert!(!site.is_there("new/x.txt"));
}

#[tokio::test]
async fn of_fifty_patches_of_one_text_one_is_applied() {
    let (site, sha) = site().await;
    let calls = (0..50).map(|n| {
        let text = FITS.replace("THREE", &format!("by {n}"));
        site.call("apply_patch", patch(&text, &sha))
    });
    let outcomes = futures_util::future::join_all(calls).await;
    let applied: Vec<_> =
        outcomes.iter().filter(|one| matches!(one, Outcome::Answered(_))).collect();
    let [Outcome::Answered(answer)] = applied[..] else { panic!("D3 {outcomes:?}") };
    assert_eq!(answer["sha256"], sha256(site.bytes(FILE)), "D3");
    for refused in outcomes.iter().filter(|one| !matches!(one, Outcome::Answered(_))) {
        let Outcome::Refused(said) = refused else { panic!("D3 {refused:?}") };
        assert!(said.contains("changed in the meantime"), "D3 {said}");
    }
    let why = site.daemon.ask("why", json!({ "id": FILE })).await;
    assert_eq!(why["facts"].as_array().unwrap().len(), 1, "D3 {why}");
}
