//! The rules of `ARCHITECTURE.md` that a text can be checked for: who imports whom, which crate is
//! known to whom, how long a file is, and that each says what it is for.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use regex::Regex;

/// The layers from the top. A module imports from lower layers and from itself; those of one layer
/// do not import one another.
const LAYERS: &[&[&str]] = &[
    &["main"],
    &["cli"],
    &["app"],
    &["http"],
    &["mcp"],
    &["conformance"],
    &["prompts"],
    &["resources"],
    &["tools"],
    &[
        "audit",
        "canaries",
        "chat",
        "jobs",
        "legacy_state",
        "notifications",
        "oauth",
        "repo",
        "subscriptions",
    ],
    &["mcp_servers", "models"],
    &["events"],
    &["store", "adapters", "telemetry"],
    &["config", "board", "supervision", "clock", "ids", "own_process", "visible"],
];

/// Modules that import nothing of the crate, and the only module that imports each.
const LEAVES: &[(&str, &str)] = &[("client", "cli"), ("score", "cli"), ("shipped", "app")];

/// Names that only these modules may use, tests aside.
const CONFINED: &[(&str, &[&str])] = &[
    (r"\b(diesel|diesel_migrations|libsqlite3_sys)::", &["store"]),
    (r"\b(actix_web|actix_web_lab|actix_ws|tracing_actix_web)::", &["http", "app"]),
    (r"\breqwest::", &["adapters", "client"]),
    (r"\brmcp::", &["mcp_servers"]),
    (r"\btiktoken_rs::", &["chat"]),
    (r"\bactix_ws::", &["http"]),
    (r"\bjsonschema::", &["mcp_servers"]),
    (r"\bgit2::", &["adapters", "repo"]),
    (r"\b(opentelemetry\w*|tracing_opentelemetry|prost)::", &["adapters", "telemetry"]),
    (r"\bclap::", &["cli"]),
    (r"\bserde_saphyr::", &["config"]),
    (r"\btiktoken_rs::", &["chat"]),
    (r"\bnix::", &["adapters"]),
    (r"\brustix::", &["adapters", "app", "cli", "config", "repo"]),
    (r"\b(std|tokio)::process::Command\b", &["adapters", "own_process"]),
    (
        r"\b(std|tokio)::fs\b",
        &["store", "adapters", "app", "cli", "config", "score", "legacy_state", "repo"],
    ),
];

const LONGEST_FILE: usize = 400;

/// A source file of the program.
struct Source {
    /// Its path below the project, for messages.
    path: String,
    /// Its place in the module tree, such as `["jobs", "tests"]`.
    modules: Vec<String>,
    text: String,
}

impl Source {
    fn module(&self) -> &str {
        &self.modules[0]
    }

    /// The lines of code, without what only comments say.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().filter_map(|(index, line)| {
            let code = line.split(" // ").next().unwrap_or_default();
            (!code.trim_start().starts_with("//")).then_some((index + 1, code))
        })
    }

    /// The lines of code that are not for tests.
    fn productive_code(&self) -> impl Iterator<Item = (usize, &str)> {
        let is_test = self.modules.iter().any(|module| module == "tests");
        self.code().take_while(move |(_, line)| !is_test && !line.starts_with("#[cfg(test)]"))
    }
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn sources() -> Vec<Source> {
    let root = project().join("src");
    let read = |file: PathBuf| {
        let mut modules: Vec<String> = file
            .strip_prefix(&root)
            .unwrap()
            .with_extension("")
            .iter()
            .map(|part| part.to_str().unwrap().to_owned())
            .collect();
        if modules.last().is_some_and(|last| last == "mod") {
            modules.pop();
        }
        let path = file.strip_prefix(project()).unwrap().display().to_string();
        Source { path, modules, text: std::fs::read_to_string(file).unwrap() }
    };
    rust_files(&root).into_iter().map(read).filter(|source| source.module() != "lib").collect()
}

/// Fails with all that was found, so that one run shows everything there is to mend.
#[track_caller]
fn nothing_in(violations: &[String]) {
    let list = violations.iter().fold(String::new(), |mut list, violation| {
        writeln!(list, "  {violation}").unwrap();
        list
    });
    assert!(violations.is_empty(), "{} violations:\n{list}", violations.len());
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Whether `from` may import `to`, and if not, why.
fn judge(from: &str, to: &str) -> Result<(), String> {
    if from == to {
        return Ok(());
    }
    if let Some((leaf, user)) = LEAVES.iter().find(|(leaf, _)| *leaf == to) {
        let message = format!("{leaf} is a leaf that only {user} imports");
        return if from == *user { Ok(()) } else { Err(message) };
    }
    if LEAVES.iter().any(|(leaf, _)| *leaf == from) {
        return Err(format!("{from} is a leaf and imports nothing of the crate"));
    }
    match (layer_of(from), layer_of(to)) {
        (Some(above), Some(below)) if above < below => Ok(()),
        (Some(above), Some(below)) if above == below => Err("they are siblings".to_owned()),
        (Some(_), Some(_)) => Err(format!("{to} is above {from}")),
        (None, _) => Err(format!("{from} has no place among the layers of this test yet")),
        (_, None) => Err(format!("{to} has no place among the layers of this test yet")),
    }
}

/// The modules of the crate that a line of code names, in `crate::a`, `crate::{a, b::{c}}` or, in
/// the program's main file, `lukhas_mcp::a`.
fn imported(text: &str) -> BTreeSet<String> {
    let names = Regex::new(r"\b(?:crate|lukhas_mcp)::(?:([a-z_0-9]+)|\{)").unwrap();
    let mut found = BTreeSet::new();
    for hit in names.captures_iter(text) {
        match hit.get(1) {
            Some(name) => drop(found.insert(name.as_str().to_owned())),
            None => found.extend(heads_of_group(&text[hit.get(0).unwrap().end()..])),
        }
    }
    found
}

/// The first names in `a, b::{c, d}, e::f}…`, up to the brace that ends the group.
fn heads_of_group(group: &str) -> Vec<String> {
    let (mut depth, mut heads, mut item) = (0, Vec::new(), String::new());
    for character in group.chars() {
        match character {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.push(std::mem::take(&mut item)),
            other if depth == 0 => item.push(other),
            _ => {}
        }
    }
    heads.push(item);
    let head = |item: &String| item.trim().split("::").next().unwrap_or_default().to_owned();
    heads.iter().map(head).filter(|name| !name.is_empty()).collect()
}

#[test]
fn modules_import_only_from_lower_layers() {
    let mut violations = Vec::new();
    for source in sources() {
        let text = source.code().map(|(_, line)| line).collect::<Vec<_>>().join("\n");
        for to in imported(&text) {
            if let Err(reason) = judge(source.module(), &to) {
                violations.push(format!("{}: imports crate::{to}, but {reason}", source.path));
            }
        }
    }
    nothing_in(&violations);
}

/// Otherwise `super::store` would be a way around the layers.
#[test]
fn no_path_climbs_to_the_root_of_the_crate() {
    let climb = Regex::new(r"^( *).*?\b((?:super::)+)").unwrap();
    let mut violations = Vec::new();
    for source in sources() {
        for (line, code) in source.code() {
            let Some(hit) = climb.captures(code) else { continue };
            // Indented, it stands in a module within the file or in a function of one.
            let depth = source.modules.len() + usize::from(!hit[1].is_empty());
            if depth <= hit[2].matches("super").count() {
                violations.push(format!("{}:{line}: write crate:: for {}", source.path, &hit[2]));
            }
        }
    }
    nothing_in(&violations);
}

#[test]
fn foreign_things_are_known_in_one_place() {
    let mut violations = Vec::new();
    for (pattern, homes) in CONFINED {
        let name = Regex::new(pattern).unwrap();
        for source in sources().iter().filter(|source| !homes.contains(&source.module())) {
            for (line, code) in source.productive_code().filter(|(_, code)| name.is_match(code)) {
                let place = format!("{}:{line}", source.path);
                let code = code.trim();
                violations.push(format!("{place}: `{code}`, but only {homes:?} may use that"));
            }
        }
    }
    nothing_in(&violations);
}

#[test]
fn files_are_short_enough_to_answer_one_question() {
    let mut violations = Vec::new();
    for file in
        rust_files(&project().join("src")).into_iter().chain(rust_files(&project().join("tests")))
    {
        let lines = std::fs::read_to_string(&file).unwrap().lines().count();
        if LONGEST_FILE < lines {
            let path = file.strip_prefix(project()).unwrap().display().to_string();
            violations.push(format!("{path}: {lines} lines, and {LONGEST_FILE} are allowed"));
        }
    }
    nothing_in(&violations);
}

#[test]
fn every_module_says_what_it_is_for() {
    let mut violations = Vec::new();
    for source in sources() {
        if !source.text.starts_with("//! ") {
            violations.push(format!("{}: begins without a `//!` line", source.path));
        }
    }
    nothing_in(&violations);
}

#[test]
fn every_module_of_the_library_has_a_place() {
    let library = std::fs::read_to_string(project().join("src/lib.rs")).unwrap();
    let modules = Regex::new(r"(?m)^(?:pub(?:\(crate\))? )?mod ([a-z_0-9]+);").unwrap();
    let mut violations = Vec::new();
    for module in modules.captures_iter(&library).map(|hit| hit[1].to_owned()) {
        let is_leaf = LEAVES.iter().any(|(leaf, _)| *leaf == module);
        if layer_of(&module).is_none() && !is_leaf {
            violations.push(format!("src/lib.rs: {module} has no place among the layers"));
        }
    }
    nothing_in(&violations);
}

/// The rules themselves, on cases that break them.
#[test]
fn the_rules_find_what_they_are_for() {
    let text = "use crate::{clock, store::{Store, jobs}, ids::JobId};\nlet x = crate::http::y();";
    let expected = ["clock", "http", "ids", "store"].map(str::to_owned);
    assert_eq!(imported(text).into_iter().collect::<Vec<_>>(), expected);
    for (from, to) in [("jobs", "audit"), ("store", "events"), ("clock", "tools")] {
        assert!(judge(from, to).is_err(), "{from} may import {to}");
    }
    for (from, to) in [("score", "clock"), ("http", "client"), ("jobs", "nonsense")] {
        assert!(judge(from, to).is_err(), "{from} may import {to}");
    }
    for (from, to) in [("main", "cli"), ("cli", "client"), ("jobs", "store"), ("ids", "ids")] {
        assert_eq!(judge(from, to), Ok(()), "{from} may not import {to}");
    }
}
