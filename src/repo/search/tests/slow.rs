//! Patterns that would take minutes, and what they get.

use super::*;

/// A million letters of two kinds, in no order.
fn noise() -> String {
    let mut state = 1u64;
    let mut letter = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        if state >> 60 & 1 == 0 { 'a' } else { 'b' }
    };
    (0..1_000_000).map(|_| letter()).collect()
}

#[actix::test]
async fn a_slow_pattern_is_given_up_and_the_answer_says_so() {
    let site = Site::new(&[("noise.txt", &noise()), ("tail.md", "abc")]);
    let root = site.root();
    let index = site.ready().await;
    let slow = "re:a(?:a?b?){300}c";
    let began = Instant::now();
    let found = search(&index, slow).await;
    assert_eq!((found.answered_by, found.is_complete), (AnsweredBy::Index, false));
    let scanned = scan(&root, &Query::parse(slow).unwrap(), 10).unwrap();
    assert!(!scanned.is_complete);
    assert!(began.elapsed() < PATIENCE, "{:?}", began.elapsed());
    // One that is quick finds what is there, in the noise as well.
    let found = search(&index, "re:ab+a").await;
    assert!(found.is_complete && paths(&found) == ["noise.txt"], "{found:?}");
}
