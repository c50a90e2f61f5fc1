//! Selectors as people write them, as they should not, and as an attacker would.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn bound(text: &str) -> BoundSelector {
    let (model, gate) = (ModelId::parse("ranker:1.2").unwrap(), GateId::parse("canary").unwrap());
    Selector::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")).bind(&model, &gate)
}

fn matches(text: &str, name: &str, labels: &[(&str, &str)]) -> bool {
    let labels: BTreeMap<_, _> = labels.iter().copied().collect();
    bound(text).matches(name, |label| labels.get(label).copied())
}

#[test]
fn ids_are_put_in_with_and_without_quotes() {
    let check = |text, expected| assert_eq!(bound(text).to_string(), expected);
    check("requests_total", "requests_total");
    check(" a:b { gate = $__gate , } ", r#"a:b{gate="canary"}"#);
    check("a{gate='$__gate',m=\"v-$__model!\"}", r#"a{gate="canary",m="v-ranker:1.2!"}"#);
    check(r#"{__name__="a b",c!="",d=~`x\d|y`}"#, r#"{__name__="a b",c!="",d=~"x\\d|y"}"#);
    check(r#"a{b="\"\\\n"}"#, r#"a{b="\"\\\n"}"#);
    check("a{m=~\"$__model|old\"}", r#"a{m=~"ranker:1\\.2|old"}"#);
}

#[test]
fn matchers_mean_what_they_mean_in_promql() {
    let series = &[("gate", "canary"), ("code", "503"), ("model", "ranker:1.2")];
    let yes = |text| assert!(matches(text, "requests_total", series), "{text}");
    let no = |text| assert!(!matches(text, "requests_total", series), "{text}");
    yes("requests_total{gate=$__gate,code=~\"5..\"}");
    no("requests_total{code=~\"5\"}");
    no("requests{gate=$__gate}");
    yes("{__name__=~\"requests_.+\",other=\"\"}");
    no("requests_total{code!~\"5..|4..\"}");
    yes("requests_total{code!=\"200\",nothing!~\".+\"}");
    yes("requests_total{model=~\"$__model\"}");
    assert!(!matches("a{model=~\"$__model\"}", "a", &[("model", "ranker:1x2")]));
}

#[test]
fn what_is_no_selector_is_refused_at_its_place() {
    for (text, at) in [
        ("", 1),
        ("{}", 1),
        ("{a=\"\"}", 1),
        ("{a=~\".*\"}", 1),
        ("sum(rate(a[5m]))", 4),
        ("a[5m]", 2),
        ("a offset 5m", 3),
        ("a{b}", 4),
        ("a{b=c}", 5),
        ("a{b=\"c\"", 8),
        ("a{b=\"c\" d=\"e\"}", 9),
        ("ä{}", 1),
        ("a{b=\"c", 7),
        ("a{b=~\"(\"}", 6),
        ("a{b=$__window}", 5),
        ("a{b=\"$__gat\"}", 5),
        ("a{b=\"\\d\"}", 7),
        ("a{b==\"c\"}", 5),
        ("a{1b=\"c\"}", 3),
        ("a{é=\"c\"}", 3),
    ] {
        let error = Selector::parse(text).map(|_| ()).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
    }
    assert!(Selector::parse(&"a".repeat(5_000)).is_err());
    assert!(Selector::parse("a{b=~\"(x{1000}){1000}\"}").is_err(), "a pattern may not be huge");
}

proptest! {
    /// Reading never panics, and what a selector is written as reads as the same.
    #[test]
    fn any_text_is_read_or_refused(text in "[a-z_{}=!~\"'`$,\\\\ .()\\[\\]é]{0,40}") {
        if let Ok(selector) = Selector::parse(&text) {
            let (model, gate) = (ModelId::parse("m").unwrap(), GateId::parse("g").unwrap());
            let written = selector.bind(&model, &gate).to_string();
            let again = Selector::parse(&written).unwrap().bind(&model, &gate).to_string();
            prop_assert_eq!(written, again);
        }
    }

    /// No id changes what a selector means: the text between the quotes is the id.
    #[test]
    fn ids_stay_within_their_quotes(id in "[A-Za-z0-9_.:-]{1,64}") {
        let (model, gate) = (ModelId::parse(&id).unwrap(), GateId::parse(&id).unwrap());
        let written = Selector::parse("a{b=$__gate}").unwrap().bind(&model, &gate).to_string();
        prop_assert_eq!(written, format!("a{{b=\"{id}\"}}"));
    }

    /// Text that PromQL would take for syntax is escaped.
    #[test]
    fn hostile_text_is_escaped(text in any::<String>()) {
        let mut escaped = String::new();
        write_escaped(&mut escaped, &text).unwrap();
        let mut characters = escaped.chars();
        while let Some(character) = characters.next() {
            prop_assert!(character != '"' && !character.is_control());
            if character == '\\' {
                characters.next();
            }
        }
    }
}
