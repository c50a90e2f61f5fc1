//! The checks that need programs which not every machine has.

use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use super::run;

#[tokio::test]
async fn a_check_that_cannot_be_had_is_named_and_fails_where_ci_is_true() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    // No Caddy, and nothing to install it with.
    let programs = tempfile::tempdir().unwrap();
    for name in ["bash", "dirname", "id"] {
        let program = ["/usr/bin", "/bin"].map(|place| Path::new(place).join(name));
        let program = program.iter().find(|program| program.exists()).unwrap();
        symlink(program, programs.path().join(name)).unwrap();
    }
    for (ci, code) in [("", 0), ("true", 1)] {
        let mut check = Command::new(root.join("tests/operations/run"));
        check.arg("proxy").env_clear().env("PATH", programs.path()).env("CI", ci);
        let output = run(check).await;
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.starts_with("SKIPPED: proxy: there is no caddy"), "{said}");
        assert_eq!(output.status.code(), Some(code), "{said}");
    }
}
