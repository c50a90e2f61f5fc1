//! Patterns of paths, as shells and `.gitignore` files write them.

use globset::{GlobBuilder, GlobMatcher};

/// The longest pattern, in bytes.
const LONGEST: usize = 256;

/// A pattern of paths: `*` and `?` stay within a name, `**` does not.
#[derive(Debug, Clone)]
pub struct Glob(GlobMatcher);

/// Why a text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidGlob {
    /// It is empty or long.
    #[error("a glob has 1 to 256 bytes")]
    Length,
    /// It cannot be read.
    #[error("the glob cannot be read: {0}")]
    Syntax(String),
}

impl Glob {
    /// Reads a pattern.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, InvalidGlob> {
        if text.is_empty() || LONGEST < text.len() {
            return Err(InvalidGlob::Length);
        }
        let built = GlobBuilder::new(text).literal_separator(true).build();
        let built = built.map_err(|error| InvalidGlob::Syntax(error.kind().to_string()))?;
        Ok(Self(built.compile_matcher()))
    }

    /// Whether a path matches.
    pub fn matches(&self, path: &str) -> bool {
        self.0.is_match(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stays_within_a_name() {
        let matches = |glob: &str, path: &str| Glob::parse(glob).unwrap().matches(path);
        assert!(matches("README.md", "README.md"));
        assert!(!matches("README.md", "docs/README.md"));
        assert!(matches("**/README.md", "docs/README.md"));
        assert!(matches("**/README.md", "README.md"));
        assert!(!matches("src/*.rs", "src/a/b.rs"));
        assert!(matches("src/**/*.{rs,toml}", "src/a/b.toml"));
        assert!(!matches("*.md", "A.MD"));
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        assert_eq!(Glob::parse("").unwrap_err(), InvalidGlob::Length);
        assert_eq!(Glob::parse(&"a".repeat(257)).unwrap_err(), InvalidGlob::Length);
        for text in ["[", "{a", "a}", "[z-a]"] {
            assert!(matches!(Glob::parse(text), Err(InvalidGlob::Syntax(_))), "{text}");
        }
    }
}
