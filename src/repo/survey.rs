//! What the repository is made of: how much of which language, where, and what builds it.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::build_tools::{self, BuildTool};
use super::root::{Entry, EntryKind, WalkLimits};
use super::{Deps, Repo, RepoError, RepoPath, Work};

/// How long a survey may take; what it has by then is told, and that it is not all.
const PATIENCE: Duration = Duration::from_secs(3);

/// How many bytes are read to count lines.
const READ: u64 = 64 * 1024 * 1024;

/// The largest file whose lines are counted, in bytes.
const COUNTED: u64 = 2 * 1024 * 1024;

/// How many of the largest files are told.
const LARGEST: usize = 10;

/// How deep directories are told, and how many.
const DEEP: usize = 3;
const DIRECTORIES: usize = 200;

/// How many manifests are read.
const MANIFESTS: usize = 50;

/// The largest manifest that is read, in bytes.
const MANIFEST: u64 = 256 * 1024;

/// What the repository is made of, without what git ignores.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// How many files there are.
    pub files: u64,
    /// How many bytes they have.
    pub bytes: u64,
    /// By language, the one with the most bytes first.
    pub languages: Vec<Language>,
    /// The largest files, with their sizes in bytes, the largest first.
    pub largest: Vec<(RepoPath, u64)>,
    /// The upper directories, in the order of their paths.
    pub directories: Vec<Directory>,
    /// What builds it, in the order of the manifests' paths.
    pub build_tools: Vec<BuildTool>,
    /// Whether a limit of the survey left something out.
    pub is_cut: bool,
}

/// What is there in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Language {
    /// Its name.
    pub name: &'static str,
    /// How many files.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
    /// How many lines, in the files that were counted.
    pub lines: u64,
    /// In how many of the files lines were counted.
    pub counted: u64,
}

/// What is in a directory and below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directory {
    /// Where.
    pub path: RepoPath,
    /// How many files.
    pub files: u64,
    /// How many bytes.
    pub bytes: u64,
    /// The language with the most bytes, if any is known.
    pub language: Option<&'static str>,
}

impl Repo {
    /// Goes through the repository once. With `lines`, the lines of text are counted, which means
    /// that files are read.
    ///
    /// # Errors
    /// The repository cannot be read.
    pub async fn survey(&self, lines: bool) -> Result<Survey, RepoError> {
        self.blocking(Work::Survey, move |deps| survey(deps, lines)).await
    }
}

fn survey(deps: &Deps, lines: bool) -> Result<Survey, RepoError> {
    let until = Instant::now() + PATIENCE;
    let limits = WalkLimits { until: Some(until), ..WalkLimits::default() };
    let mut tally = Tally::default();
    let walked = deps.root.walk(None, &limits, &mut |Entry { path, kind, seen }| {
        if kind == EntryKind::File {
            tally.add(path, seen.size);
        }
        ControlFlow::Continue(())
    })?;
    let manifests = std::mem::take(&mut tally.manifests);
    let (counted, is_all) =
        if lines { count_lines(deps, &tally.texts, until) } else { (Counted::new(), true) };
    let mut survey = tally.finish(&counted);
    survey.is_cut |= walked.is_cut || MANIFESTS < manifests.len() || !is_all;
    let known = |path: &str| manifests.iter().any(|(manifest, _)| manifest.as_str() == path);
    for (path, _) in manifests.iter().take(MANIFESTS) {
        if until <= Instant::now() {
            survey.is_cut = true;
            break;
        }
        // One that is gone or unreadable by now tells nothing.
        let Ok(file) = deps.root.read(path, MANIFEST) else { continue };
        let Ok(text) = String::from_utf8(file.bytes) else { continue };
        survey.build_tools.extend(build_tools::read(path, &text, &known));
    }
    Ok(survey)
}

/// Lines and files counted, by language.
type Counted = HashMap<&'static str, (u64, u64)>;

/// Counts lines, and says whether it got through all files.
fn count_lines(deps: &Deps, texts: &[(RepoPath, u64)], until: Instant) -> (Counted, bool) {
    let mut counted = Counted::new();
    let mut left = READ;
    let mut is_all = true;
    for (path, size) in texts {
        if COUNTED < *size || left < *size {
            is_all = false;
            continue;
        }
        if until <= Instant::now() {
            return (counted, false);
        }
        left -= size;
        let Some(language) = language(path) else { continue };
        let Ok(file) = deps.root.read(path, COUNTED) else { continue };
        let (lines, files) = counted.entry(language).or_default();
        *lines += lines_of(&file.bytes);
        *files += 1;
    }
    (counted, is_all)
}

/// Lines, of which the last need not be ended.
fn lines_of(bytes: &[u8]) -> u64 {
    bytes.split_inclusive(|byte| *byte == b'\n').count() as u64
}

/// A survey in the making. Pure.
#[derive(Debug, Default)]
struct Tally {
    files: u64,
    bytes: u64,
    languages: HashMap<&'static str, (u64, u64)>,
    largest: Vec<(RepoPath, u64)>,
    directories: BTreeMap<RepoPath, (u64, u64, HashMap<&'static str, u64>)>,
    manifests: Vec<(RepoPath, u64)>,
    /// Files in a known language, for counting lines.
    texts: Vec<(RepoPath, u64)>,
}

impl Tally {
    fn add(&mut self, path: RepoPath, size: u64) {
        self.files += 1;
        self.bytes += size;
        let language = language(&path);
        for directory in upper_directories(&path) {
            let (files, bytes, languages) = self.directories.entry(directory).or_default();
            *files += 1;
            *bytes += size;
            if let Some(language) = language {
                *languages.entry(language).or_default() += size;
            }
        }
        if let Some(language) = language {
            let (files, bytes) = self.languages.entry(language).or_default();
            *files += 1;
            *bytes += size;
        }
        let place = self.largest.partition_point(|(_, other)| size <= *other);
        if place < LARGEST {
            self.largest.insert(place, (path.clone(), size));
            self.largest.truncate(LARGEST);
        }
        if build_tools::is_manifest(&path) && size <= MANIFEST {
            self.manifests.push((path.clone(), size));
        }
        if language.is_some() {
            self.texts.push((path, size));
        }
    }

    fn finish(self, counted: &Counted) -> Survey {
        let language = |(name, (files, bytes)): (&'static str, (u64, u64))| {
            let (lines, counted) = counted.get(name).copied().unwrap_or_default();
            Language { name, files, bytes, lines, counted }
        };
        let mut languages: Vec<Language> = self.languages.into_iter().map(language).collect();
        languages.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.name.cmp(b.name)));
        let is_cut = DIRECTORIES < self.directories.len();
        let directory = |(path, (files, bytes, languages)): (_, (_, _, HashMap<_, _>))| {
            let most = languages.into_iter().max_by_key(|(name, bytes)| (*bytes, *name));
            Directory { path, files, bytes, language: most.map(|(name, _)| name) }
        };
        // The upper ones before the deeper ones, if there are too many of them.
        let mut directories: Vec<Directory> = self.directories.into_iter().map(directory).collect();
        directories.sort_by_key(|directory| depth(&directory.path));
        directories.truncate(DIRECTORIES);
        directories.sort_by(|a, b| a.path.cmp(&b.path));
        Survey {
            files: self.files,
            bytes: self.bytes,
            languages,
            largest: self.largest,
            directories,
            build_tools: Vec::new(),
            is_cut,
        }
    }
}

fn depth(path: &RepoPath) -> usize {
    path.as_str().split('/').count()
}

/// The directories that a file is in, as far as they are told.
fn upper_directories(path: &RepoPath) -> impl Iterator<Item = RepoPath> {
    let all = std::iter::successors(path.parent(), RepoPath::parent);
    all.filter(|directory| depth(directory) <= DEEP)
}

/// The language of a file, by its name.
fn language(path: &RepoPath) -> Option<&'static str> {
    match path.file_name() {
        "Makefile" | "GNUmakefile" | "makefile" => return Some("Make"),
        "Dockerfile" | "Containerfile" => return Some("Dockerfile"),
        "justfile" => return Some("Just"),
        _ => {}
    }
    Some(match path.extension()?.to_ascii_lowercase().as_str() {
        "rs" => "Rust",
        "py" | "pyi" => "Python",
        "js" | "mjs" | "cjs" | "jsx" => "JavaScript",
        "ts" | "tsx" | "mts" | "cts" => "TypeScript",
        "go" => "Go",
        "java" => "Java",
        "kt" | "kts" => "Kotlin",
        "swift" => "Swift",
        "c" | "h" => "C",
        "cc" | "cpp" | "cxx" | "hh" | "hpp" | "hxx" => "C++",
        "cs" => "C#",
        "rb" => "Ruby",
        "php" => "PHP",
        "sh" | "bash" | "zsh" => "Shell",
        "sql" => "SQL",
        "html" | "htm" => "HTML",
        "css" | "scss" => "CSS",
        "md" | "markdown" | "mdx" => "Markdown",
        "rst" => "reStructuredText",
        "json" | "jsonl" => "JSON",
        "toml" => "TOML",
        "yaml" | "yml" => "YAML",
        "xml" => "XML",
        "proto" => "Protocol Buffers",
        "ipynb" => "Jupyter",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(text: &str) -> RepoPath {
        RepoPath::parse(text).unwrap()
    }

    #[test]
    fn files_are_added_up_by_language_and_directory() {
        let mut tally = Tally::default();
        for (name, size) in [
            ("README.md", 10),
            ("src/main.rs", 100),
            ("src/a/b/c/deep.rs", 50),
            ("src/a/x.py", 60),
            ("data.bin", 1000),
        ] {
            tally.add(path(name), size);
        }
        let survey = tally.finish(&Counted::from([("Rust", (7, 2))]));
        assert_eq!((survey.files, survey.bytes), (5, 1220));
        let languages: Vec<_> =
            survey.languages.iter().map(|of| (of.name, of.files, of.bytes, of.lines)).collect();
        assert_eq!(languages, [("Rust", 2, 150, 7), ("Python", 1, 60, 0), ("Markdown", 1, 10, 0)]);
        let directories: Vec<_> =
            survey.directories.iter().map(|d| (d.path.as_str(), d.files, d.language)).collect();
        assert_eq!(
            directories,
            [("src", 3, Some("Rust")), ("src/a", 2, Some("Python")), ("src/a/b", 1, Some("Rust"))]
        );
        let largest: Vec<_> = survey.largest.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(largest[..2], ["data.bin", "src/main.rs"]);
    }

    #[test]
    fn only_so_much_is_told() {
        let mut tally = Tally::default();
        for n in 0..1000 {
            tally.add(path(&format!("d{n}/e/x.rs")), n);
        }
        let survey = tally.finish(&Counted::new());
        assert!(survey.is_cut);
        assert_eq!((survey.largest.len(), survey.directories.len()), (LARGEST, DIRECTORIES));
        assert_eq!(survey.largest[0].1, 999);
        assert!(survey.directories.iter().all(|directory| depth(&directory.path) == 1));
    }

    #[test]
    fn a_last_line_without_an_end_is_one() {
        for (text, lines) in [("", 0), ("a", 1), ("a\n", 1), ("a\nb", 2), ("\n\n", 2)] {
            assert_eq!(lines_of(text.as_bytes()), lines, "{text:?}");
        }
    }
}
