//! Task files that are taken, and those that are refused.

use super::*;

#[track_caller]
fn check_refused(text: &str, part: &str) {
    let error = Task::parse(text).expect_err("the task should be refused").to_string();
    assert!(error.contains(part), "{error:?} does not contain {part:?}");
    assert!(!error.contains('\n'), "{error:?} is more than one line");
}

#[test]
fn a_task_may_say_as_little_as_what_and_how_long() {
    let task = Task::parse("command = [\"true\"]\ntimeout_seconds = 60\n").unwrap();
    assert_eq!(task.timeout, Duration::from_mins(1));
    assert_eq!(task.result_format, ResultFormat::Plain);
    assert_eq!(task.working_directory, WorkingDirectory::Repository);
    assert_eq!(task.environment, Environment::default());
    assert_eq!(task.limits.output_mib, 1024);
    assert_eq!(task.limits.memory_mib, None);
}

#[test]
fn a_task_may_say_everything() {
    let text = r#"
        description = "all of it"
        command = ["{daemon}", "score", "--result", "{result}"]
        timeout_seconds = 604800
        result_format = "inspect-ai"
        working_directory = "run"
        [environment]
        pass = ["PATH", "HOME"]
        set = { PYTHONUNBUFFERED = "1" }
        [limits]
        memory_mib = 512
        cpu_seconds = 60
        output_mib = 16
        open_files = 1024
    "#;
    let task = Task::parse(text).unwrap();
    assert_eq!(task.command.len(), 4);
    assert_eq!(task.result_format, ResultFormat::InspectAi);
    assert_eq!(task.working_directory, WorkingDirectory::Run);
    assert_eq!(task.environment.pass, ["PATH", "HOME"]);
    assert_eq!(task.environment.set["PYTHONUNBUFFERED"], "1");
    let limits = Limits {
        memory_mib: Some(512),
        cpu_seconds: Some(60),
        output_mib: 16,
        open_files: Some(1024),
    };
    assert_eq!(task.limits, limits);
}

#[test]
fn a_faulty_task_is_refused_with_its_line() {
    let minimal = "command = [\"true\"]\ntimeout_seconds = 60\n";
    check_refused("timeout_seconds = 60\n", "missing field `command`");
    check_refused("command = [\"true\"]\n", "missing field `timeout_seconds`");
    check_refused(&format!("{minimal}timout = 1\n"), "line 3: unknown field `timout`");
    check_refused(&format!("{minimal}[limits]\nmemory = 1\n"), "line 4: unknown field `memory`");
    check_refused(&format!("{minimal}[environment]\nkeep = []\n"), "line 4: unknown field `keep`");
    check_refused(&format!("{minimal}result_format = \"xml\"\n"), "line 3: unknown variant `xml`");
    check_refused(
        "command = []\ntimeout_seconds = 60\n",
        "line 1: the command must name a program",
    );
    check_refused("command = [\"\"]\ntimeout_seconds = 60\n", "line 1: the command must name");
    check_refused("command = \"true\"\ntimeout_seconds = 60\n", "line 1: invalid type");
    check_refused(
        "\ncommand = [\"{configs}\"]\ntimeout_seconds = 1\n",
        "line 2: unknown placeholder {configs}",
    );
    check_refused("command = [\"true\"\n", "line 1: ");
    check_refused(
        "command = [\"true\"]\ntimeout_seconds = 0\n",
        "line 2: must be a whole number from 1 to 604800, not 0",
    );
    check_refused("command = [\"true\"]\ntimeout_seconds = 604801\n", "line 2: must be");
    check_refused("command = [\"true\"]\ntimeout_seconds = -1\n", "line 2: must be");
    check_refused("command = [\"true\"]\ntimeout_seconds = 1.5\n", "line 2: ");
    check_refused(&format!("{minimal}[limits]\nmemory_mib = 0\n"), "line 4: must be");
    check_refused(&format!("{minimal}{minimal}"), "line 3: duplicate key");
}

#[test]
fn the_daemons_secrets_cannot_be_passed() {
    let task = |pass: &str| {
        format!("command = [\"true\"]\ntimeout_seconds = 1\n[environment]\npass = [{pass:?}]\n")
    };
    for name in ["LUKHAS_MCP_API_KEYS", "LUKHAS_MCP_API_KEYS_FILE", "PROM_BEARER", "ANY_FILE"] {
        check_refused(&task(name), &format!("line 4: {name} can never be passed"));
    }
    for name in ["", "A=B", "A B", "1A", "Ä"] {
        check_refused(&task(name), "is no name of a variable");
    }
    assert!(Task::parse(&task("FILENAME")).is_ok());
}

#[test]
fn a_config_becomes_a_json_document() {
    let text = "a = 1\nb = 2.5\nc = [true, \"x\"]\nday = 2026-11-21\n[d]\ne = { f = \"g\" }\n";
    let document: serde_json::Value = serde_json::from_str(&parse_config(text).unwrap()).unwrap();
    let expected = serde_json::json!({
        "a": 1, "b": 2.5, "c": [true, "x"], "day": "2026-11-21", "d": { "e": { "f": "g" } }
    });
    assert_eq!(document, expected);
    assert_eq!(parse_config("").unwrap(), "{}");
}

#[test]
fn a_config_that_json_cannot_carry_is_refused() {
    assert!(parse_config("a = nan\n").unwrap_err().to_string().contains("cannot carry"));
    assert!(parse_config("a = 1\na = 2\n").unwrap_err().to_string().starts_with("line 2: "));
}
