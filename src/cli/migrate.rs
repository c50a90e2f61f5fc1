//! `migrate`: bring the schema up to date without starting the daemon.

use clap::Args;

use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::store::{Database, Store, pending_migrations};

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
}

pub(super) fn run(flags: SettingsFlags, arguments: &Arguments) -> Result<(), Failure> {
    let settings = flags.load()?.settings;
    let database = Database::at(&settings.store.db)?;
    if arguments.dry_run {
        if !settings.store.db.exists() {
            println!("the database would be made");
            return Ok(());
        }
        say("would be run", &pending_migrations(&database)?);
    } else {
        say("was run", &Store::prepare(&database)?.applied);
    }
    Ok(())
}

fn say(what: &str, migrations: &[String]) {
    if migrations.is_empty() {
        println!("the schema is up to date");
    }
    for migration in migrations {
        println!("{migration} {what}");
    }
}
