//! Which program is a command, and is there a reason to think twice about it?

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A program that was looked for.
pub(super) struct Found {
    /// Where it is; as it was written if it is nowhere.
    pub(super) path: PathBuf,
    /// Whether it can be started.
    pub(super) is_there: bool,
}

/// Looks for a program: below `base` if its name has a slash, else in the directories of `search`.
pub(super) fn find(written: &str, search: &str, base: &Path) -> Found {
    if written.contains('/') {
        let path = base.join(written);
        let is_there = is_program(&path);
        return Found { path, is_there };
    }
    let directories = search.split(':').map(Path::new).filter(|directory| directory.is_absolute());
    let found = directories.map(|directory| directory.join(written)).find(|path| is_program(path));
    let is_there = found.is_some();
    Found { path: found.unwrap_or_else(|| PathBuf::from(written)), is_there }
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}

/// What speaks against a command, each to follow the entry's name.
pub(super) fn doubts(found: &Found, args: &[String], cwd: Option<&Path>) -> Vec<String> {
    let mut doubts = Vec::new();
    let name = found.path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    if !found.is_there {
        doubts.push(format!(
            "has the command {name}, which is not there or is not a program; it is tried again and \
             again until it is"
        ));
    }
    if cwd.is_some_and(|cwd| !cwd.is_dir()) {
        doubts.push("has a cwd that is not a directory, so it cannot be started".to_owned());
    }
    if matches!(name.as_ref(), "sh" | "bash" | "dash" | "zsh" | "ksh" | "fish") {
        doubts.push(format!(
            "has the command {name}, a shell, which makes programs of text; name the program itself"
        ));
    }
    if let Some(package) = unpinned(&name, args) {
        doubts.push(format!(
            "runs {package} by {name} in whatever version there is by then; name a version, such as \
             {package}@1.2.3"
        ));
    }
    if args.iter().any(|arg| arg.contains("${")) {
        doubts.push(
            "has ${…} in args, which are passed as they are; it is filled in in env and headers only"
                .to_owned(),
        );
    }
    doubts
}

/// The package that a runner would fetch in any version.
fn unpinned<'a>(runner: &str, args: &'a [String]) -> Option<&'a str> {
    let mut words = args.iter().map(String::as_str);
    match runner {
        "npx" | "bunx" | "uvx" | "pnpx" => {}
        "pnpm" | "yarn" if args.first().is_some_and(|word| word == "dlx") => drop(words.next()),
        "npm" if args.first().is_some_and(|word| word == "exec") => drop(words.next()),
        _ => return None,
    }
    let package = words.find(|word| !word.starts_with('-'))?;
    // A scope begins with @ as well.
    let version =
        package.get(1..).and_then(|rest| rest.split_once(['@', '='])).map(|(_, rest)| rest);
    let is_pinned = version.is_some_and(|version| {
        version.trim_start_matches('=').starts_with(|first: char| first.is_ascii_digit())
    });
    let is_local = package.starts_with(['.', '/']);
    (!is_pinned && !is_local).then_some(package)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_found_in_the_path_or_below_its_directory() {
        let directory = tempfile::tempdir().unwrap();
        let bin = directory.path().join("bin");
        std::fs::create_dir(&bin).unwrap();
        let program = bin.join("server");
        std::fs::write(&program, "").unwrap();
        let search = format!("relative:/nowhere:{}", bin.display());
        assert!(!find("server", &search, directory.path()).is_there, "it may not be run");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        for written in ["server", "bin/server", "./bin/server", program.to_str().unwrap()] {
            let found = find(written, &search, directory.path());
            assert!(found.is_there && found.path.is_absolute(), "{written}");
        }
        let found = find("nothing", &search, directory.path());
        assert!(!found.is_there && found.path == Path::new("nothing"));
        assert!(!find("server", "", directory.path()).is_there);
    }

    #[test]
    fn what_is_worth_a_thought_is_said() {
        for (command, args, said) in [
            ("sh", "-c x", Some("a shell")),
            ("npx", "-y @scope/server", Some("name a version, such as @scope/server@1.2.3")),
            ("npx", "-y server@latest", Some("name a version")),
            ("npx", "-y @scope/server@1.2.3 /path", None),
            ("npx", "-y server@1", None),
            ("npx", "./server", None),
            ("uvx", "mcp-server-time", Some("name a version")),
            ("uvx", "mcp-server-time==2026.1", None),
            ("pnpm", "dlx server", Some("name a version")),
            ("pnpm", "start", None),
            ("python3", "server.py ${HOME}", Some("passed as they are")),
            ("python3", "server.py", None),
        ] {
            let found = Found { path: PathBuf::from("/usr/bin").join(command), is_there: true };
            let args: Vec<String> = args.split(' ').map(str::to_owned).collect();
            let doubts = doubts(&found, &args, None);
            match said {
                Some(said) => assert!(doubts.len() == 1 && doubts[0].contains(said), "{doubts:?}"),
                None => assert!(doubts.is_empty(), "{doubts:?}"),
            }
        }
    }
}
