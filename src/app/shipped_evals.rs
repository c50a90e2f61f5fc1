//! The evals that come with the binary, laid out as files so that commands can read them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::shipped;

/// Writes the shipped evals below `runs` and returns their directory. Files that are there as they
/// should be are left alone, so that a run that reads them is not disturbed.
pub(super) fn lay_out(runs: &Path) -> io::Result<PathBuf> {
    let directory = runs.join(".shipped");
    for (path, content) in shipped::FILES {
        let file = directory.join(path);
        if fs::read(&file).is_ok_and(|present| present == *content) {
            continue;
        }
        if let Some(parent) = file.parent() {
            fs::create_dir_all(parent)?;
        }
        let partial = file.with_extension("partial");
        fs::write(&partial, content)?;
        fs::rename(&partial, &file)?;
    }
    Ok(directory)
}
