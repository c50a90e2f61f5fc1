//! The files of the chat, as commands see them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use super::{assert_refused, run};
use crate::harness::Home;

/// A file that needs no key, because its model is on this machine.
pub(super) const LEAST: &str =
    "llm: {providers: {own: {model: small, base_url: 'http://127.0.0.1:1/v1'}}}\n";

/// Writes `chat/config.yaml`.
pub(super) fn write(home: &Home, text: &str) {
    let directory = home.path().join("chat");
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("config.yaml");
    fs::write(&path, text).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
}

#[tokio::test]
async fn check_and_print_read_them_as_a_start_does() {
    let home = Home::new().with("LUKHAS_MCP_CHAT_CONFIG", "chat/config.yaml");
    write(&home, &format!("{LEAST}logging: {{level: ERROR}}\n"));
    let output = run(home.command(&["check", "--port", "0"])).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains("ok   chat: small of own answers; servers: ops"), "{said}");
    let output = run(home.command(&["config", "print"])).await;
    let said = String::from_utf8(output.stdout).unwrap();
    let level = said.lines().find(|line| line.starts_with("log.level")).unwrap();
    assert!(level.contains("error") && level.contains("file config.yaml"), "{level}");

    write(&home, "llm: {providers: {own: {modle: small}}}\n");
    for arguments in [&["check"][..], &["config", "print"], &["serve", "--port", "0"]] {
        let line = assert_refused(&run(home.command(arguments)).await, 3);
        let expected = "config.yaml line 1: unknown key \"llm.providers.own.modle\"; the nearest \
                        known one is \"llm.providers.<name>.model\"";
        assert_eq!(line, expected, "{arguments:?}");
    }
    // What does not run the daemon needs none of it.
    assert!(run(home.command(&["migrate"])).await.status.success());
}

#[tokio::test]
async fn what_is_worth_a_thought_is_a_warning() {
    let home = Home::new().with("LUKHAS_MCP_CHAT_CONFIG", "chat/config.yaml");
    write(&home, &format!("{LEAST}chat: {{websocket: {{allow_origins: ['*']}}}}\n"));
    let output = run(home.command(&["check", "--port", "0"])).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    assert!(said.contains("warn chat: config.yaml line 2: chat.websocket.allow_origins"), "{said}");
}
