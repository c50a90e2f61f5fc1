//! Which headers are accepted, and that names only say what they are compared with.

use super::*;

const HUNK: &str = "@@ -2 +2 @@\n-two\n+TWO\n";
const RESULT: &str = "one\nTWO\nthree\nfour\nfive\n";

#[test]
fn a_header_may_be_short_long_or_missing() {
    for header in [
        "",
        "--- a\n+++ b\n",
        "--- b\n+++ a\n",
        "--- a/docs/lines.txt\n+++ b/docs/lines.txt\n",
        "--- docs/lines.txt\n+++ docs/lines.txt\n",
        "--- lines.txt\n+++ b/lines.txt\n",
        "--- a/docs/lines.txt\t2026-03-01 10:00:00 +0000\n+++ b/docs/lines.txt\t\n",
        "--- \"a/docs/\\154ines.txt\"\n+++ \"b/docs/lines.txt\"\n",
        "diff --git a/docs/lines.txt b/docs/lines.txt\nindex abc..def 100644\n\
         --- a/docs/lines.txt\n+++ b/docs/lines.txt\n",
        "diff --git docs/lines.txt docs/lines.txt\n--- docs/lines.txt\n+++ docs/lines.txt\n",
        "diff --git a b\n--- a\n+++ b\n",
        "diff --git a/docs/lines.txt b/docs/lines.txt\n",
        "--- a\r\n+++ b\r\n",
    ] {
        becomes(FIVE, format!("{header}{HUNK}"), RESULT);
    }
}

#[test]
fn unusual_names_are_read_as_git_writes_them() {
    let parse = |header: &str, path: &str| {
        let text = format!("{header}{HUNK}");
        Patch::parse(text.as_bytes(), path).map(|_patch| ()).map_err(|refusal| refusal.to_string())
    };
    let quoted = "diff --git \"a/\\303\\251 \\\"\\\\\\t\" \"b/\\303\\251 \\\"\\\\\\t\"\n\
                  --- \"a/\\303\\251 \\\"\\\\\\t\"\n+++ \"b/\\303\\251 \\\"\\\\\\t\"\n";
    assert_eq!(parse(quoted, "é \"\\\t"), Ok(()));
    assert_eq!(parse("--- a/é b\t\n+++ b/é b\t\n", "x/é b"), Ok(()));
    for name in ["\"", "\"a", "\"a\\\"", "\"a/\\9\"", "\"a/\\400\"", "\"\\", "\"\""] {
        assert!(parse(&format!("--- {name}\n+++ b\n"), "a").is_err(), "{name}");
    }
}

#[test]
fn a_header_that_names_another_file_is_refused() {
    for (header, line, name) in [
        ("--- a/other\n+++ b/other\n", 1, "a/other"),
        ("--- a/docs/lines.txt\n+++ ../../etc/x\n", 2, "../../etc/x"),
        ("--- a/docs/lines.txt\n+++ b/../docs/lines.txt\n", 2, "b/../docs/lines.txt"),
        ("--- /etc/passwd\n+++ b\n", 1, "/etc/passwd"),
        ("--- /lines.txt\n+++ b\n", 1, "/lines.txt"),
        ("--- a\n+++ b/lines.tx\n", 2, "b/lines.tx"),
        ("--- a\n+++ b/nes.txt\n", 2, "b/nes.txt"),
        ("--- a\n+++ more/docs/lines.txt\n", 2, "more/docs/lines.txt"),
        ("--- a\n+++ b/\n", 2, "b/"),
        ("--- \n+++ b\n", 1, ""),
        ("diff --git a/other b/other\n--- a\n+++ b\n", 1, "a/other b/other"),
        ("diff --git a/docs/lines.txt b/other\n--- a\n+++ b\n", 1, "a/docs/lines.txt b/other"),
        ("diff --git \n--- a\n+++ b\n", 1, ""),
        ("--- /dev/null\n+++ b/other\n", 2, "b/other"),
    ] {
        refused(
            FIVE,
            format!("{header}{HUNK}"),
            &format!(
                "line {line} of the patch names \"{name}\", and the file to be patched is \
                 \"docs/lines.txt\""
            ),
        );
    }
}

#[test]
fn several_files_are_refused() {
    let git = "diff --git a/docs/lines.txt b/docs/lines.txt\n";
    let names = "--- a/docs/lines.txt\n+++ b/docs/lines.txt\n";
    for (patch, line) in [
        (format!("{names}{HUNK}--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"), 6),
        (format!("{names}{HUNK}{names}@@ -4 +4 @@\n-four\n+FOUR\n"), 6),
        (format!("{git}{names}{HUNK}diff --git a/x b/x\nindex 1..2\n"), 7),
        (format!("{names}{names}{HUNK}"), 3),
        (format!("{git}{git}{names}{HUNK}"), 2),
        (format!("{names}{git}{HUNK}"), 3),
    ] {
        refused(
            FIVE,
            &patch,
            &format!("line {line} of the patch begins a second file; send a patch for each file"),
        );
    }
}

#[test]
fn what_is_more_than_lines_is_refused_with_the_reason() {
    let git = "diff --git a/docs/lines.txt b/docs/lines.txt\n";
    let names = "--- a/docs/lines.txt\n+++ b/docs/lines.txt\n";
    let moved = "line 2 of the patch moves or copies the file; use rename_file, and patch the file \
                 in its new place";
    let mode = "line 2 of the patch sets a file mode; a patch changes lines only, and creates only \
                regular files of mode 100644";
    for (more, reason) in [
        ("similarity index 90%\nrename from docs/lines.txt\nrename to docs/x.txt\n", moved),
        ("rename from docs/lines.txt\nrename to docs/x.txt\n", moved),
        ("copy from docs/x.txt\ncopy to docs/lines.txt\n", moved),
        ("old mode 100644\nnew mode 100755\n", mode),
        ("new file mode 100755\n", mode),
        ("new file mode 120000\n", mode),
        ("new file mode 160000\n", mode),
        ("deleted file mode 120000\n", mode),
        (
            "GIT binary patch\nliteral 3\nKcmZQzWMT#Y01f~L\n",
            "line 2 of the patch begins a binary patch; use write_file with base64",
        ),
        (
            "Binary files a/docs/lines.txt and b/docs/lines.txt differ\n",
            "line 2 of the patch begins a binary patch; use write_file with base64",
        ),
    ] {
        refused(FIVE, format!("{git}{more}{names}{HUNK}"), reason);
        refused(FIVE, format!("{git}{more}"), reason);
    }
    let combined = "begins a combined diff, of a merge; send the diff to one parent";
    for (patch, line) in [
        ("diff --cc docs/lines.txt\n", 1),
        ("diff --combined docs/lines.txt\n", 1),
        ("--- a\n+++ b\n@@@ -1,1 -1,1 +1,2 @@@\n  one\n++two\n", 3),
        ("@@ -2 +2 @@\n-two\n+TWO\n@@@ -3 -3 +3 @@@\n", 4),
    ] {
        refused(FIVE, patch, &format!("line {line} of the patch {combined}"));
    }
}

#[test]
fn creation_and_deletion_are_said_once_and_without_contradiction() {
    let git = "diff --git a/docs/lines.txt b/docs/lines.txt\n";
    for (header, line) in [
        ("new file mode 100644\n--- a\n+++ b\n", 4),
        ("deleted file mode 100644\n--- a\n+++ b\n", 4),
        ("new file mode 100644\n--- a\n+++ /dev/null\n", 4),
        ("new file mode 100644\ndeleted file mode 100644\n", 3),
        ("--- /dev/null\n+++ /dev/null\n", 2),
    ] {
        refused(
            "",
            format!("{git}{header}{HUNK}"),
            &format!(
                "line {line} of the patch contradicts the others: /dev/null stands for the old side \
                 of a file that is created, or for the new side of one that is deleted"
            ),
        );
    }
    let removed = format!("{git}deleted file mode 100755\nindex 1..0\n--- a\n+++ /dev/null\n");
    let text = format!("{removed}@@ -1 +0,0 @@\n-a\n");
    assert!(Patch::parse(text.as_bytes(), PATH).unwrap().deletes());
}

#[test]
fn what_is_no_unified_diff_is_refused() {
    let no_hunk = "the patch has no hunk: a header such as @@ -1,2 +1,3 @@, and below it the lines \
                   with a space, - or + before each";
    for patch in ["", "\n", " \r\n\n"] {
        refused(FIVE, patch, "the patch is empty");
    }
    for patch in [
        "--- a\n+++ b\n",
        "--- a/docs/lines.txt\n+++ b/docs/lines.txt",
        "diff --git a/docs/lines.txt b/docs/lines.txt\nnew file mode 100644\nindex 0..e69de29\n",
    ] {
        refused(FIVE, patch, no_hunk);
    }
    for (patch, line, text) in [
        ("one\ntwo\n", 1, "one"),
        ("*** Begin Patch\n*** Update File: x\n@@\n", 1, "*** Begin Patch"),
        ("```diff\n--- a\n+++ b\n", 1, "```diff"),
        ("\n--- a\n+++ b\n", 1, ""),
        ("--- a\n+++ b\n-two\n+TWO\n", 3, "-two"),
        ("index 1..2\n--- a\n+++ b\n", 1, "index 1..2"),
        ("new file mode 100644\n--- /dev/null\n", 1, "new file mode 100644"),
        ("--- a\n+++ b\nindex 1..2\n", 3, "index 1..2"),
        ("---\n+++\n", 1, "---"),
    ] {
        refused(
            FIVE,
            format!("{patch}{HUNK}"),
            &format!(
                "line {line} of the patch, \"{text}\", is no part of a unified diff, which begins \
                 with --- and +++ or with the @@ of its first hunk"
            ),
        );
    }
    for (patch, line) in [("--- a\n", 1), ("--- a\n@@ -1 +1 @@\n", 1), ("+++ b\n", 1)] {
        refused(
            FIVE,
            format!("{patch}{HUNK}"),
            &format!(
                "line {line} of the patch stands alone: a line that begins with --- and one that \
                 begins with +++ come together"
            ),
        );
    }
}
