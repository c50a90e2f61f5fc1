//! What builds, tests and runs a repository, read from the files that say so. Pure.

use serde_json::Value;

use super::RepoPath;

/// How many commands of one manifest are told.
const COMMANDS: usize = 60;

/// A tool that a manifest is for, and what can be done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BuildTool {
    /// The program.
    pub tool: &'static str,
    /// The file that says so.
    pub manifest: RepoPath,
    /// What the manifest calls the package.
    pub package: Option<String>,
    /// What can be called, in the directory of the manifest.
    pub commands: Vec<Command>,
}

/// Something that can be called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// What it is called.
    pub name: String,
    /// The command line.
    pub command: String,
    /// What it runs, where the manifest says that.
    pub runs: Option<String>,
}

/// Names of files that say how something is built.
const NAMES: [&str; 9] = [
    "Cargo.toml",
    "package.json",
    "pyproject.toml",
    "go.mod",
    "Makefile",
    "makefile",
    "GNUmakefile",
    "justfile",
    "CMakeLists.txt",
];

/// Names that tell which program a `package.json` is for.
const LOCKS: [(&str, &str); 3] =
    [("pnpm-lock.yaml", "pnpm"), ("yarn.lock", "yarn"), ("bun.lock", "bun")];

/// Whether a file says how something is built, or by what.
pub(super) fn is_manifest(path: &RepoPath) -> bool {
    let name = path.file_name();
    NAMES.contains(&name) || LOCKS.iter().any(|(lock, _)| *lock == name)
}

/// Reads a manifest; nothing if it says nothing. `is_there` tells of other manifests.
pub(super) fn read(
    path: &RepoPath,
    text: &str,
    is_there: &dyn Fn(&str) -> bool,
) -> Option<BuildTool> {
    let (tool, package, mut commands) = match path.file_name() {
        "Cargo.toml" => cargo(text)?,
        "package.json" => node(path, text, is_there)?,
        "pyproject.toml" => python(text)?,
        "go.mod" => go(text)?,
        "Makefile" | "makefile" | "GNUmakefile" => make(text),
        "justfile" => just(text),
        "CMakeLists.txt" => ("cmake", None, cmake()),
        _ => return None,
    };
    commands.truncate(COMMANDS);
    Some(BuildTool { tool, manifest: path.clone(), package, commands })
}

type Found = (&'static str, Option<String>, Vec<Command>);

fn command(name: &str, command: impl Into<String>) -> Command {
    Command { name: name.to_owned(), command: command.into(), runs: None }
}

fn cargo(text: &str) -> Option<Found> {
    let manifest: toml::Table = text.parse().ok()?;
    let package = manifest.get("package").and_then(|package| package.get("name"));
    let package = package.and_then(toml::Value::as_str).map(str::to_owned);
    let whole = if manifest.contains_key("workspace") { " --workspace" } else { "" };
    let mut commands = vec![
        command("build", format!("cargo build{whole}")),
        command("test", format!("cargo test{whole}")),
    ];
    let binaries = manifest.get("bin").and_then(toml::Value::as_array).into_iter().flatten();
    for name in binaries.filter_map(|binary| binary.get("name")?.as_str()) {
        commands.push(command(&format!("run {name}"), format!("cargo run --bin {name}")));
    }
    Some(("cargo", package, commands))
}

fn node(path: &RepoPath, text: &str, is_there: &dyn Fn(&str) -> bool) -> Option<Found> {
    let manifest: Value = serde_json::from_str(text).ok()?;
    let package = manifest["name"].as_str().map(str::to_owned);
    let declared = manifest["packageManager"].as_str().unwrap_or_default();
    let directory = path.parent().map_or_else(String::new, |parent| format!("{parent}/"));
    let mut locks = LOCKS.iter();
    let by = locks.find(|(lock, program)| {
        declared.starts_with(program) || is_there(&format!("{directory}{lock}"))
    });
    let tool = by.map_or("npm", |(_, program)| program);
    let scripts = manifest["scripts"].as_object().into_iter().flatten();
    let script = |(name, runs): (&String, &Value)| Command {
        name: name.clone(),
        command: format!("{tool} run {name}"),
        runs: runs.as_str().map(str::to_owned),
    };
    Some((tool, package, scripts.map(script).collect()))
}

fn python(text: &str) -> Option<Found> {
    let manifest: toml::Table = text.parse().ok()?;
    let at = |names: &[&str]| {
        let mut names = names.iter();
        let first = manifest.get(*names.next()?)?;
        names.try_fold(first, |value, name| value.get(*name))
    };
    let package = at(&["project", "name"]).or_else(|| at(&["tool", "poetry", "name"]));
    let package = package.and_then(toml::Value::as_str).map(str::to_owned);
    let mut commands = Vec::new();
    if at(&["build-system"]).is_some() {
        commands.push(command("build", "python -m build"));
    }
    if at(&["tool", "pytest"]).is_some() {
        commands.push(command("test", "python -m pytest"));
    }
    if at(&["tool", "ruff"]).is_some() {
        commands.push(command("lint", "ruff check"));
    }
    for scripts in [at(&["project", "scripts"]), at(&["tool", "poetry", "scripts"])] {
        for (name, runs) in scripts.and_then(toml::Value::as_table).into_iter().flatten() {
            let runs = runs.as_str().map(str::to_owned);
            commands.push(Command { name: name.clone(), command: name.clone(), runs });
        }
    }
    let tool = if at(&["tool", "poetry"]).is_some() { "poetry" } else { "python" };
    Some((tool, package, commands))
}

fn go(text: &str) -> Option<Found> {
    let module = text.lines().find_map(|line| line.trim().strip_prefix("module "))?;
    let commands = vec![command("build", "go build ./..."), command("test", "go test ./...")];
    Some(("go", Some(module.trim().to_owned()), commands))
}

fn make(text: &str) -> Found {
    let mut commands: Vec<Command> = Vec::new();
    for line in text.lines() {
        let Some((names, rest)) = line.split_once(':') else { continue };
        // Recipes are indented, assignments have `:=`, and what begins with a dot is for make.
        if line.starts_with(['\t', ' ', '#', '.']) || rest.starts_with('=') || names.contains('=') {
            continue;
        }
        for name in names.split_whitespace().filter(|name| is_plain(name)) {
            if COMMANDS <= commands.len() {
                return ("make", None, commands);
            }
            if commands.iter().all(|known| known.name != name) {
                commands.push(command(name, format!("make {name}")));
            }
        }
    }
    ("make", None, commands)
}

fn just(text: &str) -> Found {
    let recipe = |line: &str| {
        let (head, rest) = line.split_once(':')?;
        let name = head.split_whitespace().next()?.trim_start_matches('@').to_owned();
        let is_recipe = !line.starts_with(['\t', ' ', '#', '_']) && !rest.starts_with('=');
        (is_recipe && is_plain(&name)).then(|| command(&name, format!("just {name}")))
    };
    ("just", None, text.lines().filter_map(recipe).collect())
}

fn cmake() -> Vec<Command> {
    vec![
        command("configure", "cmake -S . -B build"),
        command("build", "cmake --build build"),
        command("test", "ctest --test-dir build"),
    ]
}

/// Whether a name stands for itself: no pattern, no variable.
fn is_plain(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-./".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, text: &str, tool: &str, package: Option<&str>, commands: &[&str]) {
        let path = RepoPath::parse(name).unwrap();
        assert!(is_manifest(&path), "{name}");
        let found = read(&path, text, &|other| other == "web/pnpm-lock.yaml").unwrap();
        assert_eq!((found.tool, found.package.as_deref()), (tool, package), "{name}");
        let lines: Vec<&str> = found.commands.iter().map(|found| &*found.command).collect();
        assert_eq!(lines, commands, "{name}");
    }

    #[test]
    fn manifests_tell_what_can_be_called() {
        check(
            "Cargo.toml",
            "[package]\nname = 'it'\n[workspace]\n[[bin]]\nname = 'tool'\n",
            "cargo",
            Some("it"),
            &["cargo build --workspace", "cargo test --workspace", "cargo run --bin tool"],
        );
        let json = r#"{"name":"site","scripts":{"dev":"vite","test":"vitest"}}"#;
        check("package.json", json, "npm", Some("site"), &["npm run dev", "npm run test"]);
        check("web/package.json", json, "pnpm", Some("site"), &["pnpm run dev", "pnpm run test"]);
        check(
            "pyproject.toml",
            "[project]\nname = 'p'\n[project.scripts]\nserve = 'p:main'\n[tool.pytest.ini_options]\n",
            "python",
            Some("p"),
            &["python -m pytest", "serve"],
        );
        check(
            "go.mod",
            "module example.org/x\n\ngo 1.23\n",
            "go",
            Some("example.org/x"),
            &["go build ./...", "go test ./..."],
        );
        check(
            "Makefile",
            ".PHONY: all\nCC := gcc\nX=1:2\nall: build test\n\t@echo a: b\nbuild test: x\n%.o: %.c\n$(OUT): y\n",
            "make",
            None,
            &["make all", "make build", "make test"],
        );
        check(
            "justfile",
            "x := 'y'\n# a: b\nbuild target='all': dep\n  cargo build\n@quiet:\n_hidden:\n",
            "just",
            None,
            &["just build", "just quiet"],
        );
    }

    #[test]
    fn what_cannot_be_read_tells_nothing() {
        for (name, text) in
            [("Cargo.toml", "["), ("package.json", "{"), ("go.mod", "go 1.2"), ("yarn.lock", "")]
        {
            let path = RepoPath::parse(name).unwrap();
            assert_eq!(read(&path, text, &|_| false), None, "{name}");
        }
    }
}
