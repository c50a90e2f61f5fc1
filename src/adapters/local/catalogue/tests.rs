//! Catalogues over real directories.

use std::fs;
use std::path::Path;

use super::*;

const TASK: &str = "command = [\"true\"]\ntimeout_seconds = 60\n";

struct Directories {
    own: tempfile::TempDir,
    shipped: tempfile::TempDir,
}

impl Directories {
    fn new() -> Self {
        let directories =
            Self { own: tempfile::tempdir().unwrap(), shipped: tempfile::tempdir().unwrap() };
        for directory in [&directories.own, &directories.shipped] {
            fs::create_dir(directory.path().join("tasks")).unwrap();
            fs::create_dir(directory.path().join("configs")).unwrap();
        }
        directories
    }

    fn catalogue(&self) -> Catalogue {
        let directories = [&self.own, &self.shipped].map(|directory| directory.path().to_owned());
        Catalogue::of(directories.to_vec())
    }
}

fn write(directory: &tempfile::TempDir, file: &str, text: &str) {
    fs::write(directory.path().join(file), text).unwrap();
}

async fn plan(catalogue: &Catalogue, task: &str, config: &str) -> Result<Duration, String> {
    let ids = (TaskId::parse(task).unwrap(), ConfigId::parse(config).unwrap());
    let found = catalogue.look_up(&ids.0, &ids.1).await;
    found.map(|(task, _config)| task.task.timeout).map_err(|error| error.to_string())
}

#[tokio::test]
async fn the_first_directory_that_has_a_definition_wins() {
    let directories = Directories::new();
    write(&directories.shipped, "tasks/a.toml", TASK);
    write(&directories.shipped, "tasks/b.toml", TASK);
    write(&directories.own, "tasks/a.toml", &TASK.replace("60", "61"));
    write(&directories.own, "configs/c.toml", "");
    let catalogue = directories.catalogue();
    assert_eq!(plan(&catalogue, "a", "c").await, Ok(Duration::from_secs(61)));
    assert_eq!(plan(&catalogue, "b", "c").await, Ok(Duration::from_mins(1)));
    let ids = (TaskId::parse("b").unwrap(), ConfigId::parse("c").unwrap());
    let (task, config) = catalogue.look_up_now(&ids.0, &ids.1).await.unwrap();
    assert_eq!(task.directory, directories.shipped.path().join("tasks"));
    assert_eq!(*config.document, "{}");
}

#[tokio::test]
async fn an_unknown_id_is_refused_with_those_there_are() {
    let directories = Directories::new();
    let catalogue = directories.catalogue();
    let none = "unknown taskId x; there are none";
    assert_eq!(plan(&catalogue, "x", "y").await, Err(none.to_owned()));
    write(&directories.own, "tasks/b.toml", TASK);
    write(&directories.shipped, "tasks/a.toml", "not = valid");
    write(&directories.own, "tasks/notes.txt", "");
    write(&directories.own, "tasks/not an id.toml", TASK);
    let both = "unknown taskId x; there are a, b";
    assert_eq!(plan(&catalogue, "x", "y").await, Err(both.to_owned()));
    write(&directories.own, "configs/c.toml", "");
    let one = "unknown configId y; there is c";
    assert_eq!(plan(&catalogue, "b", "y").await, Err(one.to_owned()));
}

#[tokio::test]
async fn a_long_list_is_cut() {
    let directories = Directories::new();
    for number in 0..60 {
        write(&directories.own, &format!("tasks/t{number:02}.toml"), TASK);
    }
    let error = plan(&directories.catalogue(), "x", "y").await.unwrap_err();
    assert!(error.ends_with("t48, t49, and 10 more"), "{error}");
}

#[tokio::test]
async fn a_file_written_just_before_is_found() {
    let directories = Directories::new();
    write(&directories.own, "configs/c.toml", "");
    let catalogue = directories.catalogue();
    for number in 0..5 {
        let id = format!("t{number}");
        assert!(plan(&catalogue, &id, "c").await.is_err());
        write(&directories.own, &format!("tasks/{id}.toml"), TASK);
        assert_eq!(plan(&catalogue, &id, "c").await, Ok(Duration::from_mins(1)));
    }
}

#[tokio::test]
async fn a_change_is_seen_within_two_seconds_and_at_once_by_a_run() {
    let directories = Directories::new();
    write(&directories.own, "tasks/a.toml", TASK);
    write(&directories.own, "configs/c.toml", "");
    let catalogue = directories.catalogue();
    assert_eq!(plan(&catalogue, "a", "c").await, Ok(Duration::from_mins(1)));
    tokio::time::pause();
    write(&directories.own, "tasks/a.toml", &TASK.replace("60", "61"));
    assert_eq!(plan(&catalogue, "a", "c").await, Ok(Duration::from_mins(1)), "from memory");
    tokio::time::advance(SPACING * 2).await;
    let ids = (TaskId::parse("a").unwrap(), ConfigId::parse("c").unwrap());
    let (task, _config) = catalogue.look_up_now(&ids.0, &ids.1).await.unwrap();
    assert_eq!(task.task.timeout, Duration::from_secs(61));
    write(&directories.own, "tasks/a.toml", &TASK.replace("60", "62"));
    tokio::time::advance(STALE + SPACING).await;
    assert_eq!(plan(&catalogue, "a", "c").await, Ok(Duration::from_secs(62)));
}

#[tokio::test]
async fn a_flood_of_unknown_ids_costs_ten_snapshots_a_second_at_most() {
    let directories = Directories::new();
    let catalogue = directories.catalogue();
    plan(&catalogue, "x", "y").await.unwrap_err();
    tokio::time::pause();
    let started = Instant::now();
    let (task, config) = (TaskId::parse("x").unwrap(), ConfigId::parse("y").unwrap());
    let asked = (0..100).map(|_| catalogue.look_up(&task, &config));
    assert!(futures_util::future::join_all(asked).await.iter().all(Result::is_err));
    for _ in 0..9 {
        catalogue.look_up(&task, &config).await.unwrap_err();
    }
    assert!(started.elapsed() >= SPACING * 9);
    assert!(started.elapsed() <= SPACING * 12);
}

#[cfg(unix)]
#[tokio::test]
async fn only_small_regular_files_are_definitions() {
    let directories = Directories::new();
    write(&directories.own, "configs/c.toml", "");
    let tasks = directories.own.path().join("tasks");
    write(&directories.own, "real", TASK);
    std::os::unix::fs::symlink(directories.own.path().join("real"), tasks.join("link.toml"))
        .unwrap();
    fs::create_dir(tasks.join("folder.toml")).unwrap();
    make_fifo(&tasks.join("fifo.toml"));
    fs::write(tasks.join("bytes.toml"), b"\xff\xfe").unwrap();
    let padding = "#".repeat(usize::try_from(MAX).unwrap());
    fs::write(tasks.join("large.toml"), format!("{TASK}{padding}")).unwrap();
    let catalogue = directories.catalogue();
    for (id, part) in [
        ("link", "tasks/link.toml is not valid: it is not a regular file"),
        ("folder", "not a regular file"),
        ("fifo", "not a regular file"),
        ("bytes", "not UTF-8"),
        ("large", "larger than 64 KiB"),
    ] {
        let error = plan(&catalogue, id, "c").await.unwrap_err();
        assert!(error.contains(part), "{error:?} does not contain {part:?}");
    }
}

const MAX: u64 = super::super::definition::MAX_TASK_BYTES;

fn make_fifo(path: &Path) {
    let mode = rustix::fs::Mode::RUSR;
    rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
}

#[tokio::test]
async fn an_unreadable_directory_is_no_empty_one() {
    let directories = Directories::new();
    let tasks = directories.own.path().join("tasks");
    fs::remove_dir(&tasks).unwrap();
    fs::write(&tasks, "a file where a directory should be").unwrap();
    let error = plan(&directories.catalogue(), "x", "y").await.unwrap_err();
    assert_eq!(error, "the eval runner is not available just now");
}
