//! Patterns of paths: `*` stops at a `/`, `**` does not.

use std::fmt;

use globset::{GlobBuilder, GlobMatcher};

/// The longest pattern, in bytes.
const LONGEST: usize = 256;

/// How many alternatives `{a,b}` a pattern may have in all, and how deep they may stand in one
/// another.
const MOST_ALTERNATIVES: usize = 32;
const DEEPEST: usize = 3;

/// A pattern of paths below the root, in the case in which it is written.
#[derive(Clone)]
pub struct Glob {
    text: String,
    matcher: GlobMatcher,
}

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGlob {
    /// Nothing, or too much.
    #[error("a glob must have 1 to {LONGEST} bytes")]
    Length,
    /// It could match nothing below the root.
    #[error(
        "a glob is compared with paths below the root: it must not begin with / nor contain .."
    )]
    NotRelative,
    /// Too many alternatives.
    #[error(
        "a glob must have at most {MOST_ALTERNATIVES} alternatives in {{…}}, at most {DEEPEST} \
         deep in one another"
    )]
    Complex,
    /// A bracket or a brace without its other half, and the like.
    #[error("it is no glob: {0}")]
    Syntax(String),
}

impl Glob {
    /// Reads a pattern as a client wrote it.
    ///
    /// # Errors
    /// It is no pattern, or one that is not compared with anything.
    pub fn parse(text: &str) -> Result<Self, InvalidGlob> {
        if !(1..=LONGEST).contains(&text.len()) {
            return Err(InvalidGlob::Length);
        }
        if text.starts_with('/') || text.split('/').any(|name| name == "..") {
            return Err(InvalidGlob::NotRelative);
        }
        check_alternatives(text)?;
        Self::build(text.strip_prefix("./").unwrap_or(text).to_owned())
    }

    fn build(text: String) -> Result<Self, InvalidGlob> {
        let glob = GlobBuilder::new(&text).literal_separator(true).backslash_escape(true).build();
        match glob {
            Ok(glob) => Ok(Self { text, matcher: glob.compile_matcher() }),
            Err(error) => Err(InvalidGlob::Syntax(error.kind().to_string())),
        }
    }

    /// Whether a path is one of those that are meant.
    pub fn matches(&self, path: &str) -> bool {
        self.matcher.is_match(path)
    }
}

impl fmt::Debug for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Glob({:?})", self.text)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Counts braces and commas without reading the pattern, so that what is escaped counts as well.
fn check_alternatives(text: &str) -> Result<(), InvalidGlob> {
    let (mut depth, mut alternatives) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' => (depth, alternatives) = (depth + 1, alternatives + 1),
            b'}' => depth = depth.saturating_sub(1),
            b',' if 0 < depth => alternatives += 1,
            _ => {}
        }
        if DEEPEST < depth || MOST_ALTERNATIVES < alternatives {
            return Err(InvalidGlob::Complex);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(glob: &str, matching: &[&str], others: &[&str]) {
        let glob = Glob::parse(glob).unwrap();
        for path in matching {
            assert!(glob.matches(path), "{glob} {path}");
        }
        for path in others {
            assert!(!glob.matches(path), "{glob} {path}");
        }
    }

    #[test]
    fn a_star_stops_at_a_slash_and_two_do_not() {
        check("*.md", &["a.md", ".md"], &["docs/a.md", "a.MD", "a.md.txt"]);
        check("**/*.md", &["a.md", "docs/a.md", "docs/b/c.md"], &["a.rs"]);
        check("docs/**", &["docs/a", "docs/b/c"], &["docs", "a/docs/b"]);
        check("src/{a,b}/*.rs", &["src/a/x.rs", "src/b/y.rs"], &["src/c/x.rs", "src/a/b/x.rs"]);
        check("[a-c]?.txt", &["a1.txt"], &["d1.txt", "a/.txt", "a.txt"]);
        check("./README.md", &["README.md"], &["docs/README.md"]);
        check(r"a\*", &["a*"], &["ab"]);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        let nested = format!("{}a{}", "{".repeat(4), "}".repeat(4));
        let wide = format!("{{{}}}", "a,".repeat(40));
        for (text, why) in [
            ("", InvalidGlob::Length),
            (&*"a".repeat(257), InvalidGlob::Length),
            ("/etc/*", InvalidGlob::NotRelative),
            ("../*", InvalidGlob::NotRelative),
            ("a/../*", InvalidGlob::NotRelative),
            (&*nested, InvalidGlob::Complex),
            (&*wide, InvalidGlob::Complex),
        ] {
            assert_eq!(Glob::parse(text).unwrap_err(), why, "{text}");
        }
        for text in ["[a", "{a", "a}", "[z-a]", "a\\"] {
            let refused = Glob::parse(text).unwrap_err();
            assert!(matches!(refused, InvalidGlob::Syntax(_)), "{text}: {refused}");
        }
    }

    #[test]
    fn the_worst_pattern_costs_little() {
        let worst = Glob::parse(&"**/*".repeat(64)).unwrap();
        let deep = "a/".repeat(1000);
        let began = std::time::Instant::now();
        for _ in 0..100 {
            let _ = worst.matches(&deep);
        }
        assert!(began.elapsed() < std::time::Duration::from_secs(5), "{:?}", began.elapsed());
    }
}
