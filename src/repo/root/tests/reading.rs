//! What is read, and what is not.

use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};

use rustix::fs::{CWD, FileType};

use super::*;

#[test]
fn a_file_is_read_as_it_is() {
    let place = Place::new();
    for bytes in [b"".as_slice(), b"# Hello\n", b"\xff\xfe\0\r\n", &vec![0; 100_000]] {
        place.put("a/b", bytes);
        let file = place.root.read(&path("a/b"), 100_000).unwrap();
        assert_eq!(file.bytes, bytes);
        assert_eq!(file.seen, place.look("a/b"));
        assert_eq!(file.seen.size, bytes.len() as u64);
    }
}

#[test]
fn what_is_not_there_is_told_without_telling_why() {
    let place = Place::new();
    place.put("a/b", b"");
    says(place.read("c"), "c does not exist");
    says(place.read("a/c/d"), "a/c/d does not exist");
    says(place.read("a/b/c"), "a/b/c is not a directory, or lies below something that is none");
}

#[test]
fn only_regular_files_are_read_and_nothing_is_waited_for() {
    let place = Place::new();
    std::fs::create_dir(place.at("directory")).unwrap();
    let mode = Mode::RUSR | Mode::WUSR;
    rustix::fs::mknodat(CWD, place.at("pipe"), FileType::Fifo, mode, 0).unwrap();
    let _socket = UnixListener::bind(place.at("socket")).unwrap();
    let began = Instant::now();
    for (name, what) in [("directory", "a directory"), ("pipe", "a pipe"), ("socket", "a socket")] {
        let expected = format!("{name} is {what}, and only regular files can be used");
        says(place.read(name), &expected);
        says(place.root.look(&path(name)), &expected);
        says(place.write(name, b"x", Over::Nothing), &expected);
        says(place.root.remove(&path(name), &seen_elsewhere()), &expected);
        says(
            place.root.rename(&path(name), &path("x"), &seen_elsewhere(), Over::Nothing),
            &expected,
        );
    }
    assert!(began.elapsed() < Duration::from_millis(500), "{:?}", began.elapsed());
    assert_eq!(place.on_disk(), ["directory", "pipe", "socket"]);
}

#[test]
fn devices_are_not_read() {
    let place = Place::new();
    let zero = rustix::fs::makedev(1, 5);
    let made =
        rustix::fs::mknodat(CWD, place.at("zero"), FileType::CharacterDevice, Mode::RUSR, zero);
    if made.is_err() {
        eprintln!("SKIPPED devices: only the superuser makes them");
        return;
    }
    says(place.read("zero"), "zero is a device, and only regular files can be used");
}

/// What was seen of a file that is in no repository here.
fn seen_elsewhere() -> Seen {
    let place = Place::new();
    place.put("elsewhere", b"");
    place.look("elsewhere")
}

#[test]
fn no_more_is_read_than_asked_for() {
    let place = Place::new();
    place.put("a", b"12345");
    assert_eq!(place.root.read(&path("a"), 5).unwrap().bytes, b"12345");
    says(place.root.read(&path("a"), 4).map(drop), "a has 5 bytes, and at most 4 are read");

    let sparse = std::fs::File::create(place.at("sparse")).unwrap();
    sparse.set_len(1 << 40).unwrap();
    let began = Instant::now();
    let expected = "sparse has 1099511627776 bytes, and at most 1048576 are read";
    says(place.read("sparse"), expected);
    assert!(began.elapsed() < Duration::from_millis(100), "{:?}", began.elapsed());
}

/// One that grows for ever, as a log does, is not read for ever.
#[test]
fn a_file_that_grows_is_read_up_to_the_limit() {
    let place = Place::new();
    place.put("log", b"");
    let mut log = std::fs::OpenOptions::new().append(true).open(place.at("log")).unwrap();
    std::thread::scope(|threads| {
        threads.spawn(|| {
            for _ in 0..2_000 {
                std::io::Write::write_all(&mut log, &[b'x'; 4096]).unwrap();
            }
        });
        for _ in 0..500 {
            match place.root.read(&path("log"), 1 << 20) {
                Ok(file) => assert!(file.bytes.len() <= 1 << 20),
                Err(FileError::TooLarge { size, limit, .. }) => assert!(limit < size),
                Err(other) => panic!("{other}"),
            }
        }
    });
}

#[test]
fn a_file_with_another_name_is_not_touched() {
    let place = Place::new();
    std::fs::hard_link(place.at("../outside/secret"), place.at("linked")).unwrap();
    let expected =
        "linked has more than one name (it is hard-linked), and such a file is not touched";
    says(place.read("linked"), expected);
    says(place.root.look(&path("linked")), expected);
    says(place.write("linked", b"x", Over::Nothing), expected);
    says(place.write("linked", b"x", Over::Exactly(&seen_elsewhere())), expected);
    says(place.root.remove(&path("linked"), &seen_elsewhere()), expected);
    place.assert_contained();
}

#[test]
fn a_change_is_seen_whatever_it_leaves_alike() {
    let place = Place::new();
    place.put("a", b"one");
    let before = place.look("a");
    assert_eq!(place.look("a"), before);
    let modified = std::fs::metadata(place.at("a")).unwrap().modified().unwrap();
    // Wait for a clock tick of the file system.
    let later = Instant::now() + Duration::from_millis(20);
    while Instant::now() < later {
        std::thread::yield_now();
    }
    std::fs::write(place.at("a"), b"two").unwrap();
    std::fs::File::open(place.at("a")).unwrap().set_modified(modified).unwrap();
    let after = place.look("a");
    assert_eq!((after.size, after.modified), (before.size, before.modified));
    assert_ne!(after, before);
    assert!(after.is_same_file(&before));
}

#[test]
fn the_root_is_gone_when_it_is_removed_or_replaced() {
    let place = Place::new();
    place.put("a", b"one");
    let seen = place.look("a");
    assert!(place.root.is_there());
    let (there, moved) =
        (place.directory.path().join("repo"), place.directory.path().join("moved"));
    std::fs::rename(&there, &moved).unwrap();
    assert!(!place.root.is_there());
    std::fs::create_dir(&there).unwrap();
    assert!(!place.root.is_there());
    let gone = "the directory of the repository is gone; the daemon must be started again";
    says(place.read("b"), gone);
    says(place.write("a", b"x", Over::Exactly(&seen)), gone);
    says(place.write("b/c", b"x", Over::Nothing), gone);
    says(place.root.remove(&path("a"), &seen), gone);
    says(place.root.walk(None, &WalkLimits::default(), &mut |_| ControlFlow::Break(())), gone);
    assert_eq!(std::fs::read_dir(&there).unwrap().count(), 0);
    std::fs::remove_dir(&there).unwrap();
    std::fs::rename(&moved, &there).unwrap();
    assert!(place.root.is_there());
    std::fs::remove_dir_all(&there).unwrap();
    says(place.read("a"), gone);
    says(place.write("a", b"x", Over::Nothing), gone);
}

#[test]
fn a_root_is_a_directory() {
    let place = Place::new();
    place.put("a", b"");
    for wrong in ["a", "missing"] {
        let opened = Root::open(&place.at(wrong), &OwnFiles::default());
        assert!(matches!(opened, Err(RootError::Unusable(_))), "{wrong}");
    }
}
