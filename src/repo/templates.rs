//! What a new file may begin with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::repo::RepoPath;

/// The headers there are, by the language that they are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Template {
    /// A heading.
    Markdown,
    /// A docstring.
    Python,
    /// A documentation comment.
    TypeScript,
    /// A documentation comment.
    JavaScript,
    /// Module documentation.
    Rust,
    /// An interpreter, and an end at the first error.
    Shell,
    /// A comment.
    Toml,
    /// A comment.
    Yaml,
    /// A comment.
    Sql,
}

impl Template {
    /// What comes before the contents of a file with this path.
    pub fn header(self, path: &RepoPath) -> String {
        let title = title(path);
        match self {
            Self::Markdown => format!("# {title}\n\n"),
            Self::Python => format!("\"\"\"{title}.\"\"\"\n\n"),
            Self::TypeScript | Self::JavaScript => format!("/**\n * {title}.\n */\n\n"),
            Self::Rust => format!("//! {title}.\n\n"),
            Self::Shell => format!("#!/usr/bin/env bash\n# {title}.\nset -euo pipefail\n\n"),
            Self::Toml | Self::Yaml => format!("# {title}.\n\n"),
            Self::Sql => format!("-- {title}.\n\n"),
        }
    }
}

/// The name of a file as words: `release-notes.md` is `Release notes`. Only letters, digits and
/// dots are kept, so that no name can end the comment that it stands in.
fn title(path: &RepoPath) -> String {
    let name = path.file_name();
    let stem = path.extension().map_or(name, |ending| &name[..name.len() - ending.len() - 1]);
    let is_kept = |c: char| c.is_alphanumeric() || c == '.';
    let words: Vec<&str> = stem.split(|c| !is_kept(c)).filter(|word| !word.is_empty()).collect();
    let words = words.join(" ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => "New file".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_name_in_words() {
        for (name, expected) in [
            ("docs/release-notes.md", "Release notes"),
            ("a/b_c.d.rs", "B c.d"),
            ("\u{e9}tude.md", "\u{c9}tude"),
            (".gitignore", ".gitignore"),
            ("---.md", "New file"),
            ("x*\"\"\".py", "X"),
        ] {
            assert_eq!(title(&RepoPath::parse(name).unwrap()), expected, "{name}");
        }
    }

    #[test]
    fn every_header_is_a_comment_of_its_language() {
        let path = RepoPath::parse("some-thing.x").unwrap();
        for (name, header) in [
            ("markdown", "# Some thing\n\n"),
            ("python", "\"\"\"Some thing.\"\"\"\n\n"),
            ("typescript", "/**\n * Some thing.\n */\n\n"),
            ("javascript", "/**\n * Some thing.\n */\n\n"),
            ("rust", "//! Some thing.\n\n"),
            ("shell", "#!/usr/bin/env bash\n# Some thing.\nset -euo pipefail\n\n"),
            ("toml", "# Some thing.\n\n"),
            ("yaml", "# Some thing.\n\n"),
            ("sql", "-- Some thing.\n\n"),
        ] {
            let template: Template = serde_json::from_value(name.into()).unwrap();
            assert_eq!(template.header(&path), header);
        }
        let unknown = serde_json::from_value::<Template>("cobol".into()).unwrap_err().to_string();
        assert!(unknown.contains("`markdown`, `python`"), "{unknown}");
    }
}
