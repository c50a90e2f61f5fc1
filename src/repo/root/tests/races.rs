//! Others move things about while files are read and written.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::containment::exchange;
use super::*;

/// How often a directory becomes a link and back, and how many calls are made meanwhile, at least.
/// `LUKHAS_MCP_RACE=long` asks for what a release is tested with.
fn counts() -> (usize, usize) {
    if std::env::var("LUKHAS_MCP_RACE").is_ok_and(|length| length == "long") {
        (100_000, 10_000)
    } else {
        (10_000, 1_000)
    }
}

#[test]
fn no_race_leads_out() {
    let place = Place::in_memory();
    place.put("d/secret", b"inside");
    std::fs::create_dir(place.at("spare")).unwrap();
    let outside = place.directory.path().join("outside");
    place.link("spare/link", outside.to_str().unwrap());

    let (flips, calls) = counts();
    let (done, flipped) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (mut reads, mut writes, mut seen_outside) = (0, 0, 0);
    std::thread::scope(|threads| {
        threads.spawn(|| {
            while !done.load(Ordering::Relaxed) || flipped.load(Ordering::Relaxed) < flips {
                exchange(&place.at("d"), &place.at("spare/link"));
                flipped.fetch_add(1, Ordering::Relaxed);
            }
        });
        let began = Instant::now();
        let mut round = 0;
        while reads < calls || writes < calls || flipped.load(Ordering::Relaxed) < flips {
            round += 1;
            match place.read("d/secret") {
                Ok(bytes) => {
                    assert_ne!(bytes, SECRET, "a read escaped");
                    reads += 1;
                }
                Err(error) => assert_is_of_a_race(&error),
            }
            match write_somewhere(&place, round) {
                Ok(()) => writes += 1,
                Err(error) => assert_is_of_a_race(&error),
            }
            // The same by the path, to see that there was something to escape to.
            let naive = std::fs::read(place.at("d/secret"));
            seen_outside += usize::from(naive.is_ok_and(|bytes| bytes == SECRET));
            assert!(began.elapsed() < Duration::from_mins(5), "{reads} reads, {writes} writes");
        }
        done.store(true, Ordering::Relaxed);
    });
    place.assert_contained();
    assert!(0 < seen_outside, "the race was none");
    let left = place.on_disk().into_iter().filter(|name| name.contains(".lukhas-mcp-")).count();
    assert_eq!(left, 0, "temporary files were left behind");
    eprintln!("{} flips, {reads} reads, {writes} writes", flipped.load(Ordering::Relaxed));
}

/// Makes, changes, moves or removes a file in the directory that is being exchanged.
fn write_somewhere(place: &Place, round: usize) -> Result<(), FileError> {
    let name = format!("d/new{}", round % 7);
    match place.write(&name, b"x", Over::Nothing) {
        Err(FileError::Exists(_)) => {
            let seen = place.root.look(&path(&name))?;
            let seen = place.write(&name, b"xy", Over::Exactly(&seen))?;
            match round % 3 {
                0 => place.root.remove(&path(&name), &seen),
                1 => place
                    .root
                    .rename(&path(&name), &path("d/moved"), &seen, Over::Nothing)
                    .map(drop),
                _ => Ok(()),
            }
        }
        written => written.map(drop),
    }
}

#[track_caller]
fn assert_is_of_a_race(error: &FileError) {
    let is_expected = matches!(
        error,
        FileError::SymbolicLink(_)
            | FileError::NotFound(_)
            | FileError::NotADirectory(_)
            | FileError::Exists(_)
            | FileError::Changed(_)
            | FileError::Moved(_)
    );
    assert!(is_expected, "{error}");
}

/// Of two who make the same file, one does.
#[test]
fn one_of_two_writers_makes_a_file() {
    let place = Place::in_memory();
    for round in 0..1_000 {
        let name = format!("file{}", round % 10);
        let results = both(|who| place.write(&name, who, Over::Nothing));
        let winner = match &results {
            [Ok(_), Err(FileError::Exists(_))] => FIRST,
            [Err(FileError::Exists(_)), Ok(_)] => SECOND,
            other => panic!("round {round}: {other:?}"),
        };
        assert_eq!(place.read(&name).unwrap(), winner);
        place.root.remove(&path(&name), &place.look(&name)).unwrap();
    }
    assert_eq!(place.on_disk(), Vec::<String>::new());
}

/// Of two who replace the same file without asking one another, at least one does, and the file is
/// wholly the one's or the other's. That it is exactly one is for locks to see to.
#[test]
fn a_file_is_always_one_of_those_that_were_written() {
    let place = Place::in_memory();
    place.put("file", b"old");
    for round in 0..1_000 {
        let seen = place.look("file");
        let results = both(|who| place.write("file", who, Over::Exactly(&seen)));
        let bytes = place.read("file").unwrap();
        match &results {
            [Ok(_), Ok(_)] => assert!(bytes == FIRST || bytes == SECOND),
            [Ok(_), Err(FileError::Changed(_))] => assert_eq!(bytes, FIRST),
            [Err(FileError::Changed(_)), Ok(_)] => assert_eq!(bytes, SECOND),
            other => panic!("round {round}: {other:?}"),
        }
    }
    assert_eq!(place.on_disk(), ["file"]);
}

const FIRST: &[u8] = &[b'1'; 10_000];
const SECOND: &[u8] = &[b'2'; 20_000];

fn both<T: Send>(write: impl Fn(&'static [u8]) -> T + Sync) -> [T; 2] {
    let start = std::sync::Barrier::new(2);
    let begin = |who| {
        start.wait();
        write(who)
    };
    std::thread::scope(|threads| {
        let first = threads.spawn(|| begin(FIRST));
        let second = begin(SECOND);
        [first.join().unwrap(), second]
    })
}
