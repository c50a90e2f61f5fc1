//! Line ends, last lines, and files that come and go.

use super::*;

const MARKER: &str = "\\ No newline at end of file";

#[test]
fn the_last_line_has_a_newline_exactly_if_the_patch_says_so() {
    // On the old side, on the new one, on both, and on a line of context.
    becomes("a\nb", format!("@@ -2 +2 @@\n-b\n{MARKER}\n+B\n"), "a\nB\n");
    becomes("a\nb\n", format!("@@ -2 +2 @@\n-b\n+B\n{MARKER}\n"), "a\nB");
    becomes("a\nb", format!("@@ -2 +2 @@\n-b\n{MARKER}\n+B\n{MARKER}\n"), "a\nB");
    becomes("a\nb", format!("@@ -1,2 +1,2 @@\n-a\n+A\n b\n{MARKER}\n"), "A\nb");
    // The newline alone.
    becomes("a", format!("@@ -1 +1 @@\n-a\n{MARKER}\n+a\n"), "a\n");
    becomes("a\n", format!("@@ -1 +1 @@\n-a\n+a\n{MARKER}"), "a");
    // Elsewhere than in the hunks it stays as it is.
    becomes("a\nb", "@@ -1 +1 @@\n-a\n+A\n", "A\nb");
    becomes("a\nb", "@@ -1 +0,0 @@\n-a\n", "b");
    // A repaired line as well.
    assert!(becomes("a\n", format!("@@ -1 +1,2 @@\n a\nb\n{MARKER}\n"), "a\nb").repaired);
}

#[test]
fn a_newline_that_is_not_as_the_patch_says_is_refused() {
    refused(
        "a\nb",
        "@@ -2 +2 @@\n-b\n+B\n",
        "hunk 1 (@@ -2 +2 @@) does not fit: line 2 of the file should be \"b\" and is, but has no \
         newline at its end, for which the patch needs the line \\ No newline at end of file below \
         it",
    );
    refused(
        "a\nb\n",
        format!("@@ -2 +2 @@\n-b\n{MARKER}\n+B\n"),
        "hunk 1 (@@ -2 +2 @@) does not fit: line 2 of the file should be \"b\" and is, but has a \
         newline, which the patch says is missing",
    );
    let not_the_last = "a line without a newline would stand before another line; only the last \
                        line of a file can lack one";
    // Lines added after one that does not end, one that does not end before the rest of the file,
    // and before another line of the hunk.
    for (base, patch) in [
        ("a\nb", "@@ -2,0 +3 @@\n+c\n".to_owned()),
        ("a\nb\n", format!("@@ -1 +1 @@\n-a\n+A\n{MARKER}\n")),
        ("a\nb\n", format!("@@ -2 +2,2 @@\n-b\n+B\n{MARKER}\n+c\n")),
    ] {
        let refusal = outcome(base.as_bytes(), patch.as_bytes()).unwrap_err();
        assert!(refusal.ends_with(not_the_last), "{refusal}");
    }
    for (patch, line) in [
        (format!("@@ -1 +1 @@\n{MARKER}\n-a\n+b\n"), 2),
        (format!("@@ -1 +1 @@\n-a\n{MARKER}\n{MARKER}\n+b\n"), 4),
        (format!("@@ -1 +1 @@\n-a\n+b\n{MARKER}\n{MARKER}\n"), 5),
    ] {
        refused(
            "a",
            patch,
            &format!(
                "line {line} of the patch says that there is no newline, and the line before it is \
                 none that this can be said of"
            ),
        );
    }
    // Other wordings are text.
    assert!(outcome(b"a", b"@@ -1 +1 @@\n-a\n\\ Kein Zeilenumbruch\n+b\n").is_err());
}

#[test]
fn carriage_returns_are_a_part_of_their_lines() {
    becomes("a\r\nb\r\n", "@@ -2 +2 @@\n-b\r\n+B\r\n", "a\r\nB\r\n");
    becomes("a\r\nb\r\n", "@@ -2 +2 @@\n-b\r\n+B\n", "a\r\nB\n");
    becomes("a\r\nb\nc\r\n", "@@ -1,3 +1,3 @@\n a\r\n-b\n+B\n c\r\n", "a\r\nB\nc\r\n");
    // CRLF in all of the patch, headers and markers included.
    becomes(
        "a\r\nb",
        format!("--- a\r\n+++ b\r\n@@ -1,2 +1,2 @@\r\n-a\r\n+A\r\n b\n{MARKER}\r\n"),
        "A\r\nb",
    );
    refused(
        "a\nb\n",
        "@@ -2 +2 @@\r\n-b\r\n+B\r\n",
        "hunk 1 (@@ -2 +2 @@) does not fit: line 2 of the file should be \"b\\r\" and is, but does \
         not end in CRLF as it does in the patch",
    );
    // Mixed endings are never guessed at.
    refused(
        "a\r\nb\nc\r\n",
        "@@ -3 +3 @@\n-c\n+C\n",
        "hunk 1 (@@ -3 +3 @@) does not fit: line 3 of the file should be \"c\" and is, but ends in \
         CRLF, which it does not in the patch",
    );
}

#[test]
fn a_patch_in_lf_is_read_as_crlf_where_a_file_has_nothing_else() {
    let applied = becomes(
        "a\r\nb\r\nc\r\n",
        "@@ -1,3 +1,4 @@\n a\n-b\n+B\n+more\n c\n",
        "a\r\nB\r\nmore\r\nc\r\n",
    );
    assert!(applied.read_as_crlf);
    // The last line may lack its end; so may the new last line.
    becomes("a\r\nb", format!("@@ -1,2 +1,2 @@\n-a\n+A\n b\n{MARKER}\n"), "A\r\nb");
    becomes("a\r\nb\r\n", format!("@@ -1,2 +1,2 @@\n a\n-b\n+B\n{MARKER}\n"), "a\r\nB");
    // The rest must fit as strictly as ever.
    refused(
        "a\r\nb\r\n",
        "@@ -1,2 +1,2 @@\n a\n-x\n+y\n",
        "hunk 1 (@@ -1,2 +1,2 @@) does not fit: line 2 of the file should be \"x\" and is \"b\"",
    );
    // One CRLF in the patch, and its author has seen them: it is read as it is written.
    assert!(outcome(b"a\r\nb\r\n", b"@@ -1,2 +1,2 @@\n a\n-b\n+B\r\n").is_err());
    // So it is if it expects no line, as other reading would be a guess.
    let applied = becomes("a\r\n", "@@ -1,0 +2 @@\n+b\n", "a\r\nb\n");
    assert!(!applied.read_as_crlf);
    let applied =
        becomes("a\r\nb", format!("@@ -2 +2,2 @@\n-b\n{MARKER}\n+b\n+c\n"), "a\r\nb\nc\n");
    assert!(!applied.read_as_crlf);
    assert!(!becomes("a\nb\n", "@@ -2 +2 @@\n-b\n+B\n", "a\nB\n").read_as_crlf);
}

#[test]
fn bytes_that_are_no_text_are_kept() {
    becomes(
        b"\xff\xfe\0\n\xc3\na\n\xed\xa0\x80\n\x80",
        "@@ -3 +3 @@\n-a\n+\u{e9}\n",
        b"\xff\xfe\0\n\xc3\n\xc3\xa9\n\xed\xa0\x80\n\x80",
    );
    becomes(b"\xff\na\n", b"@@ -1,2 +1,2 @@\n \xff\n-a\n+\xfe\n", b"\xff\n\xfe\n");
    refused(
        b"\xff\n",
        "@@ -1 +1 @@\n-\u{fffd}\n+a\n",
        "hunk 1 (@@ -1 +1 @@) does not fit: line 1 of the file should be \"\u{fffd}\" and is \
         \"\\xff\"",
    );
}

#[test]
fn a_file_comes_to_be() {
    for (text, result) in [
        ("--- /dev/null\n+++ b\n@@ -0,0 +1,1 @@\n+fresh\n".to_owned(), "fresh\n"),
        ("--- /dev/null\n+++ b/docs/lines.txt\n@@ -0,0 +1,2 @@\n+a\n+b".to_owned(), "a\nb\n"),
        (format!("@@ -0,0 +1 @@\n+a\n{MARKER}\n"), "a"),
        ("--- a\n+++ b\n@@ -0,0 +1 @@\na\n".to_owned(), "a\n"),
        ("@@ -0,0 +1 @@\n+a\n@@ -0,0 +2 @@\n+b\n".to_owned(), "a\nb\n"),
        (
            "diff --git a/docs/lines.txt b/docs/lines.txt\nnew file mode 100644\n\
             index 0000000..7898192\n--- /dev/null\n+++ b/docs/lines.txt\n@@ -0,0 +1 @@\n+a\n"
                .to_owned(),
            "a\n",
        ),
    ] {
        let patch = Patch::parse(text.as_bytes(), PATH).unwrap();
        assert!(patch.creates() && !patch.deletes(), "{text}");
        for base in [None, Some(b"".as_slice())] {
            let content = patch.apply(base).unwrap().content;
            assert_eq!(content, Content::Holds(result.as_bytes().to_vec()), "{text}");
        }
    }
    let patch = "--- /dev/null\n+++ b\n@@ -0,0 +1 @@\n+fresh\n";
    refused("a\n", patch, "the patch creates the file, and the file exists and is not empty");
    refused(
        "",
        "--- /dev/null\n+++ b\n@@ -1 +1 @@\n-a\n+b\n",
        "the patch creates the file, so its only hunk is @@ -0,0 +1,<new lines> @@",
    );
    // Without /dev/null it can also be lines on top of others.
    becomes("a\n", "@@ -0,0 +1 @@\n+fresh\n", "fresh\na\n");
}

#[test]
fn a_patch_of_a_file_needs_one() {
    for text in [
        "@@ -1 +1 @@\n-a\n+b\n",
        "@@ -1,0 +2 @@\n+b\n",
        "--- a\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
    ] {
        let patch = Patch::parse(text.as_bytes(), PATH).unwrap();
        assert!(!patch.creates(), "{text}");
        assert_eq!(patch.apply(None), Err(PatchError::NoFile), "{text}");
    }
}

#[test]
fn a_file_is_emptied_or_goes() {
    becomes("a\nb\n", "--- a\n+++ b\n@@ -1,2 +0,0 @@\n-a\n-b\n", "");
    let text = "--- a\n+++ /dev/null\n@@ -1,2 +0,0 @@\n-a\n-b\n";
    let patch = Patch::parse(text.as_bytes(), PATH).unwrap();
    assert!(patch.deletes() && !patch.creates());
    assert_eq!(patch.apply(Some(b"a\nb\n")).unwrap().content, Content::Gone);
    refused("a\nb\nc\n", text, "the patch deletes the file, and does not remove all of its lines");
    refused(
        "a\nb\n",
        "--- a\n+++ /dev/null\n@@ -1,2 +1,1 @@\n-a\n b\n",
        "the patch deletes the file, and does not remove all of its lines",
    );
    assert!(outcome(b"a\nx\n", text.as_bytes()).unwrap_err().contains("does not fit"));
}
