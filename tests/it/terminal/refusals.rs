//! Each way to fail has an exit code and a sentence, and no sentence has the key.

use super::{Operator, ended, run};
use crate::harness::Home;

#[tokio::test]
async fn keys_are_taken_from_the_environment_or_a_file_and_are_never_shown() {
    let home =
        Home::new().with("LUKHAS_MCP_API_KEYS", "right").with("LUKHAS_MCP_READ_API_KEYS", "reader");
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let with = |name: &'static str, value: &str| {
        let mut command = operator.command(&["jobs"]);
        command.env(name, value);
        run(command)
    };
    let line = ended(&operator.run(&["jobs"]).await, 6);
    assert!(line.contains("LUKHAS_MCP_API_KEY_FILE"), "{line}");
    let line = ended(&with("LUKHAS_MCP_API_KEY", "wrong-one").await, 6);
    assert!(line.contains("LUKHAS_MCP_API_KEY") && !line.contains("wrong-one"), "{line}");
    assert!(with("LUKHAS_MCP_API_KEY", "right").await.status.success());
    let file = home.path().join("key");
    std::fs::write(&file, "\nright\n").unwrap();
    assert!(with("LUKHAS_MCP_API_KEY_FILE", file.to_str().unwrap()).await.status.success());
    std::fs::write(&file, "\n").unwrap();
    let line = ended(&with("LUKHAS_MCP_API_KEY_FILE", file.to_str().unwrap()).await, 3);
    assert!(line.contains("holds no key"), "{line}");
    let line = ended(&with("LUKHAS_MCP_API_KEY_FILE", "/nowhere/key").await, 3);
    assert!(line.contains("cannot be read") && !line.contains("nowhere"), "{line}");
    let line = ended(&with("LUKHAS_MCP_API_KEY", "two words").await, 3);
    assert!(line.contains("visible ASCII") && !line.contains("two words"), "{line}");
    let mut both = operator.command(&["jobs"]);
    both.env("LUKHAS_MCP_API_KEY", "right").env("LUKHAS_MCP_API_KEY_FILE", &file);
    assert!(ended(&run(both).await, 3).contains("both set"));
    let mut reader = operator.command(&["run-eval", "quick", "default"]);
    reader.env("LUKHAS_MCP_API_KEY", "reader");
    let line = ended(&run(reader).await, 8);
    assert!(line.contains("read") && !line.contains("reader"), "{line}");
    let mut watch = operator.command(&["watch"]);
    watch.env("LUKHAS_MCP_API_KEY", "wrong-one");
    ended(&run(watch).await, 6);
}

#[tokio::test]
async fn a_daemon_that_is_not_there_is_7_and_a_wrong_address_is_3() {
    let home = Home::new();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let at = format!("http://{address}");
    for command in [&["status"][..], &["jobs", "--json"], &["watch"], &["why", "job_x"]] {
        let output = run(home.command(&[command, &["--url", &at]].concat())).await;
        let line = ended(&output, 7);
        assert!(line.contains("cannot be reached") && output.stdout.is_empty(), "{line}");
    }
    // Without an address the settings say where the daemon should be.
    let output = run(home.command(&["jobs", "--port", &address.port().to_string()])).await;
    ended(&output, 7);
    for wrong in ["localhost:1", "http://user:secret@localhost", "http://localhost/?key=secret"] {
        let line = ended(&run(home.command(&["jobs", "--url", wrong])).await, 3);
        assert!(line.contains("address must") && !line.contains("secret"), "{line}");
    }
    // For containers, which know only 0 and 1.
    assert_eq!(run(home.command(&["healthcheck", "--url", &at])).await.status.code(), Some(1));
}

#[tokio::test]
async fn what_a_tool_refuses_is_8_and_a_wrong_command_line_is_2() {
    let home = Home::new();
    let daemon = home.start().await;
    let operator = Operator { home: &home, daemon: &daemon };
    let unknown = "job_aaaaaaaaaaaaaaaaaaaaa";
    for (arguments, expected) in [
        (&["run-eval", "nonsense", "default"][..], "nonsense"),
        (&["why", unknown], unknown),
        (&["cancel", unknown], unknown),
        (&["logs", unknown], unknown),
        (&["abort", "canary_aaaaaaaaaaaaaaaaaaaaa", "--reason", "x"], "canary_aaaa"),
        (&["call", "nonsense"], "nonsense"),
        (&["call", "status", "{\"jobIdd\": 1}"], "jobId"),
        (&["watch", "nonsense/topic"], "job/*"),
        (&["watch", "--until", unknown], unknown),
    ] {
        let output = operator.run(arguments).await;
        let line = ended(&output, 8);
        assert!(line.contains(expected), "{arguments:?}: {line}");
        assert!(output.stdout.is_empty(), "{arguments:?}: {output:?}");
    }
    for (arguments, expected) in [
        (&["abort", unknown, "--reason", "x"][..], "lukhas-mcp cancel"),
        (&["cancel", "canary_x"], "lukhas-mcp abort"),
        (&["promote", "canary_x", "live"], "promote-now"),
        (&["call", "status", "[1]"], "JSON object"),
        (&["call", "status", "{"], "not JSON"),
        (&["report", "../etc/passwd"], "letters, digits"),
    ] {
        let line = ended(&operator.run(arguments).await, 2);
        assert!(line.contains(expected), "{arguments:?}: {line}");
    }
    for arguments in [
        &["jobs", "--status", "asleep"][..],
        &["jobs", "--limit", "0"],
        &["abort", "canary_x"],
        &["watch", "--until", "adder:2"],
        &["run-eval", "quick"],
        &["jobs", "--key", "k"],
    ] {
        let output = operator.run(arguments).await;
        assert_eq!(output.status.code(), Some(2), "{arguments:?}: {output:?}");
    }
}
