//! What applies, what is refused, and what is said then.

mod headers;
mod properties;
mod shapes;

use std::fmt::Write as _;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

use super::*;

/// The file that is patched.
const PATH: &str = "docs/lines.txt";

/// What a patch makes of a file, or why it is refused.
fn outcome(base: &[u8], text: &[u8]) -> Result<Applied, String> {
    let patch = Patch::parse(text, PATH).map_err(|refusal| refusal.to_string())?;
    patch.apply(Some(base)).map_err(|refusal| refusal.to_string())
}

#[track_caller]
fn becomes(base: impl AsRef<[u8]>, text: impl AsRef<[u8]>, result: impl AsRef<[u8]>) -> Applied {
    let text = text.as_ref();
    let applied = outcome(base.as_ref(), text)
        .unwrap_or_else(|refusal| panic!("{refusal}\n{}", String::from_utf8_lossy(text)));
    let Content::Holds(bytes) = &applied.content else { panic!("the file is gone") };
    assert_eq!(bytes.escape_ascii().to_string(), result.as_ref().escape_ascii().to_string());
    applied
}

#[track_caller]
fn refused(base: impl AsRef<[u8]>, text: impl AsRef<[u8]>, reason: &str) {
    match outcome(base.as_ref(), text.as_ref()) {
        Ok(applied) => panic!("applied: {applied:?}"),
        Err(refusal) => assert_eq!(refusal, reason),
    }
}

/// Does some work in a second of the processor, however busy the machine is.
#[track_caller]
fn quick<T>(work: impl FnOnce() -> T) -> T {
    let processor_time = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        Duration::new(now.tv_sec.try_into().unwrap(), now.tv_nsec.try_into().unwrap())
    };
    let began = processor_time();
    let result = work();
    let took = processor_time().saturating_sub(began);
    assert!(took < Duration::from_secs(1), "took {took:?}");
    result
}

const FIVE: &str = "one\ntwo\nthree\nfour\nfive\n";

#[test]
fn the_lines_of_a_hunk_are_exchanged() {
    let applied = becomes(
        FIVE,
        "--- a/docs/lines.txt\n+++ b/docs/lines.txt\n@@ -2,3 +2,3 @@\n two\n-three\n+THREE\n four\n",
        "one\ntwo\nTHREE\nfour\nfive\n",
    );
    assert_eq!(
        applied,
        Applied {
            content: Content::Holds(b"one\ntwo\nTHREE\nfour\nfive\n".to_vec()),
            repaired: false,
            read_as_crlf: false,
            hunks: 1,
            added: 1,
            removed: 1,
        }
    );
    // Several hunks, short counts, and the text that git puts behind a header.
    let applied = becomes(
        FIVE,
        "@@ -1 +1,2 @@ fn main() {\n one\n+more\n@@ -3,2 +4 @@\n-three\n four\n@@ -5,0 +6 @@\n+six\n",
        "one\nmore\ntwo\nfour\nfive\nsix\n",
    );
    assert_eq!((applied.hunks, applied.added, applied.removed), (3, 2, 1));
}

/// The patch of the authoring loop, whose last line lacks its `+`.
#[test]
fn a_line_without_a_prefix_is_an_addition_if_the_counts_say_so() {
    let patch = "--- a\n+++ b\n@@ -1,1 +1,2 @@\n-# Hello\n+# Hello\nPatched\n";
    for patch in [patch, patch.trim_end()] {
        let applied = becomes("# Hello\n", patch, "# Hello\nPatched\n");
        assert!(applied.repaired);
        assert_eq!((applied.added, applied.removed), (2, 1));
    }
    // The same without need of repair.
    let applied = becomes(
        "# Hello\n",
        "--- a\n+++ b\n@@ -1 +1,2 @@\n # Hello\n+Patched",
        "# Hello\nPatched\n",
    );
    assert!(!applied.repaired);
    // Any hunk, any number of lines, an empty one, and one that begins with a tab or a backslash.
    let applied = becomes(
        FIVE,
        "@@ -1,1 +1,5 @@\n one\n\n\ttab\n\\section{}\nlast\n@@ -4,1 +8,2 @@\n four\nmore\n",
        "one\n\n\ttab\n\\section{}\nlast\ntwo\nthree\nfour\nmore\nfive\n",
    );
    assert!(applied.repaired);
}

#[test]
fn a_line_without_a_prefix_is_refused_if_the_counts_do_not_say_so() {
    // One too many.
    refused(
        "# Hello\n",
        "@@ -1,1 +1,1 @@\n-# Hello\n+# Bye\nPatched\n",
        "hunk 1 (@@ -1,1 +1,1 @@) has 1 old and 1 new lines and 1 without a prefix (line 4 of the \
         patch is the first; a context line begins with a space even if it is empty), and its \
         header says 1 and 1",
    );
    // One of two.
    refused(
        "# Hello\n",
        "@@ -1,1 +1,2 @@\n # Hello\nPatched\nAgain\n",
        "hunk 1 (@@ -1,1 +1,2 @@) has 1 old and 1 new lines and 2 without a prefix (line 3 of the \
         patch is the first; a context line begins with a space even if it is empty), and its \
         header says 1 and 2",
    );
    // An empty context line that lost its space: the counts tell it from an addition.
    refused(
        "a\n\nb\n",
        "@@ -1,3 +1,3 @@\n a\n\n-b\n+c\n",
        "hunk 1 (@@ -1,3 +1,3 @@) has 2 old and 2 new lines and 1 without a prefix (line 3 of the \
         patch is the first; a context line begins with a space even if it is empty), and its \
         header says 3 and 3",
    );
    // Not even empty lines at the end of the patch are passed over.
    let patch = "@@ -1,1 +1,1 @@\n-# Hello\n+# Bye\n\n";
    assert!(outcome(b"# Hello\n", patch.as_bytes()).is_err());
    // The header of a hunk or of a file is never content.
    refused(
        FIVE,
        "@@ -1,1 +1,2 @@\n one\n@@ -3,1 +4,1 @@\n-three\n+THREE\n",
        "hunk 1 (@@ -1,1 +1,2 @@) has 1 old and 1 new lines, and its header says 1 and 2",
    );
    refused(
        FIVE,
        "@@ -1,1 +1,2 @@\n one\ndiff --git a/x b/x\n",
        "hunk 1 (@@ -1,1 +1,2 @@) has 1 old and 1 new lines, and its header says 1 and 2",
    );
}

#[test]
fn what_a_hunk_expects_must_stand_where_it_says() {
    refused(
        FIVE,
        "@@ -2,2 +2,2 @@\n two\n-3\n+THREE\n",
        "hunk 1 (@@ -2,2 +2,2 @@) does not fit: line 3 of the file should be \"3\" and is \"three\"",
    );
    refused(
        FIVE,
        "@@ -1 +1 @@\n-one\n+ONE\n@@ -3,2 +3,1 @@\n-three\n five\n",
        "hunk 2 (@@ -3,2 +3,1 @@) does not fit: line 4 of the file should be \"five\" and is \
         \"four\"",
    );
    // It would fit elsewhere, which is told and not done.
    refused(
        FIVE,
        "@@ -1,2 +1,2 @@\n two\n-three\n+THREE\n",
        "hunk 1 (@@ -1,2 +1,2 @@) does not fit: line 1 of the file should be \"two\" and is \
         \"one\"; the old lines of the hunk stand once in the file, from line 2 on",
    );
    refused(
        FIVE,
        "@@ -40 +40 @@\n-one\n+ONE\n",
        "hunk 1 (@@ -40 +40 @@) does not fit: line 40 of the file should be \"one\" and the file \
         ends after line 5; the old lines of the hunk stand once in the file, from line 1 on",
    );
    // In two places, or as a part of other lines, it is not told.
    for base in ["x\ny\nx\ny\n", "y\nx\nx\n", "ax\nxa\n"] {
        let refusal = outcome(base.as_bytes(), b"@@ -5 +5 @@\n-x\n+z\n").unwrap_err();
        assert!(refusal.contains("the file ends after line"), "{refusal}");
        assert!(!refusal.contains("stand once"), "{base}: {refusal}");
    }
    refused(
        "",
        "@@ -1 +1 @@\n-one\n+ONE\n",
        "hunk 1 (@@ -1 +1 @@) does not fit: line 1 of the file should be \"one\" and the file is \
         empty",
    );
}

#[test]
fn what_an_error_shows_is_short_and_visible() {
    let base = [b"x\x1b[2J\xff\xe2\x80\xae\xc3\xa9\"".as_slice(), &[b'y'; 500], b"\n"].concat();
    let refusal = outcome(&base, b"@@ -1 +1 @@\n-a\tb\n+c\n").unwrap_err();
    let shown = format!("x\\u{{1b}}[2J\\xff\\u{{202e}}é\"{}…", "y".repeat(120 - 9));
    assert_eq!(
        refusal,
        format!(
            "hunk 1 (@@ -1 +1 @@) does not fit: line 1 of the file should be \"a\\tb\" and is \
             \"{shown}\""
        )
    );
    let long = format!("{}\n", "z".repeat(1000));
    let refusal = outcome(FIVE.as_bytes(), long.as_bytes()).unwrap_err();
    assert!(refusal.len() < 300, "{refusal}");
}

#[test]
fn numbers_that_cannot_be_are_refused() {
    for header in [
        "@@ -0 +1 @@",
        "@@ -0,1 +1,1 @@",
        "@@ -1 +0 @@",
        "@@ -1,1 +0,1 @@",
        "@@ --1,1 +1,1 @@",
        "@@ -1,-1 +1,1 @@",
        "@@ -+1 +1 @@",
        "@@ -9223372036854775808,1 +9223372036854775808,1 @@",
        "@@ -18446744073709551616,1 +1,1 @@",
        "@@ -4294967296,1 +4294967296,1 @@",
        "@@ -1,99999999999999999999 +1,1 @@",
        "@@ -00000000001 +1 @@",
        "@@ -1, +1 @@",
        "@@ -, +1 @@",
        "@@ - + @@",
        "@@ -1 +1",
        "@@ -1 +1 @",
        "@@ -1 +1 @@@",
        "@@ -1 +1 @@x",
        "@@ -1  +1 @@",
        "@@ -1 1 @@",
        "@@-1 +1 @@",
        "@@",
        "@@ one @@",
    ] {
        refused(
            FIVE,
            format!("{header}\n-one\n+ONE\n"),
            &format!(
                "line 1 of the patch, \"{header}\", is no header of a hunk: it is written @@ \
                 -<first old line>,<old lines> +<first new line>,<new lines> @@, lines count from \
                 1, and 0 is the place before the first"
            ),
        );
    }
    // The largest numbers that can be read do not overflow.
    let largest = u32::MAX;
    let header = format!("@@ -{largest},{largest} +{largest},{largest} @@");
    assert!(outcome(FIVE.as_bytes(), format!("{header}\n-one\n+ONE\n").as_bytes()).is_err());
    refused(
        FIVE,
        format!("@@ -{largest},0 +{largest},1 @@\n+ONE\n"),
        &format!(
            "hunk 1 (@@ -{largest},0 +{largest},1 @@) should begin at line 4294967296 of the new \
             file, by what the hunks before it add and remove"
        ),
    );
    let before_the_largest = largest - 1;
    refused(
        FIVE,
        format!("@@ -{before_the_largest},0 +{largest},1 @@\n+ONE\n"),
        &format!(
            "hunk 1 (@@ -{before_the_largest},0 +{largest},1 @@) adds lines beyond the end of the \
             file, of which the number of lines is 5"
        ),
    );
}

#[test]
fn hunks_come_in_order_and_agree_with_each_other() {
    let change = |header: &str, line: &str| format!("{header}\n-{line}\n+{line}!\n");
    let overlapping = "@@ -1,2 +1,2 @@\n one\n-two\n+TWO\n@@ -2,2 +2,2 @@\n two\n-three\n+THREE\n";
    refused(
        FIVE,
        overlapping,
        "hunk 2 (@@ -2,2 +2,2 @@) begins before the end of the hunk before it",
    );
    refused(
        FIVE,
        change("@@ -4 +4 @@", "four") + &change("@@ -2 +2 @@", "two"),
        "hunk 2 (@@ -2 +2 @@) begins before the end of the hunk before it",
    );
    // The new file's numbers follow from the old one's.
    refused(
        FIVE,
        change("@@ -2 +3 @@", "two"),
        "hunk 1 (@@ -2 +3 @@) should begin at line 2 of the new file, by what the hunks before it \
         add and remove",
    );
    refused(
        FIVE,
        "@@ -1 +1,3 @@\n one\n+more\n+more\n".to_owned() + &change("@@ -4 +4 @@", "four"),
        "hunk 2 (@@ -4 +4 @@) should begin at line 6 of the new file, by what the hunks before it \
         add and remove",
    );
    becomes(
        FIVE,
        "@@ -1 +1,3 @@\n one\n+more\n+more\n".to_owned() + &change("@@ -4 +6 @@", "four"),
        "one\nmore\nmore\ntwo\nthree\nfour!\nfive\n",
    );
    // Neighbours are in order.
    becomes(
        FIVE,
        change("@@ -2 +2 @@", "two") + &change("@@ -3 +3 @@", "three"),
        "one\ntwo!\nthree!\nfour\nfive\n",
    );
}

#[test]
fn counts_must_be_exact() {
    for (header, body, has) in [
        ("@@ -1,2 +1,2 @@", " one\n", "1 old and 1 new lines, and its header says 2 and 2"),
        ("@@ -1,1 +1,2 @@", " one\n", "1 old and 1 new lines, and its header says 1 and 2"),
        ("@@ -1,1 +1,1 @@", "-one\n+1\n+2\n", "1 old and 2 new lines, and its header says 1 and 1"),
        (
            "@@ -1,1 +1,1 @@",
            "-one\n-two\n+1\n",
            "2 old and 1 new lines, and its header says 1 and 1",
        ),
        (
            "@@ -1,1 +1,1 @@",
            "-one\n+1\n two\n",
            "2 old and 2 new lines, and its header says 1 and 1",
        ),
        ("@@ -1,1 +1,1 @@", "", "0 old and 0 new lines, and its header says 1 and 1"),
    ] {
        let reason = format!("hunk 1 ({header}) has {has}");
        refused(FIVE, format!("{header}\n{body}"), &reason);
        let next = "@@ -5 +5 @@\n-five\n+FIVE\n";
        refused(FIVE, format!("{header}\n{body}{next}"), &reason);
    }
    refused(FIVE, "@@ -1,0 +1,0 @@\n", "hunk 1 (@@ -1,0 +1,0 @@) has no lines");
    refused(FIVE, "@@ -1 +1 @@\n one\n", "the patch neither adds nor removes a line");
}

#[test]
fn content_may_look_like_a_patch() {
    becomes(
        "@@ -1 +1 @@\n-- a\n++ b\ndiff --git a/x b/x\n",
        "--- a\n+++ b\n@@ -1,4 +1,4 @@\n-@@ -1 +1 @@\n+@@ -2 +2 @@\n--- a\n+-- c\n-++ b\n+++ d\n \
         diff --git a/x b/x\n",
        "@@ -2 +2 @@\n-- c\n++ d\ndiff --git a/x b/x\n",
    );
    becomes(
        "a\n",
        "@@ -1 +1,2 @@\n a\n+\\ No newline at end of file\n",
        "a\n\\ No newline at end of file\n",
    );
}

#[test]
fn many_hunks_and_long_lines_take_linear_time() {
    const HUNKS: usize = 100_000;
    let base = "x\n".repeat(2 * HUNKS);
    let mut patch = String::new();
    for number in (1..=2 * HUNKS).step_by(2) {
        write!(patch, "@@ -{number} +{number} @@\n-x\n+y\n").unwrap();
    }
    refused(
        &base,
        &patch,
        &format!("the patch has {} bytes, and at most 1048576 are taken", patch.len()),
    );
    let applied = quick(|| {
        let patch = Patch::parse_of_any_length(patch.as_bytes(), PATH).unwrap();
        patch.apply(Some(base.as_bytes())).unwrap()
    });
    assert_eq!(applied.content, Content::Holds("y\nx\n".repeat(HUNKS).into()));
    // All that fits, and the last hunk does not apply.
    let cut = patch[..LONGEST_PATCH - 100].rfind("@@ -").unwrap();
    let wrong = format!("{}@@ -199999 +199999 @@\n-z\n+y\n", &patch[..cut]);
    let refusal = quick(|| outcome(base.as_bytes(), wrong.as_bytes())).unwrap_err();
    assert!(refusal.ends_with("line 199999 of the file should be \"z\" and is \"x\""), "{refusal}");

    let long = "z".repeat(10_000_000);
    let base = format!("one\n{long}\nthree");
    let patch = "@@ -3 +3 @@\n-three\n\\ No newline at end of file\n+THREE\n";
    quick(|| becomes(&base, patch, format!("one\n{long}\nTHREE\n")));
    let misplaced = "@@ -2 +2 @@\n-three\n\\ No newline at end of file\n+THREE\n";
    let refusal = quick(|| outcome(base.as_bytes(), misplaced.as_bytes())).unwrap_err();
    assert!(refusal.ends_with("from line 3 on"), "{refusal}");
    let patch = format!("@@ -2 +1,0 @@\n-{long}\n");
    let applied = quick(|| {
        let patch = Patch::parse_of_any_length(patch.as_bytes(), PATH).unwrap();
        patch.apply(Some(base.as_bytes())).unwrap()
    });
    assert_eq!(applied.content, Content::Holds(b"one\nthree".to_vec()));

    // What stands almost everywhere is looked for in linear time as well.
    let base = "a\n".repeat(1_000_000);
    let lines = "-a\n".repeat(100_000);
    let patch = format!("@@ -1,100001 +0,0 @@\n{lines}-b\n");
    let refusal = quick(|| outcome(base.as_bytes(), patch.as_bytes())).unwrap_err();
    assert!(refusal.ends_with("line 100001 of the file should be \"b\" and is \"a\""), "{refusal}");
}
