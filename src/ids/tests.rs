//! What is an id, and what is none?

use super::*;

#[test]
fn a_generated_id_reads_back() {
    let id = JobId::generate(&IdPrefix::draw());
    assert_eq!(id.as_str().len(), 25);
    assert_eq!(JobId::parse(id.as_str()), Ok(id));
}

#[test]
fn ids_that_are_drawn_together_begin_alike_and_differ() {
    let prefix = IdPrefix::draw();
    let [one, other] = [JobId::generate(&prefix), JobId::generate(&prefix)];
    assert_eq!(one.as_str()[..7], other.as_str()[..7]);
    assert_ne!(one, other);
}

#[test]
fn the_earlier_servers_ids_are_valid() {
    assert!(JobId::parse("job_80ei4teb").is_ok());
}

#[test]
fn what_is_no_id_is_refused() {
    for text in ["", "job_", "job_a b", "job_../x", "canary_abc", "job_%", "job_é"] {
        assert!(JobId::parse(text).is_err(), "{text:?}");
    }
    for text in ["", "a/b", "a b", "é", "a\n", &"x".repeat(129)] {
        assert!(TaskId::parse(text).is_err(), "{text:?}");
    }
    assert!(TaskId::parse(&"x".repeat(128)).is_ok());
    for text in ["", "a b", "production\"} or vector(0) #", "a/b", "a{b}", "é", &"x".repeat(65)] {
        assert!(ModelId::parse(text).is_err() && GateId::parse(text).is_err(), "{text:?}");
    }
}

#[test]
fn a_models_version_follows_its_last_colon() {
    let split = |text| {
        let id = ModelId::parse(text).unwrap();
        (id.name().to_owned(), id.version().map(str::to_owned))
    };
    assert_eq!(split("ranker:12"), ("ranker".to_owned(), Some("12".to_owned())));
    assert_eq!(split("team:ranker:12"), ("team:ranker".to_owned(), Some("12".to_owned())));
    for text in ["lukhas-v4", "ranker:", ":12", ":"] {
        assert_eq!(split(text), (text.to_owned(), None));
    }
}
