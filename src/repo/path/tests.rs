//! Texts that are paths, and texts that are none.

use proptest::prelude::*;

use super::PathError::{
    Characters, Climbs, Empty, EndsWithSlash, Git, NotPortable, NotRelative, Secret, ShortAlias,
    SteersGit, Temporary, TooLong,
};
use super::*;

/// Checks that all of these texts are refused for one reason.
#[track_caller]
fn refused(why: PathError, texts: &[&str]) {
    for text in texts {
        assert_eq!(RepoPath::parse(text), Err(why), "{text:?}");
        let below = format!("docs/{text}");
        if !matches!(why, NotRelative | Empty) {
            assert_eq!(RepoPath::parse(&below), Err(why), "{below:?}");
        }
    }
}

#[track_caller]
fn taken(texts: &[&str]) {
    for text in texts {
        assert_eq!(RepoPath::parse(text).map(|path| path.to_string()), Ok((*text).to_owned()));
    }
}

#[test]
fn a_path_is_brought_into_one_form() {
    for (text, path) in
        [("a/b.md", "a/b.md"), ("./a", "a"), ("a//b", "a/b"), ("a/./b", "a/b"), (".a", ".a")]
    {
        assert_eq!(RepoPath::parse(text).unwrap().as_str(), path);
    }
}

#[test]
fn only_what_is_below_the_root_has_a_path() {
    refused(Empty, &["", ".", "./", ".//", "././"]);
    refused(EndsWithSlash, &["a/", "a//", "....//", "../x/"]);
    refused(
        NotRelative,
        &["/etc/passwd", "//etc", "/", "/proc/self/environ", "~/x", "~", "~root/x"],
    );
    // It would read `~x` when it is written down and read again.
    refused(NotRelative, &["./~/x", ".//~x"]);
    refused(
        Climbs,
        &["..", "../x", "a/../../x", "a/..", "...", "....", "..../x", ".. ", ". .", " "],
    );
    // The same in one character.
    refused(Climbs, &["\u{2025}/x", "\u{2026}", "\u{ff0e}\u{ff0e}/x", "\u{a0}"]);
    refused(Characters, &["..\\x", "a\\b", "file:///etc/passwd", "C:/x", "a:stream", "a::$DATA"]);
    taken(&["%2e%2e/x", "%2e%2e%2fx", "a%00b", "a/..b", "a/b..c", "-rf", "a b/c d.md", "a~"]);
}

#[test]
fn what_is_not_shown_is_in_no_path() {
    refused(Characters, &["a\0b", "a\nb", "a\rb", "a\tb", "\u{1b}[2J", "a\u{7f}", "a\u{85}b"]);
    refused(Characters, &["a\u{202e}b", "a\u{202a}b", "a\u{2066}b", "a\u{2069}", "\u{200f}a"]);
    refused(Characters, &["a\u{200b}b", "a\u{200c}", "a\u{200d}", "\u{feff}a", "a\u{ad}b"]);
    refused(Characters, &["a\u{2028}b", "a\u{2029}b", "a\u{e0041}", "a\u{fe0f}", "a\u{3164}"]);
    taken(&["größe.md", "文書/読.md", "ελληνικά", "Ďábel", "e\u{301}", "第一章：序.md", "🦀.rs"]);
}

#[test]
fn paths_are_no_longer_than_the_system_takes() {
    let name = "a".repeat(255);
    taken(&[&name]);
    refused(TooLong, &[&format!("{name}a"), &"é".repeat(128)]);
    let path = [name.as_str(); 16].join("/");
    assert_eq!(path.len(), 4095);
    taken(&[&path, &format!("{}/aa", &path[..4093])]);
    assert_eq!(RepoPath::parse(&format!("{path}/a")), Err(TooLong));
    assert_eq!(RepoPath::parse(&"./".repeat(2049)), Err(TooLong));
}

#[test]
fn no_path_leads_into_git() {
    refused(Git, &[".git", ".git/config", ".GIT/HEAD", ".Git/hooks/pre-commit", ".git./config"]);
    refused(Git, &["sub/.git/hooks/pre-commit", ".git /x", ".git . ./x", ".git..", "a/b/.giT"]);
    // In full width, in mathematical letters, with the Turkish i.
    refused(Git, &[".\u{ff47}\u{ff49}\u{ff54}/x", "\u{ff0e}git", ".\u{1d420}it", ".g\u{131}t"]);
    refused(Characters, &[".git\u{200c}/x", ".g\u{200d}it", ".git\u{feff}", ".git::$INDEX"]);
    refused(ShortAlias, &["git~1", "GIT~1/config", "git~12", "GITMOD~1", "env~1", "SECRET~1.PEM"]);
    taken(&[".gitignore", ".github/workflows/ci.yml", "git", "a.git/b", ".gitkeep", "x.git"]);
    taken(&["notes.txt~", "notes.txt.~1~", "a~b", "approximately~10.txt", "version~1.tar.gz"]);
}

#[test]
fn secrets_have_no_path() {
    refused(Secret, &[".env", ".ENV", ".env.local", ".Env.Production", ".envrc", ".env ", ".env."]);
    refused(Secret, &["a.pem", "TLS/Server.KEY", "a.p12", "a.pfx", "a.kdbx", "a.jks", "a.pem."]);
    refused(Secret, &["id_rsa", "ID_RSA", "id_ed25519", "id_ecdsa", "id_dsa", ".netrc", ".npmrc"]);
    refused(Secret, &[".pypirc", ".git-credentials", ".ssh/config", ".gnupg", ".GnuPG/x"]);
    refused(Secret, &[".aws/credentials", ".AWS/Credentials", ".docker/config.json"]);
    refused(Secret, &[".mcp-state.db", ".mcp-state.db-wal", ".MCP-state.json"]);
    refused(Secret, &["\u{ff0e}env", ".\u{212f}nv", "id_r\u{17f}a"]);
    refused(Temporary, &[".lukhas-mcp-x.tmp", ".Lukhas-MCP-x.TMP", ".lukhas-mcp-.tmp "]);
    taken(&[".env.example", ".env.sample", ".env.local.template", "env", "environment.rs"]);
    taken(&["id_rsa.pub", "aws/credentials", "docs/.aws/config", "keys.rs", "monkey.md", "pem"]);
}

#[test]
fn what_steers_git_is_not_changed() {
    for text in [".gitattributes", "a/.gitmodules", ".GitModules", ".lfsconfig", "a/HEAD", "head"] {
        let path = RepoPath::parse(text).unwrap();
        assert_eq!(path.check_writable(), Err(SteersGit), "{text}");
        assert_eq!(path.check_new(), Err(SteersGit), "{text}");
    }
    for text in [".gitignore", "a/head.rs", "HEAD.md", "config"] {
        assert_eq!(RepoPath::parse(text).unwrap().check_new(), Ok(()), "{text}");
    }
}

#[test]
fn a_new_name_is_one_that_all_systems_take() {
    let devices =
        ["CON", "nul.txt", "src/aux.c", "COM1", "com9.tar.gz", "COM\u{b9}", "lpt\u{b3}.x"];
    let others = ["prn ", "NUL .txt", "conin$", "\u{ff23}ON", "a.", "a ", "dir./b", "a\u{a0}"];
    let characters = ["a?", "*", "a<b", "a|b", "a\"b", "a>"];
    for text in devices.iter().chain(&others).chain(&characters) {
        let path = RepoPath::parse(text).unwrap();
        assert_eq!(path.check_new(), Err(NotPortable), "{text}");
        // It may have come from elsewhere, and can be read and changed then.
        assert_eq!(path.check_writable(), Ok(()), "{text}");
    }
    for text in
        ["console.rs", "com.txt", "com10", "null", "a/auxiliary", "lpt", ".a", "a b", "com0x"]
    {
        assert_eq!(RepoPath::parse(text).unwrap().check_new(), Ok(()), "{text}");
    }
}

#[test]
fn a_child_is_what_is_read_from_its_text() {
    let directory = RepoPath::parse("a/.aws").unwrap();
    for name in ["b", "..", ".git", "credentials", "c/d", "x:y", "~x", "", ".", "a\nb", "a.pem"] {
        let child = RepoPath::child(Some(&directory), name);
        let text = format!("a/.aws/{name}");
        match RepoPath::parse(&text) {
            Ok(path) if !matches!(name, "c/d" | "" | ".") => assert_eq!(child, Ok(path)),
            _ => assert!(child.is_err(), "{text}"),
        }
    }
    assert_eq!(RepoPath::child(None, "a").unwrap().as_str(), "a");
    for name in ["a/b", "~x", "", ".", ".."] {
        assert!(RepoPath::child(None, name).is_err(), "{name}");
    }
}

/// Texts as an attacker would put them together.
fn hostile() -> impl Strategy<Value = String> {
    let pieces = prop::sample::select(vec![
        "/", "/", "/", "..", ".", "~", "a", "b", ".git", "GIT~1", ".env", " ", "\\", ":", "%2e",
        "\u{2025}", "\u{ff0e}", "\u{200c}", "\u{131}", "é", "e\u{301}", "nul", "x.pem", "\n",
        "docs",
    ]);
    let piece =
        prop_oneof![4 => pieces.prop_map(str::to_owned), 1 => any::<char>().prop_map(String::from)];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_path_reads_back_as_itself(text in hostile()) {
        let Ok(path) = RepoPath::parse(&text) else { return Ok(()) };
        prop_assert_eq!(RepoPath::parse(path.as_str()), Ok(path.clone()));
        for name in path.names() {
            prop_assert!(!matches!(name, "" | "." | ".."));
            prop_assert!(!name.eq_ignore_ascii_case(".git") && !name.contains(['\\', '\0', ':']));
        }
        let child = RepoPath::child(path.parent().as_ref(), path.file_name());
        prop_assert_eq!(child, Ok(path));
    }
}
