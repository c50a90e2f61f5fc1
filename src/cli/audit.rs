//! `audit`: whether what was recorded is as it was written, here or in an exported pack.

use clap::Subcommand;

use crate::audit::signer;
use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::store::audits::Verified;
use crate::store::{Database, audit_chain_of};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Walk the audit chain and its checkpoints. Reads only; the daemon may run meanwhile.
    Verify(Verify),
}

#[derive(Debug, clap::Args)]
pub(super) struct Verify {
    /// The key that must have signed the last checkpoint, in hexadecimal
    #[arg(long, value_name = "KEY")]
    public_key: Option<String>,
}

pub(super) fn run(flags: SettingsFlags, command: &Command) -> Result<(), Failure> {
    match command {
        Command::Verify(arguments) => verify(flags, arguments),
    }
}

/// Prints a part that was found good.
pub(super) fn good(part: &str, what: &str) {
    println!("ok   {part}: {what}");
}

/// Prints a part that was found bad, and makes it the end of the command.
pub(super) fn bad(part: &str, what: &dyn std::fmt::Display) -> Failure {
    println!("FAIL {part}: {what}");
    Failure::new(format!("the {part} does not hold: {what}"))
}

fn verify(flags: SettingsFlags, arguments: &Verify) -> Result<(), Failure> {
    let settings = flags.load()?.settings;
    if !settings.store.db.exists() {
        good("audit chain", "nothing is recorded yet");
        return Ok(());
    }
    let chain = audit_chain_of(&Database::at(&settings.store.db)?)
        .map_err(|error| Failure::other("read the audit chain", &error))?;
    let verified = chain.map_err(|broken| bad("audit chain", &broken))?;
    let (rows, removed, head) = (verified.rows(), verified.before.id, &verified.head);
    let after = match removed {
        0 => String::new(),
        n => format!(" after {n} that were removed when they were old"),
    };
    good("audit chain", &format!("{rows} rows{after}, unbroken; the last is {}", head.id));
    good("head", &head.hash);
    checkpoints(&verified, arguments.public_key.as_deref())
}

fn checkpoints(verified: &Verified, key: Option<&str>) -> Result<(), Failure> {
    let mut signed = 0;
    let mut last_signer = None;
    for checkpoint in &verified.checkpoints {
        last_signer = signer(checkpoint).map_err(|error| bad("checkpoints", &error))?;
        signed += usize::from(last_signer.is_some());
    }
    let Some(last) = verified.checkpoints.last() else {
        good("checkpoints", "none was made yet");
        return Ok(());
    };
    let by = match last_signer {
        Some(key) => format!("signed by {key}"),
        None => "not signed".to_owned(),
    };
    if let Some(wanted) = key
        && !last_signer.is_some_and(|by| by.eq_ignore_ascii_case(wanted))
    {
        let what = format!("the one at row {} is {by}, and not by the key named", last.size);
        return Err(bad("checkpoints", &what));
    }
    let count = verified.checkpoints.len();
    let what = format!("{count} agree, {signed} signed; the last is at row {}, {by}", last.size);
    good("checkpoints", &what);
    Ok(())
}
