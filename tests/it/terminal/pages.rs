//! What is generated from the command line's definition: completions that shells read, and manual
//! pages that render without a warning.

use std::process::Command;

use super::run;
use crate::harness::{Home, skip};

fn is_there(program: &str) -> bool {
    // Some know no --version; that they can be started is enough.
    Command::new(program).arg("--version").output().is_ok()
}

#[tokio::test]
async fn completions_are_scripts_that_their_shells_read() {
    let home = Home::new();
    for (shell, check) in [("bash", "-n"), ("zsh", "-n"), ("fish", "--no-execute")] {
        let output = run(home.command(&["completions", shell])).await;
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        let script = String::from_utf8(output.stdout).unwrap();
        for word in ["run-eval", "start-canary", "promote-now", "idempotency-key", "until"] {
            assert!(script.contains(word), "{shell} does not complete {word}");
        }
        let file = home.path().join(shell);
        std::fs::write(&file, script).unwrap();
        if !is_there(shell) {
            skip("the completions", &format!("there is no {shell}"));
            continue;
        }
        let read = Command::new(shell).arg(check).arg(&file).output().unwrap();
        let said = String::from_utf8_lossy(&read.stderr);
        assert!(read.status.success() && said.is_empty(), "{shell}: {said}");
    }
    assert_eq!(run(home.command(&["completions", "tcsh"])).await.status.code(), Some(2));
}

/// The page of the terminal has every command, and every exit code of the help that is for it.
#[tokio::test]
async fn the_page_has_every_command_and_every_exit_code() {
    let home = Home::new();
    let help = String::from_utf8(run(home.command(&["--help"])).await.stdout).unwrap();
    let page = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/terminal.md");
    let page = std::fs::read_to_string(page).unwrap();
    let listed = help.split("Commands:").nth(1).unwrap().split("\n\n").next().unwrap();
    let commands: Vec<&str> =
        listed.lines().filter_map(|line| line.split_whitespace().next()).collect();
    let others = ["serve", "demo", "check", "audit", "config", "migrate", "backup", "healthcheck"];
    let others = [&others[..], &["probe", "score", "version", "help"]].concat();
    let asking: Vec<_> = commands.iter().filter(|command| !others.contains(command)).collect();
    assert!(20 < asking.len(), "{commands:?}");
    for command in asking {
        let is_there = [format!("`{command}`"), format!("`{command} ")];
        assert!(is_there.iter().any(|name| page.contains(name)), "{command} is not on the page");
    }
    for code in [0, 1, 2, 3, 6, 7, 8, 9, 10, 130] {
        assert!(help.contains(&format!("{code} ")), "{code} is not in the help");
        assert!(page.contains(&format!("\n| {code} |")), "{code} is not on the page");
    }
}

#[tokio::test]
async fn manual_pages_render_without_a_warning() {
    let home = Home::new();
    let output = run(home.command(&["man"])).await;
    assert!(output.status.success(), "{output:?}");
    let first = String::from_utf8(output.stdout).unwrap();
    assert!(first.contains(".TH lukhas-mcp 1"), "{first}");
    let directory = home.path().join("pages");
    let output = run(home.command(&["man", "--directory", directory.to_str().unwrap()])).await;
    assert!(output.status.success() && output.stdout.is_empty(), "{output:?}");
    let pages: Vec<_> =
        std::fs::read_dir(&directory).unwrap().map(|page| page.unwrap().path()).collect();
    for name in ["lukhas-mcp.1", "lukhas-mcp-watch.1", "lukhas-mcp-audit-verify.1"] {
        assert!(pages.iter().any(|page| page.ends_with(name)), "no {name} in {pages:?}");
    }
    if !is_there("groff") {
        skip("the manual pages", "there is no groff");
        return;
    }
    for page in pages {
        let rendered =
            Command::new("groff").args(["-man", "-Tutf8", "-ww"]).arg(&page).output().unwrap();
        let said = String::from_utf8_lossy(&rendered.stderr);
        assert!(rendered.status.success() && said.is_empty(), "{}: {said}", page.display());
        assert!(!rendered.stdout.is_empty(), "{}", page.display());
    }
}
