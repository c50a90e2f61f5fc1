//! What each mode takes for correct.

use serde_json::json;

use super::check;

#[test]
fn exact_is_the_same_code_points() {
    let rule = json!({ "mode": "exact" });
    check(&rule, &json!("Paris"), "Paris", true);
    check(&rule, &json!("Paris"), "paris", false);
    check(&rule, &json!("Paris"), "Paris ", false);
    check(&rule, &json!("\u{e9}"), "e\u{301}", false);
    check(&rule, &json!(""), "", true);
    check(&rule, &json!(["Paris", "paris"]), "paris", true);
}

#[test]
fn normalised_forgives_case_punctuation_articles_and_space() {
    let rule = json!({ "mode": "normalised" });
    check(&rule, &json!("Pacific Ocean"), " the  PACIFIC-ocean. ", true);
    check(&rule, &json!("\u{e9}"), "E\u{301}!", true);
    check(&rule, &json!("A"), "a.", true);
    check(&rule, &json!("5"), "-5", false);
    check(&rule, &json!("35"), "3.5", false);
    check(&rule, &json!("Paris"), "Paris, France", false);
    check(&json!({ "mode": "normalized" }), &json!("Paris"), "paris", true);
}

#[test]
fn contains_wants_whole_words_in_a_row() {
    let rule = json!({ "mode": "contains" });
    check(&rule, &json!("Au"), "The symbol of gold is Au.", true);
    check(&rule, &json!("Au"), "Australia", false);
    check(&rule, &json!("carbon dioxide"), "It is carbon-dioxide (CO2).", true);
    check(&rule, &json!("carbon dioxide"), "dioxide of carbon", false);
    check(&rule, &json!("Lord of the Rings"), "\"The Lord of the Rings\"", true);
    check(&rule, &json!("5"), "minus -5", false);
    check(&rule, &json!("a"), "It is a.", true);
}

#[test]
fn numeric_compares_the_last_number_or_the_first() {
    let rule = json!({ "mode": "numeric" });
    check(&rule, &json!("5"), "2 + 3 = 5", true);
    check(&rule, &json!("5"), "5, because 2 + 3 is 5 and not 6", false);
    check(&json!({ "mode": "numeric", "pick": "first" }), &json!("5"), "5, not 6", true);
    check(&rule, &json!("1500"), "It is 1,500.", true);
    check(&rule, &json!("1,500"), "1.5e3", true);
    check(&rule, &json!("-5"), "−5", true);
    check(&rule, &json!("5"), "five", false);
    check(&rule, &json!(["4", "5"]), "5", true);
}

#[test]
fn numeric_tolerances_include_their_bounds() {
    let absolute = json!({ "mode": "numeric", "absolute": 0.5 });
    check(&absolute, &json!("10"), "10.5", true);
    check(&absolute, &json!("10"), "9.5", true);
    check(&absolute, &json!("10"), "10.51", false);
    let relative = json!({ "mode": "numeric", "relative": 0.25 });
    check(&relative, &json!("-8"), "-10", true);
    check(&relative, &json!("-8"), "-10.1", false);
    check(&relative, &json!("0"), "0.0001", false);
    let both = json!({ "mode": "numeric", "relative": 0.25, "absolute": 3 });
    check(&both, &json!("8"), "11", true);
}

#[test]
fn what_is_not_finite_is_never_correct() {
    for rule in [
        json!({ "mode": "numeric" }),
        json!({ "mode": "numeric", "relative": 1 }),
        json!({ "mode": "numeric", "absolute": f64::MAX }),
    ] {
        for said in ["NaN", "inf", "-Infinity", "1e999", "-1e999", ""] {
            check(&rule, &json!("1e308"), said, false);
        }
    }
    // The difference overflows, though both numbers are finite.
    let wide = json!({ "mode": "numeric", "relative": 1, "absolute": f64::MAX });
    check(&wide, &json!("1e308"), "-1e308", false);
}

#[test]
fn a_reference_can_be_a_pattern() {
    let rule = json!({ "mode": "regex" });
    check(&rule, &json!(r"\bParis\b"), "It is Paris.", true);
    check(&rule, &json!("^Paris$"), "It is Paris.", false);
    check(&rule, &json!(["Lyon", "Par.s"]), "Paris", true);
    check(&rule, &json!("paris"), "Paris", false);
    check(&json!({ "mode": "regex", "ignore_case": true }), &json!("paris"), "Paris", true);
}

#[test]
fn a_pattern_can_pick_the_answer_out() {
    let rule = json!({ "mode": "regex", "pattern": r"Answer: (\w+)" });
    check(&rule, &json!("B"), "Answer: A. No, wait. Answer: B.", true);
    check(&rule, &json!("A"), "Answer: A. No, wait. Answer: B.", false);
    check(&rule, &json!("A"), "A", false);
    let first = json!({ "mode": "regex", "pattern": r"Answer: (\w+)", "pick": "first" });
    check(&first, &json!("A"), "Answer: A. No, wait. Answer: B.", true);
    let named = json!({ "mode": "regex", "pattern": r"(so|thus) (?<answer>.*)",
        "compare": { "mode": "normalised" } });
    check(&named, &json!("Paris"), "thus paris!", true);
    let number = json!({ "mode": "regex", "pattern": "#### (.*)",
        "compare": { "mode": "numeric", "absolute": 1 } });
    check(&number, &json!("42"), "6 * 7\n#### 43", true);
    let optional = json!({ "mode": "regex", "pattern": "x(y)?" });
    check(&optional, &json!(""), "x", false);
}

#[test]
fn a_hostile_pattern_takes_linear_time() {
    let said = format!("{}!", "a".repeat(100_000));
    check(&json!({ "mode": "regex" }), &json!("^(a+)+$"), &said, false);
}
