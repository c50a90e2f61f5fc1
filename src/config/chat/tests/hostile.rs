//! Files that mean harm, or mean nothing.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::super::table::Form;
use super::super::{json, sections, yaml};
use super::{Case, LEAST};

#[test]
fn bombs_cost_nothing() {
    let mut laughs = "a: &a [x, x, x, x, x, x, x, x, x]\n".to_owned();
    for (before, name) in "abcdefgh".chars().zip("bcdefghi".chars()) {
        let nine = vec![format!("*{before}"); 9].join(", ");
        writeln!(laughs, "{name}: &{name} [{nine}]").unwrap();
    }
    let mut merges = String::new();
    for at in 0..5000 {
        writeln!(merges, "k{at}: {{<<: &m{at} {{a: 1}}}}").unwrap();
    }
    let endless = format!("a: {}", "&x ".repeat(100_000));
    for text in [
        laughs,
        merges,
        endless,
        "[".repeat(500_000),
        "{a: ".repeat(200_000),
        "- ".repeat(300_000),
        format!("a: '{}", "x".repeat(900_000)),
        "? ".repeat(300_000),
        "---\n".repeat(200_000),
        "a: 1\n".repeat(100_000),
    ] {
        let begun = Instant::now();
        assert!(yaml::read(&text, "chat").is_err(), "{}", &text[..40]);
        assert!(begun.elapsed() < Duration::from_secs(10), "{}", &text[..40]);
    }
    for text in ["[".repeat(500_000), format!("{}{}", "[".repeat(1000), "]".repeat(1000))] {
        assert!(json::read(&text).is_err());
    }
}

/// Text that YAML or JSON may make something of.
fn soup() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("chat"),
        Just("llm"),
        Just(": "),
        Just("\n"),
        Just("  "),
        Just("- "),
        Just("["),
        Just("]"),
        Just("{"),
        Just("}"),
        Just(", "),
        Just("&a "),
        Just("*a"),
        Just("<<"),
        Just("\""),
        Just("'"),
        Just("|\n"),
        Just("!!int "),
        Just("0x1F"),
        Just("1e999"),
        Just("~"),
        Just("yes"),
        Just(".nan"),
        Just("é"),
        Just("#"),
        Just("\t"),
        Just("? "),
        Just("---\n"),
        Just("\u{feff}"),
        Just("99999999999999999999999999999999999999999999"),
    ];
    prop::collection::vec(pieces, 0..40).prop_map(|pieces| pieces.concat())
}

/// Some value or other.
fn value() -> impl Strategy<Value = Json> {
    prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (0_i64..5000).prop_map(Json::from),
        (-1.0..100.0).prop_map(Json::from),
        prop::sample::select(vec!["", "x", "localhost", "ask", "sql", "${A}", "https://h", "/p"])
            .prop_map(Json::from),
        Just(json!(["*", "x"])),
        Just(json!({ "a": "b" })),
    ]
}

fn keys(form: &'static Form, name: &'static str) -> Vec<Vec<&'static str>> {
    let keys = form.sections.iter().flat_map(|section| {
        let path = section.path.split('.').filter(|part| !part.is_empty());
        let path: Vec<&str> = path.map(|part| if part == "<name>" { name } else { part }).collect();
        section.keys.iter().map(move |key| [&path[..], &[*key]].concat())
    });
    keys.collect()
}

fn put(root: &mut Json, path: &[&str], value: Json) {
    let mut place = root;
    for part in path {
        if !place.is_object() {
            *place = json!({});
        }
        place = &mut place[*part];
    }
    *place = value;
}

/// What is said is said in one sentence, and what is accepted is accepted again.
fn settles(case: &Case) {
    match case.load() {
        Ok(loaded) => assert!(loaded.chat.is_some()),
        Err(error) => {
            let said = error.to_string();
            assert!(!said.contains('\n') && said.len() < 1000, "{said}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_text_is_too_much(text in prop_oneof![soup(), any::<String>()]) {
        drop(yaml::read(&text, "chat"));
        drop(json::read(&text));
        settles(&Case::new(&text));
        settles(&Case::new(LEAST).servers(&text));
    }

    #[test]
    fn any_values_of_real_keys_settle(
        of_config in prop::collection::vec(
            (prop::sample::select(keys(&sections::CONFIG, "groq")), value()), 0..4),
        of_servers in prop::collection::vec(
            (prop::sample::select(keys(&sections::SERVERS, "demo")), value()), 0..4),
    ) {
        let mut config = json!({ "llm": { "providers": { "groq": { "model": "m" } } } });
        let mut servers = json!({ "mcpServers": { "demo": { "command": "true" } } });
        for (path, value) in of_config {
            put(&mut config, &path, value);
        }
        for (path, value) in of_servers {
            put(&mut servers, &path, value);
        }
        settles(&Case::new(&config.to_string()).servers(&servers.to_string()));
    }

    /// Both forms make the same of what is written in the form that they share.
    #[test]
    fn both_forms_mean_the_same(value in value(), key in "[a-z]{1,8}") {
        let text = json!({ key: [value] }).to_string();
        let (one, other) = (yaml::read(&text, "chat").unwrap(), json::read(&text).unwrap());
        prop_assert_eq!(one, other);
    }
}
