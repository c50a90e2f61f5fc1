//! `audit`: whether what was recorded is as it was written, here or in an exported pack.

use std::fs::File;
use std::path::PathBuf;

use clap::Subcommand;

use crate::audit::{AnchorBranch, AnchorError, signer, verify_pack};
use crate::cli::exit::Failure;
use crate::cli::settings::SettingsFlags;
use crate::clock::{Clock as _, SystemClock};
use crate::config::Settings;
use crate::store::audits::Verified;
use crate::store::{Database, audit_chain_of};

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Walk the audit chain and its checkpoints. Reads only; the daemon may run meanwhile.
    Verify(Verify),
    /// Verify an evidence pack with nothing but the pack; no daemon or database is needed.
    VerifyExport(VerifyExport),
}

#[derive(Debug, clap::Args)]
pub(super) struct VerifyExport {
    /// The pack
    file: PathBuf,
    /// The key that must have signed the checkpoint that covers the pack, in hexadecimal
    #[arg(long, value_name = "KEY")]
    public_key: Option<String>,
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
        Command::VerifyExport(arguments) => verify_export(arguments),
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
        // Nothing to read is no proof: most likely it is another daemon's settings, or nobody's.
        return Err(Failure::no_database(&settings.store.db));
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
    checkpoints(&verified, arguments.public_key.as_deref())?;
    match anchors(&settings, &verified) {
        None => Ok(()),
        Some(Ok(what)) => {
            good("anchors", &what);
            Ok(())
        }
        Some(Err(error)) => Err(bad("anchors", &error)),
    }
}

/// Compares with the anchors where there should be some.
pub(super) fn anchors(
    settings: &Settings,
    verified: &Verified,
) -> Option<Result<String, AnchorError>> {
    let repository = settings.audit.anchor_repo.as_ref()?;
    let compared = AnchorBranch::open(repository, &settings.audit.anchor_branch)
        .and_then(|branch| branch.compare(&verified.checkpoints, SystemClock.now()));
    let all = verified.checkpoints.len();
    Some(compared.map(|anchored| match all.saturating_sub(anchored) {
        0 => format!("all {anchored} checkpoints stand on the branch"),
        waiting => format!("{anchored} checkpoints stand on the branch, {waiting} wait"),
    }))
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
    let by = require_signer(last.size, last_signer, key)?;
    let count = verified.checkpoints.len();
    let what = format!("{count} agree, {signed} signed; the last is at row {}, {by}", last.size);
    good("checkpoints", &what);
    Ok(())
}

/// Says who signed a checkpoint, and fails if it should have been somebody else.
fn require_signer(
    size: i64,
    signer: Option<&str>,
    wanted: Option<&str>,
) -> Result<String, Failure> {
    let by = signer.map_or_else(|| "not signed".to_owned(), |key| format!("signed by {key}"));
    match wanted {
        Some(wanted) if !signer.is_some_and(|key| key.eq_ignore_ascii_case(wanted)) => {
            let what = format!("the one at row {size} is {by}, and not by the key named");
            Err(bad("checkpoint", &what))
        }
        _ => Ok(by),
    }
}

fn verify_export(arguments: &VerifyExport) -> Result<(), Failure> {
    let file =
        File::open(&arguments.file).map_err(|error| Failure::other("open the pack", &error))?;
    let sound = verify_pack(file, |part, what| good(part, &what));
    let sound = sound.map_err(|fault| bad("pack", &fault))?;
    let (wanted, checkpoint) = (arguments.public_key.as_deref(), &sound.checkpoint);
    require_signer(checkpoint.size, sound.signer.as_deref(), wanted)?;
    let (size, head) = (checkpoint.size, &checkpoint.head);
    good("verdict", &format!("the pack is as it was written if row {size} has the hash {head}"));
    Ok(())
}
