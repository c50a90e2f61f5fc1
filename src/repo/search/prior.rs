//! How likely a file is what somebody looks for, by its path alone.

/// Directories whose files are somebody else's, or made by a program.
const FOREIGN: [&str; 9] = [
    "vendor",
    "third_party",
    "node_modules",
    "target",
    "dist",
    "build",
    "generated",
    "copies",
    "external",
];

/// Directories whose files show how others are used.
const ASIDE: [&str; 9] =
    ["tests", "test", "testdata", "fixtures", "golden", "snapshots", "examples", "benches", "spec"];

/// Endings of documents for people.
const DOCUMENTS: [&str; 5] = ["md", "rst", "txt", "adoc", "mdx"];

/// Files that list what programs found out.
const LISTS: [&str; 8] = [
    "cargo.lock",
    "package-lock.json",
    "yarn.lock",
    "poetry.lock",
    "go.sum",
    "composer.lock",
    "pnpm-lock.yaml",
    "uv.lock",
];

/// What a query asks for, as far as that decides which kind of file answers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    /// A question in prose: documents answer it.
    Prose,
    /// Names and texts: any file may have them.
    Text,
}

/// How likely a file is, for each kind of query.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Prior {
    any: f32,
    is_document: bool,
}

impl Prior {
    /// A factor for the score of the file.
    pub(super) fn factor(self, wish: Wish) -> f32 {
        match wish {
            Wish::Prose if self.is_document => 1.6 * self.any,
            Wish::Prose | Wish::Text => self.any,
        }
    }
}

/// What a path tells.
pub(super) fn prior(path: &str) -> Prior {
    let folded = path.to_ascii_lowercase();
    let (directories, name) = folded.rsplit_once('/').unwrap_or(("", &folded));
    let extension = name.rsplit_once('.').map_or("", |(_, ending)| ending);
    let mut factor = 1.0f32;
    let mut depth = 0u16;
    for directory in directories.split('/').filter(|directory| !directory.is_empty()) {
        depth += 1;
        if FOREIGN.contains(&directory) {
            factor *= 0.5;
        } else if ASIDE.contains(&directory) {
            factor *= 0.75;
        }
    }
    if LISTS.contains(&name) || name.contains(".min.") || matches!(extension, "lock" | "map") {
        factor *= 0.3;
    }
    if name.starts_with("test_") || name.contains("_test.") || name.contains(".test.") {
        factor *= 0.8;
    }
    if name == "tests.rs" {
        factor *= 0.75;
    }
    let is_document = DOCUMENTS.contains(&extension) || name.starts_with("readme");
    Prior { any: factor / (1.0 + 0.02 * f32::from(depth.min(20))), is_document }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_ones_own_and_near_the_top_comes_first() {
        for (better, worse) in [
            ("src/a.rs", "vendor/x/src/a.rs"),
            ("src/a.rs", "tests/a.rs"),
            ("Cargo.toml", "Cargo.lock"),
            ("a.js", "a.min.js"),
            ("a.md", "x/y/z/a.md"),
        ] {
            let factor = |path| prior(path).factor(Wish::Text);
            assert!(factor(worse) < factor(better), "{better} {worse}");
        }
        let factor = |path| prior(path).factor(Wish::Prose);
        assert!(factor("src/a.rs") < factor("docs/a.md"));
    }
}
