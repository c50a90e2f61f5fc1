//! Do all tools say of themselves what clients rely on, in order and in pages?

use super::*;

#[test]
fn every_tool_is_named_once_and_described_in_full() {
    let registry = Registry::default();
    assert_eq!(registry.by_name.len(), registry.tools.len());
    for tool in registry.describe(Role::Operate) {
        let name = tool["name"].as_str().unwrap();
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        assert!((1..=64).contains(&name.len()) && name.chars().all(allowed), "{name}");
        let schema = &tool["inputSchema"];
        assert_eq!(schema["type"], "object", "{tool}");
        // Clients of the first two add arguments of their own, which are not looked at.
        let strict = !["search", "fetch"].contains(&name);
        let refuses_more = schema.get("additionalProperties") == Some(&Value::Bool(false));
        assert_eq!(refuses_more, strict, "{tool}");
        for (property, schema) in schema["properties"].as_object().unwrap() {
            assert!(schema["description"].is_string(), "{name} {property}");
        }
        assert!(tool["description"].as_str().unwrap().ends_with('.'), "{tool}");
        assert!(tool["title"].as_str().is_some_and(|title| !title.is_empty()), "{tool}");
    }
}

#[test]
fn a_key_for_reading_is_shown_what_reads() {
    let registry = Registry::default();
    let all = registry.describe(Role::Operate);
    let shown = registry.describe(Role::Read);
    let reads = all.iter().filter(|tool| tool["annotations"]["readOnlyHint"] == true);
    assert!(reads.eq(&shown));
    assert!(!shown.is_empty() && shown.len() < all.len());
}

#[test]
fn pages_follow_one_another_and_leave_nothing_out() {
    let registry = Registry { page: 7, ..Registry::default() };
    for role in [Role::Read, Role::Operate] {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = registry.page(role, cursor.as_deref()).unwrap();
            assert!((1..=7).contains(&page.items.len()));
            pages += 1;
            seen.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert_eq!(seen, Registry::default().describe(role));
        assert_eq!(pages, seen.len().div_ceil(7));
    }
    assert_eq!(Registry::default().page(Role::Operate, None).unwrap().next_cursor, None);
}

#[test]
fn a_cursor_of_nobody_is_refused_and_so_is_one_that_another_role_was_given() {
    let registry = Registry { page: 7, ..Registry::default() };
    let hidden = cursor_after(LIST, "write_file");
    assert!(registry.page(Role::Operate, Some(&hidden)).is_ok());
    assert_eq!(registry.page(Role::Read, Some(&hidden)), Err(InvalidCursor));
    for cursor in ["", "2", &cursor_after(LIST, "writeFile"), &cursor_after("prompts", "search")] {
        assert_eq!(registry.page(Role::Operate, Some(cursor)), Err(InvalidCursor), "{cursor}");
    }
}

/// What a tool says of itself: reads, destroys, may be repeated, reaches others.
const HINTS: [(&str, [bool; 4]); 41] = [
    ("search", [true, false, true, false]),
    ("fetch", [true, false, true, false]),
    ("run_eval", [false, false, false, false]),
    ("status", [true, false, true, false]),
    ("list_jobs", [true, false, true, false]),
    ("cancel_job", [false, true, true, false]),
    ("job_logs", [true, false, true, false]),
    ("promote_model", [false, true, true, true]),
    ("rollback_model", [false, true, true, true]),
    ("list_models", [true, false, true, false]),
    ("model_history", [true, false, true, false]),
    ("start_canary", [false, true, false, true]),
    ("canary_status", [true, false, true, false]),
    ("list_canaries", [true, false, true, false]),
    ("abort_canary", [false, true, true, true]),
    ("pause_canary", [false, false, true, false]),
    ("resume_canary", [false, false, true, false]),
    ("approve_canary", [false, true, true, true]),
    ("promote_canary_now", [false, true, true, true]),
    ("get_recent_events", [true, false, true, false]),
    ("backtest_policy", [true, false, true, true]),
    ("replay_decision", [true, false, true, false]),
    ("why", [true, false, true, false]),
    ("why_math", [true, false, true, false]),
    ("list_dir", [true, false, true, false]),
    ("find_files", [true, false, true, false]),
    ("write_file", [false, true, false, false]),
    ("create_file", [false, false, false, false]),
    ("update_file", [false, true, false, false]),
    ("append_file", [false, true, false, false]),
    ("rename_file", [false, true, false, false]),
    ("delete_file", [false, true, true, false]),
    ("apply_patch", [false, true, false, false]),
    ("git_status", [true, false, true, false]),
    ("git_diff", [true, false, true, false]),
    ("git_log", [true, false, true, false]),
    ("git_commit", [false, true, false, false]),
    ("get_infrastructure_status", [true, false, true, false]),
    ("get_code_analysis", [true, false, true, false]),
    ("get_development_utilities", [true, false, true, false]),
    ("get_module_structure", [true, false, true, false]),
];

#[test]
fn tools_come_in_their_order_and_say_what_they_do_to_the_world() {
    let said: Vec<_> = Registry::default()
        .describe(Role::Operate)
        .into_iter()
        .map(|tool| {
            let hint = |name: &str| tool["annotations"][name].as_bool().unwrap();
            let hints =
                ["readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint"].map(hint);
            (tool["name"].as_str().unwrap().to_owned(), hints)
        })
        .collect();
    let expected: Vec<_> = HINTS.iter().map(|(name, hints)| ((*name).to_owned(), *hints)).collect();
    assert_eq!(said, expected);
}

#[test]
fn what_runs_and_how_it_stands_opens_the_app() {
    let all = Registry::default().describe(Role::Operate);
    let opens: Vec<_> = all
        .iter()
        .filter(|tool| tool.get("_meta").is_some())
        .inspect(|tool| {
            let expected = serde_json::json!({
                "resourceUri": "ui://lukhas/cockpit.html", "visibility": ["model", "app"],
            });
            assert_eq!(tool["_meta"]["ui"], expected);
        })
        .map(|tool| tool["name"].as_str().unwrap())
        .collect();
    let expected = [
        "run_eval",
        "status",
        "list_jobs",
        "list_models",
        "start_canary",
        "canary_status",
        "list_canaries",
        "why",
    ];
    assert_eq!(opens, expected);
}
