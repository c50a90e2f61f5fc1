//! Exit codes and the small commands.

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::net::TcpListener;

use super::{assert_refused, run};
use crate::database::Database;
use crate::harness::Home;

#[tokio::test]
async fn a_wrong_command_line_ends_with_2() {
    let home = Home::new();
    for arguments in [&["--nonsense"][..], &["serve", "--port", "70000"], &["backup"], &["dance"]] {
        let output = run(home.command(arguments)).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(!output.stderr.is_empty() && output.stdout.is_empty(), "{arguments:?}");
    }
    let output = run(home.command(&["--help"])).await;
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().contains("Exit codes: 0 done"));
    assert_eq!(run(home.command(&["version"])).await.status.code(), Some(0));
}

#[tokio::test]
async fn wrong_settings_end_with_3_and_name_what_is_wrong() {
    let output = run(Home::new().with("LUKHAS_MCP_DBB", "x").command(&["serve"])).await;
    let line = assert_refused(&output, 3);
    assert!(line.contains("LUKHAS_MCP_DBB") && line.contains("LUKHAS_MCP_DB"), "{line}");
    let home = Home::new();
    fs::write(home.path().join("lukhas-mcp.toml"), "[server]\nprot = 1\n").unwrap();
    let line = assert_refused(&run(home.command(&["serve"])).await, 3);
    assert!(line.contains("prot") && line.contains("port"), "{line}");
    let output = run(Home::new().command(&["serve", "--listen", "0.0.0.0"])).await;
    let line = assert_refused(&output, 3);
    assert!(line.contains("LUKHAS_MCP_API_KEYS"), "{line}");
}

#[tokio::test]
async fn a_port_in_use_ends_with_4_and_the_address() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let home = Home::new();
    let command = home.command(&["serve", "--log-level", "off", "--port", &port]);
    let line = assert_refused(&run(command).await, 4);
    assert!(line.contains(&format!("127.0.0.1:{port}")), "{line}");
}

#[tokio::test]
async fn a_damaged_database_ends_with_5_and_is_left_as_it_is() {
    let home = Home::new();
    let random: Vec<u8> = (0..9000u32).flat_map(u32::to_le_bytes).collect();
    fs::write(home.db(), &random).unwrap();
    for command in [&["serve", "--port", "0"][..], &["migrate"]] {
        let line = assert_refused(&run(home.command(command)).await, 5);
        assert!(line.contains("damaged") && line.contains("backup"), "{line}");
    }
    assert_eq!(fs::read(home.db()).unwrap(), random);
    assert_eq!(run(home.command(&["check", "--port", "0"])).await.status.code(), Some(1));
}

#[tokio::test]
async fn a_database_with_a_damaged_page_ends_with_5_and_is_left_as_it_is() {
    let home = Home::new();
    let mut daemon = home.start().await;
    for _ in 0..5 {
        let job = daemon.run_eval("quick").await;
        daemon.until(&job, &["COMPLETED"]).await;
    }
    daemon.terminate().await;
    let mut file = OpenOptions::new().write(true).open(home.db()).unwrap();
    // The tables begin on the second page.
    file.seek(SeekFrom::Start(4096)).unwrap();
    file.write_all(&[0xFF; 4096 * 4]).unwrap();
    drop(file);
    let before = fs::read(home.db()).unwrap();
    let line = assert_refused(&run(home.command(&["serve", "--port", "0"])).await, 5);
    assert!(line.contains("damaged"), "{line}");
    assert!(fs::read(home.db()).unwrap() == before);
}

#[tokio::test]
async fn another_programs_database_ends_with_5_and_is_left_as_it_is() {
    let home = Home::new();
    Database::open(&home.db()).execute("CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)");
    let before = fs::read(home.db()).unwrap();
    let line = assert_refused(&run(home.command(&["serve", "--port", "0"])).await, 5);
    assert!(line.contains("another program"), "{line}");
    assert!(fs::read(home.db()).unwrap() == before);
}

/// A command without the daemon's settings must not say that all is well.
#[tokio::test]
async fn a_chain_without_a_database_ends_with_5_and_the_path() {
    let home = Home::new();
    let output = run(home.command(&["audit", "verify"])).await;
    let line = assert_refused(&output, 5);
    assert!(line.contains(home.db().to_str().unwrap()), "{line}");
    assert!(output.stdout.is_empty() && !home.db().exists(), "{output:?}");
    let output = run(home.command(&["check", "--port", "0"])).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(said.contains(home.db().to_str().unwrap()), "{said}");
}

#[tokio::test]
async fn printed_settings_name_their_origin_and_no_secret() {
    let home = Home::new()
        .with("LUKHAS_MCP_API_KEYS", "first-secret,second-secret")
        .with("PROM_BEARER", "third-secret");
    fs::write(home.path().join("lukhas-mcp.toml"), "[evals]\nmax_running_jobs = 3\n").unwrap();
    for arguments in [&["config", "print", "--port", "99"][..], &["config", "print", "--json"]] {
        let output = run(home.command(arguments)).await;
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        assert!(output.status.success() && !said.contains("secret"), "{said}");
    }
    let output = run(home.command(&["config", "print", "--port", "99"])).await;
    let said = String::from_utf8(output.stdout).unwrap();
    for (key, value, origin) in [
        ("server.port", "99", "command line"),
        ("auth.api_keys", "****", "environment LUKHAS_MCP_API_KEYS"),
        ("prometheus.bearer", "****", "environment PROM_BEARER"),
        ("evals.max_running_jobs", "3", "lukhas-mcp.toml"),
        ("server.listen", "127.0.0.1", "default"),
    ] {
        let line = said.lines().find(|line| line.split_whitespace().next() == Some(key)).unwrap();
        assert_eq!(line.split_whitespace().nth(1), Some(value), "{line}");
        assert!(line.contains(origin), "{line}");
    }
}

#[tokio::test]
async fn the_example_is_a_file_of_settings_as_it_stands_and_with_its_lines_in_force() {
    let home = Home::new();
    let output = run(home.command(&["config", "example"])).await;
    let example = String::from_utf8(output.stdout).unwrap();
    let in_force: Vec<&str> = example
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(setting) if !setting.starts_with(' ') => setting,
            _ => line,
        })
        .collect();
    // The chat has a file of its own, which the example names.
    super::chat_files::write(&home, super::chat_files::LEAST);
    let file = home.path().join("lukhas-mcp.toml");
    for text in [example.clone(), in_force.join("\n")] {
        fs::write(&file, &text).unwrap();
        let output = run(home.command(&["config", "print"])).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{said}\n{text}");
    }
}

#[tokio::test]
async fn migrate_makes_a_database_once_and_says_so() {
    let home = Home::new();
    for (arguments, expected) in [
        (&["migrate", "--dry-run"][..], "would be made"),
        (&["migrate"], "was run"),
        (&["migrate"], "up to date"),
        (&["migrate", "--dry-run"], "up to date"),
    ] {
        let existed = home.db().exists();
        let output = run(home.command(arguments)).await;
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() && said.contains(expected), "{arguments:?}: {said}");
        assert!(!arguments.contains(&"--dry-run") || home.db().exists() == existed);
    }
}

#[tokio::test]
async fn check_finds_a_changed_fact_and_a_taken_port() {
    let home = Home::new();
    let mut daemon = home.start().await;
    let job = daemon.run_eval("quick").await;
    daemon.until(&job, &["COMPLETED"]).await;
    let port = daemon.url.rsplit(':').next().unwrap().to_owned();
    let output = run(home.command(&["check", "--port", &port])).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("FAIL port") && said.contains("ok   audit chain: 4 facts"), "{said}");

    daemon.terminate().await;
    let output = run(home.command(&["check", "--port", &port])).await;
    assert!(output.status.success(), "{output:?}");
    Database::open(&home.db()).execute(
        "DROP TRIGGER audits_are_never_changed; UPDATE audits SET actor = 'nobody' WHERE id = 2",
    );
    let output = run(home.command(&["check", "--port", "0"])).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("FAIL audit chain") && said.contains("row 2"), "{said}");
}

#[tokio::test]
async fn the_health_check_follows_the_daemon() {
    let home = Home::new();
    let mut daemon = home.start().await;
    let arguments = ["healthcheck", "--ready", "--url", &daemon.url.clone()];
    assert!(run(home.command(&arguments)).await.status.success());
    assert!(run(home.command(&["healthcheck", "--url", &daemon.url])).await.status.success());
    daemon.terminate().await;
    let line = assert_refused(&run(home.command(&arguments)).await, 1);
    assert!(line.contains("cannot be reached"), "{line}");
}

#[tokio::test]
async fn a_daemon_on_every_address_is_reached_on_the_loopback() {
    for (listen, port) in [("0.0.0.0", "127.0.0.1:0"), ("::", "[::1]:0")] {
        let Ok(free) = std::net::TcpListener::bind(port) else {
            crate::harness::skip("a daemon on ::", "this machine has no IPv6");
            continue;
        };
        let port = free.local_addr().unwrap().port();
        drop(free);
        let home = Home::new()
            .with("LUKHAS_MCP_LISTEN", listen)
            .with("LUKHAS_MCP_API_KEYS", "a-key-for-every-address");
        let daemon = home.start_at(port).await;
        let port = port.to_string();
        let output = run(home.command(&["healthcheck", "--ready", "--port", &port])).await;
        assert!(output.status.success(), "{listen}: {output:?}");
        daemon.kill();
    }
}
