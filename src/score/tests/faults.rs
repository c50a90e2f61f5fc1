//! What is refused, and in which words.

use serde_json::{Value, json};

use super::super::{Config, score};
use super::{check_fails, jsonl};

#[test]
fn bad_lines_are_named_by_file_and_number() {
    let good = r#"{"id":"a","reference":"x"}"#;
    let none = json!({});
    check_fails("", "", &none, "the references file holds no sample; at least one is needed");
    check_fails("\n \n", "", &none, "the references file holds no sample; at least one is needed");
    check_fails(
        &format!("{good}\n\n{{\"id\":\"b\"}}"),
        "",
        &none,
        "references line 3: missing field `reference` (column 10)",
    );
    check_fails(
        r#"{"id":"a","referense":"x"}"#,
        "",
        &none,
        "references line 1: unknown field `referense`, expected one of `id`, `group`, `prompt`, \
         `reference`, `match`, `metadata` (column 21)",
    );
    check_fails(
        r#"{"id":"a","reference":5}"#,
        "",
        &none,
        "references line 1: invalid type: integer `5`, expected a string or a list of strings \
         (column 23)",
    );
    check_fails(
        "[1",
        "",
        &none,
        "references line 1: invalid type: integer `1`, expected a string (column 2)",
    );
    check_fails(
        r#"{"id":"","reference":"x"}"#,
        "",
        &none,
        "references line 1: `id` must be 1 to 256 bytes long",
    );
    check_fails(
        r#"{"id":"a","group":"a b","reference":"x"}"#,
        "",
        &none,
        "references line 1: `group` must match [A-Za-z0-9._-]{1,64}",
    );
    let groups: Vec<Value> = (0..201)
        .map(|n| json!({ "id": n.to_string(), "group": n.to_string(), "reference": "x" }))
        .collect();
    check_fails(&jsonl(&groups), "", &none, "references line 201: there are more than 200 groups");
    check_fails(
        r#"{"id":"a","reference":[]}"#,
        "",
        &none,
        "references line 1: `reference` must hold at least one answer",
    );
    check_fails(
        &format!("{good}\n{good}"),
        "",
        &none,
        "references line 2: the id \"a\" is on line 1 already",
    );
    let said = r#"{"id":"a","prediction":"x"}"#;
    check_fails(
        good,
        &format!("{said}\n{said}\n"),
        &none,
        "predictions line 2: the id \"a\" is on line 1 already",
    );
    check_fails(
        good,
        r#"{"id":"b","prediction":"x"}"#,
        &none,
        "predictions line 1: no reference has the id \"b\"",
    );
    check_fails(
        good,
        r#"{"id":"a","prediction":null}"#,
        &none,
        "predictions line 1: invalid type: null, expected a string (column 27)",
    );
    let long = format!("{good}\n{}", "x".repeat((1 << 20) + 1));
    check_fails(&long, "", &none, "references line 2: is longer than 1048576 bytes");
    let binary = [good.as_bytes(), b"\n\xff\n"].concat();
    let err = score(&binary[..], &b""[..], &Config::default(), |_| ()).unwrap_err();
    assert_eq!(err.to_string(), "references line 2: is not UTF-8");
}

#[test]
fn rules_that_cannot_work_are_refused() {
    let reference =
        |rule: Value, text: &str| jsonl(&[json!({ "id": "a", "reference": text, "match": rule })]);
    let none = json!({});
    check_fails(
        &reference(json!({ "mode": "numeric" }), "five"),
        "",
        &none,
        "references line 1: the reference \"five\" is not a finite number, which mode `numeric` needs",
    );
    check_fails(
        &reference(json!({ "mode": "normalised" }), "?!"),
        "",
        &none,
        "references line 1: the reference \"?!\" has no letter or digit left when normalised; \
         use mode `exact`",
    );
    check_fails(
        &reference(json!({ "mode": "regex" }), "(a"),
        "",
        &none,
        "references line 1: the pattern \"(a\" is not valid: unclosed group",
    );
    check_fails(
        &reference(json!({ "mode": "regex" }), r"\w{1000}{1000}"),
        "",
        &none,
        r#"references line 1: the pattern "\\w{1000}{1000}" is not valid: it is too large when compiled"#,
    );
    check_fails(
        &reference(json!({ "mode": "regex", "pattern": "a" }), "a"),
        "",
        &none,
        "references line 1: the pattern must have a capture group, which picks the answer out",
    );
    check_fails(
        &reference(json!({ "mode": "regex", "pick": "first" }), "a"),
        "",
        &none,
        "references line 1: `pick` needs `pattern`",
    );
}

#[test]
fn bad_configs_are_refused() {
    let check = |settings: Value, message: &str| {
        let err = Config::from_json(settings.to_string().as_bytes()).unwrap_err();
        assert_eq!(err.to_string(), message);
    };
    check(
        json!({ "match": { "mode": "fuzzy" } }),
        "config: unknown variant `fuzzy`, expected one of `exact`, `normalised`, `normalized`, \
         `contains`, `numeric`, `regex` (line 1, column 24)",
    );
    check(
        json!({ "match": { "mode": "exact", "absolute": 1 } }),
        "config: unknown field `absolute`, there are no fields (line 1, column 39)",
    );
    check(
        json!({ "match": { "mode": "numeric", "tolerance": 1 } }),
        "config: unknown field `tolerance`, expected one of `pick`, `absolute`, `relative` \
         (line 1, column 42)",
    );
    check(
        json!({ "match": { "mode": "numeric", "absolute": -1 } }),
        "config: `absolute` must be 0 or more",
    );
    check(
        json!({ "match": { "mode": "numeric", "relative": 1.5 } }),
        "config: `relative` must be from 0 to 1",
    );
    check(json!({ "pace_ms": 60_001 }), "config: `pace_ms` must be at most 60000");
    let references = jsonl(&[json!({ "id": "a", "group": "x", "reference": "a" })]);
    check_fails(
        &references,
        "",
        &json!({ "groups": ["y"] }),
        "config: `groups` names \"y\", and no sample is in it; there are: x",
    );
}

#[test]
fn nothing_is_scored_when_the_last_reference_is_bad() {
    let references = jsonl(&[
        json!({ "id": "a", "reference": "x" }),
        json!({ "id": "b", "reference": "(", "match": { "mode": "regex" } }),
    ]);
    let mut n_calls = 0;
    let result = score(references.as_bytes(), &b""[..], &Config::default(), |_| n_calls += 1);
    assert!(result.is_err());
    assert_eq!(n_calls, 0);
}
