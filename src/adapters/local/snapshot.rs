//! The evals directories as they were at one moment.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::time::Instant;

use super::definition::{self, DefinitionError, MAX_CONFIG_BYTES, MAX_TASK_BYTES, Task};
use super::regular_file::{self, Unread};
use crate::adapters::RunnerError;
use crate::ids::{ConfigId, TaskId};

/// How many names a refusal lists.
const MAX_LISTED: usize = 50;

/// All definitions, by id. A definition that is not valid is there too, with what is wrong.
#[derive(Debug, Default)]
pub(super) struct Snapshot {
    tasks: Section<Task>,
    configs: Section<String>,
}

type Section<T> = BTreeMap<String, Arc<Definition<T>>>;

/// A snapshot, and when it was begun.
#[derive(Debug, Clone)]
pub(super) struct Taken {
    pub(super) at: Instant,
    pub(super) snapshot: Arc<Snapshot>,
}

/// A task that there is.
#[derive(Debug, Clone)]
pub(super) struct FoundTask {
    pub(super) task: Arc<Task>,
    /// The directory of its file.
    pub(super) directory: PathBuf,
}

/// A configuration that there is.
#[derive(Debug, Clone)]
pub(super) struct FoundConfig {
    /// The JSON document that a run is given.
    pub(super) document: Arc<String>,
}

#[derive(Debug)]
struct Definition<T> {
    file: PathBuf,
    /// What the file contained, if it could be read.
    contents: Option<Vec<u8>>,
    parsed: Result<Arc<T>, DefinitionError>,
}

impl Snapshot {
    /// Reads the directories. A file that has not changed since the previous snapshot is not
    /// parsed again.
    pub(super) fn take(directories: &[PathBuf], previous: &Self) -> io::Result<Self> {
        let mut snapshot = Self::default();
        for directory in directories {
            let tasks = directory.join("tasks");
            read_section(
                &tasks,
                MAX_TASK_BYTES,
                Task::parse,
                &previous.tasks,
                &mut snapshot.tasks,
            )?;
            read_section(
                &directory.join("configs"),
                MAX_CONFIG_BYTES,
                definition::parse_config,
                &previous.configs,
                &mut snapshot.configs,
            )?;
        }
        Ok(snapshot)
    }

    /// Finds both, or says which there are.
    pub(super) fn find(
        &self,
        task: &TaskId,
        config: &ConfigId,
    ) -> Result<(FoundTask, FoundConfig), RunnerError> {
        let found = self.tasks.get(task.as_str()).ok_or_else(|| RunnerError::UnknownTask {
            id: task.clone(),
            known: listed(&self.tasks),
        })?;
        let directory = found.file.parent().unwrap_or(&found.file).to_owned();
        let found_task = FoundTask { task: found.valid("tasks", task.as_str())?, directory };
        let found = self.configs.get(config.as_str()).ok_or_else(|| {
            RunnerError::UnknownConfig { id: config.clone(), known: listed(&self.configs) }
        })?;
        Ok((found_task, FoundConfig { document: found.valid("configs", config.as_str())? }))
    }
}

impl<T> Definition<T> {
    fn valid(&self, section: &str, id: &str) -> Result<Arc<T>, RunnerError> {
        self.parsed.clone().map_err(|error| RunnerError::InvalidDefinition {
            file: format!("{section}/{id}.toml"),
            why: error.to_string(),
        })
    }
}

/// The names in order; a long list is cut, and says so.
fn listed<T>(section: &Section<T>) -> Vec<String> {
    let mut names: Vec<String> = section.keys().take(MAX_LISTED).cloned().collect();
    if section.len() > MAX_LISTED {
        names.push(format!("and {} more", section.len() - MAX_LISTED));
    }
    names
}

/// Adds the definitions of one directory, except those whose id an earlier directory has.
fn read_section<T>(
    directory: &Path,
    max_bytes: u64,
    parse: fn(&str) -> Result<T, DefinitionError>,
    previous: &Section<T>,
    section: &mut Section<T>,
) -> io::Result<()> {
    let entries = match fs::read_dir(directory) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    for entry in entries {
        let name = entry?.file_name();
        let Some(id) = name.to_str().and_then(|name| name.strip_suffix(".toml")) else { continue };
        // Tasks and configurations are named alike, so that one check serves both.
        if TaskId::parse(id).is_err() || section.contains_key(id) {
            continue;
        }
        let file = directory.join(&name);
        let contents = match regular_file::read(&file, max_bytes) {
            Err(Unread::Absent) => continue,
            contents => contents,
        };
        let definition = define(file, contents, parse, previous.get(id));
        section.insert(id.to_owned(), definition);
    }
    Ok(())
}

fn define<T>(
    file: PathBuf,
    contents: Result<Vec<u8>, Unread>,
    parse: fn(&str) -> Result<T, DefinitionError>,
    previous: Option<&Arc<Definition<T>>>,
) -> Arc<Definition<T>> {
    let contents = match contents {
        Ok(contents) => contents,
        Err(problem) => {
            let parsed = Err(DefinitionError::Whole(problem.to_string()));
            return Arc::new(Definition { file, contents: None, parsed });
        }
    };
    match previous {
        Some(previous)
            if previous.file == file && previous.contents.as_ref() == Some(&contents) =>
        {
            Arc::clone(previous)
        }
        _ => {
            let parsed = match std::str::from_utf8(&contents) {
                Ok(text) => parse(text).map(Arc::new),
                Err(_) => Err(DefinitionError::Whole("it is not UTF-8 text".to_owned())),
            };
            Arc::new(Definition { file, contents: Some(contents), parsed })
        }
    }
}
