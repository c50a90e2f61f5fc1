//! `backup`: a copy of the database that can be started from.

use std::path::PathBuf;

use clap::Args;

use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::store::{Database, back_up};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Where to put the copy; it must not exist yet. To restore, stop the daemon, put the copy in
    /// the database's place and start the daemon again.
    file: PathBuf,
}

pub(super) fn run(flags: SettingsFlags, arguments: &Arguments) -> Result<(), Failure> {
    let settings = flags.load()?.settings;
    let directory = settings.store.backup_dir.filter(|_| arguments.file.is_relative());
    let target = match directory {
        Some(directory) => directory.join(&arguments.file),
        None => arguments.file.clone(),
    };
    back_up(&Database::at(&settings.store.db)?, &target)?;
    println!("the database was copied to {}", target.display());
    Ok(())
}
