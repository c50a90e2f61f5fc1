//! Anchors on a real branch of a real repository.

use super::*;
use crate::store::ChainHead;

const NOW: &str = "2026-11-22T00:00:10.000Z";

fn checkpoint(size: i64, ts: &str) -> Checkpoint {
    let mut made = Checkpoint::of(ChainHead { id: size, hash: format!("{size:064x}") }, ts);
    made.anchored_at = Some(NOW.to_owned());
    made
}

fn now() -> Timestamp {
    Timestamp::parse(NOW).unwrap()
}

/// A repository with three checkpoints of two days.
fn anchored() -> (tempfile::TempDir, AnchorBranch, Vec<Checkpoint>) {
    let directory = tempfile::tempdir().unwrap();
    git2::Repository::init_bare(directory.path()).unwrap();
    let branch = AnchorBranch::open(directory.path(), "lukhas-audit").unwrap();
    let checkpoints = vec![
        checkpoint(3, "2026-11-21T23:00:00.000Z"),
        checkpoint(6, "2026-11-21T23:59:59.999Z"),
        checkpoint(8, "2026-11-22T00:00:00.000Z"),
    ];
    let (sizes, first) = branch.add(&checkpoints, now()).unwrap().unwrap();
    assert_eq!(sizes, [3, 6]);
    // Whoever died before noting it down finds the lines there, and adds none.
    assert_eq!(branch.add(&checkpoints, now()).unwrap().unwrap(), (sizes, first));
    assert_eq!(branch.add(&checkpoints[2..], now()).unwrap().unwrap().0, [8]);
    (directory, branch, checkpoints)
}

#[test]
fn what_was_anchored_agrees_with_the_chain_it_was_made_of() {
    let (_directory, branch, mut checkpoints) = anchored();
    assert_eq!(branch.compare(&checkpoints, now()).unwrap(), 3);
    let mut later = checkpoint(9, "2026-11-22T00:00:05.000Z");
    later.anchored_at = None;
    checkpoints.push(later);
    assert_eq!(branch.compare(&checkpoints, now()).unwrap(), 3);
    assert!(branch.add(&[], now()).unwrap().is_none());
}

#[test]
fn a_chain_written_anew_or_cut_short_does_not_agree() {
    let (_directory, branch, checkpoints) = anchored();
    let differs = |checkpoints: &[Checkpoint]| branch.compare(checkpoints, now()).unwrap_err();
    let mut anew = checkpoints.clone();
    anew[1].head = "0".repeat(64);
    assert!(matches!(differs(&anew), AnchorError::Differs(6)));
    assert!(matches!(differs(&checkpoints[..2]), AnchorError::Differs(8)));
    let mut claimed = checkpoints;
    claimed.push(checkpoint(9, "2026-11-22T00:00:05.000Z"));
    assert!(matches!(differs(&claimed), AnchorError::Missing(9)));
}

#[test]
fn a_repository_that_is_not_there_is_an_error_and_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    let missing = AnchorBranch::open(&directory.path().join("none"), "lukhas-audit");
    assert!(matches!(missing, Err(AnchorError::Git(_))));
}
