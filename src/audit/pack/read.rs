//! Verifying a pack with nothing but the pack.

use std::io::{self, BufReader, Read, Seek};

use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};
use zip::ZipArchive;

use crate::audit::pack::decisions::{Named, named_by};
use crate::audit::pack::forms::Form;
use crate::audit::pack::{
    CHAIN, DECISIONS, FORMAT, HASHES, HASHING, META, Meta, NARRATIVE, Proof, ROWS, SIGNING, TABLE,
    sequence,
};
use crate::audit::signature::{BadSignature, hexadecimal, signer};
use crate::store::audits::AuditRow;
use crate::store::checkpoints::Checkpoint;
use crate::store::decisions::DecisionRow;
use crate::store::{BrokenChain, ChainHead, ChainWalk};

/// The files in their order; `hashes.txt` has a line for each but itself.
const FILES: [&str; 7] = [META, ROWS, TABLE, NARRATIVE, DECISIONS, CHAIN, HASHES];

/// The most that is read of a file that is held as a whole, in bytes.
const HELD: u64 = 256 * 1024 * 1024;

/// What is wrong with a pack.
#[derive(Debug, thiserror::Error)]
pub enum Faulty {
    /// It is no zip, or one with something beside the files.
    #[error("it is not an evidence pack as it was written: {0}")]
    NotAPack(&'static str),
    /// A file is not what `hashes.txt` says.
    #[error("{0} is not as it was written: its SHA-256 is another")]
    Changed(&'static str),
    /// A file says something that it cannot say.
    #[error("{file} cannot be what was written: {what}")]
    Wrong {
        /// Which.
        file: &'static str,
        /// What is wrong.
        what: &'static str,
    },
    /// The rows are not a chain.
    #[error(transparent)]
    Chain(#[from] BrokenChain),
    /// A checkpoint is not signed by the key that it names.
    #[error(transparent)]
    Signature(#[from] BadSignature),
}

fn wrong<T>(file: &'static str, what: &'static str) -> Result<T, Faulty> {
    Err(Faulty::Wrong { file, what })
}

/// What a sound pack is tied to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sound {
    /// The checkpoint that covers all its rows, and on which all rests.
    pub checkpoint: Checkpoint,
    /// Whose signature that checkpoint has.
    pub signer: Option<String>,
}

/// Verifies a pack, and tells of each part that was found good.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify<R: Read + Seek>(
    file: R,
    mut tell: impl FnMut(&'static str, String),
) -> Result<Sound, Faulty> {
    let mut pack = open(file)?;
    let hashes = check_hashes(&mut pack)?;
    tell("files", format!("all {} have the SHA-256 that hashes.txt names", hashes.len()));
    let meta: Meta = held(&mut pack, META)?;
    let proof: Proof = held(&mut pack, CHAIN)?;
    if meta.format != FORMAT || proof.hashing != HASHING || proof.signing != SIGNING {
        return wrong(META, "it is of a format that this program does not know");
    }
    let mut walk = begin(&meta, &proof)?;
    let decisions = check_rows(&mut pack, &hashes, &mut walk)?;
    check_decisions(&mut pack, &decisions)?;
    check_end(&meta, &proof, walk.head().id)?;
    if *walk.head() != proof.last {
        return wrong(CHAIN, "its last row is not that of audits.json");
    }
    let (from, to) = (&meta.range.from, &meta.range.to);
    tell("rows", format!("{} from {from} to {to}, unbroken and in all three forms", meta.rows));
    if proof.row_before.is_none() && proof.before.id != 0 {
        let last = proof.before.id;
        tell(
            "removed",
            format!("rows up to {last} are said to have been removed when they were old"),
        );
    }
    for row in &proof.until_checkpoint {
        walk.follow(row)?;
    }
    let head = walk.end()?;
    let Some(checkpoint) = proof.checkpoints.last().filter(|last| last.size == head.id) else {
        return wrong(CHAIN, "no checkpoint covers the rows");
    };
    for checkpoint in &proof.checkpoints {
        signer(checkpoint)?;
    }
    let signer = signer(checkpoint)?.map(str::to_owned);
    let by =
        signer.as_ref().map_or_else(|| "not signed".to_owned(), |key| format!("signed by {key}"));
    let (size, ts) = (checkpoint.size, &checkpoint.ts);
    tell("checkpoint", format!("the one at row {size} of {ts} covers them, {by}"));
    Ok(Sound { checkpoint: checkpoint.clone(), signer })
}

fn open<R: Read + Seek>(file: R) -> Result<ZipArchive<BufReader<R>>, Faulty> {
    let not_a_pack = |what| Err(Faulty::NotAPack(what));
    let Ok(mut pack) = ZipArchive::new(BufReader::new(file)) else {
        return not_a_pack("it cannot be read as a zip");
    };
    if pack.offset() != 0 || !pack.comment().is_empty() {
        return not_a_pack("the zip holds something beside its files");
    }
    if pack.has_duplicate_names() || !matches!(pack.has_overlapping_entries(), Ok(false)) {
        return not_a_pack("two of its files have one name or one place");
    }
    if pack.len() != FILES.len() || !FILES.iter().all(|name| pack.by_name(name).is_ok()) {
        return not_a_pack("a file is missing, cannot be read, or is not one of a pack");
    }
    Ok(pack)
}

type Hashes = Vec<(&'static str, String)>;

/// Reads `hashes.txt` and compares every other file with it.
fn check_hashes<R: Read + Seek>(pack: &mut ZipArchive<R>) -> Result<Hashes, Faulty> {
    let text = String::from_utf8(bytes(pack, HASHES)?).unwrap_or_default();
    let mut hashes = Hashes::new();
    let mut expected = String::new();
    for name in FILES.into_iter().filter(|name| *name != HASHES) {
        let mut hash = Sha256Writer(Sha256::new());
        let read = pack.by_name(name).map_err(io::Error::from);
        if read.and_then(|mut file| io::copy(&mut file, &mut hash)).is_err() {
            return Err(Faulty::Changed(name));
        }
        let hash = hexadecimal(&hash.0.finalize());
        let line = format!("{hash}  {name}\n");
        if !text.contains(&line) {
            return Err(Faulty::Changed(name));
        }
        expected.push_str(&line);
        hashes.push((name, hash));
    }
    if text == expected { Ok(hashes) } else { wrong(HASHES, "it has lines of something else") }
}

struct Sha256Writer(Sha256);

impl io::Write for Sha256Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn bytes<R: Read + Seek>(pack: &mut ZipArchive<R>, name: &'static str) -> Result<Vec<u8>, Faulty> {
    let mut bytes = Vec::new();
    let read = pack.by_name(name).map_err(io::Error::from);
    let read = read.and_then(|file| file.take(HELD + 1).read_to_end(&mut bytes));
    match read {
        Ok(length) if (length as u64) <= HELD => Ok(bytes),
        Ok(_) => wrong(name, "it is longer than such a file can be"),
        Err(_) => Err(Faulty::Changed(name)),
    }
}

fn held<T: DeserializeOwned, R: Read + Seek>(
    pack: &mut ZipArchive<R>,
    name: &'static str,
) -> Result<T, Faulty> {
    let bytes = bytes(pack, name)?;
    serde_json::from_slice(&bytes).or_else(|_| wrong(name, "it has not the members of such a file"))
}

/// Begins the walk before the first row of the pack, where the row before it says that it is the
/// first of the time that was asked for.
fn begin<'a>(meta: &Meta, proof: &'a Proof) -> Result<ChainWalk<'a>, Faulty> {
    if let Some(row) = &proof.row_before {
        let is_it = row.id == proof.before.id && row.hash == proof.before.hash;
        if !is_it || row.hash != row.expected_hash() {
            return wrong(CHAIN, "the row before the first is not that row");
        }
        if meta.range.from <= row.ts {
            return wrong(META, "rows at the beginning of the time are missing");
        }
    }
    let sealed = || proof.checkpoints.iter().any(|one| one.size == proof.before.id);
    if proof.row_before.is_none() && proof.before.id != 0 && !sealed() {
        return wrong(CHAIN, "the row before the first is missing");
    }
    if proof.before.id == 0 && proof.before != ChainHead::genesis() {
        return wrong(CHAIN, "a chain does not begin with this hash");
    }
    Ok(ChainWalk::after(proof.before.clone(), &proof.checkpoints)?)
}

/// Compares what `meta.json` says with the rows and with what comes after them.
fn check_end(meta: &Meta, proof: &Proof, last: i64) -> Result<(), Faulty> {
    let before = proof.before.id;
    let is_empty = last == before;
    let ends = if is_empty { (None, None) } else { (Some(before + 1), Some(last)) };
    if meta.rows != last - before || (meta.first, meta.last) != ends {
        return wrong(META, "it does not name the rows of audits.json");
    }
    if meta.range.from > meta.range.to {
        return wrong(META, "its range ends before it begins");
    }
    match proof.until_checkpoint.first() {
        Some(next) if next.ts <= meta.range.to && meta.range.to != meta.generated_at => {
            wrong(META, "rows at the end of the time are missing")
        }
        // Up to now means up to the fact that the pack was asked for.
        None if meta.range.to != meta.generated_at => {
            wrong(META, "what comes after the rows is missing")
        }
        Some(_) if meta.range.to == meta.generated_at => {
            wrong(META, "rows at the end of the time are missing")
        }
        _ => Ok(()),
    }
}

/// Compares the records in `decisions.json` with those that the rows name, one by one.
fn check_decisions<R: Read + Seek>(
    pack: &mut ZipArchive<R>,
    named: &[Named],
) -> Result<(), Faulty> {
    let mut expected = named.iter();
    let take = |record: DecisionRow| expected.next().is_some_and(|named| named.is(&record));
    let Ok(file) = pack.by_name(DECISIONS) else { return Err(Faulty::Changed(DECISIONS)) };
    let read = sequence::each(file, take);
    if read.is_err() || expected.next().is_some() {
        return wrong(DECISIONS, "it does not hold the records that the rows name");
    }
    Ok(())
}

/// Reads `audits.json` row by row, follows the chain, and writes every form anew to compare it;
/// returns the decisions that the rows name.
fn check_rows<R: Read + Seek>(
    pack: &mut ZipArchive<R>,
    hashes: &Hashes,
    walk: &mut ChainWalk<'_>,
) -> Result<Vec<Named>, Faulty> {
    let mut forms = Form::all().map(|(name, form)| {
        let mut hash = Sha256::new();
        hash.update(form.head());
        (name, form, hash)
    });
    let mut broken = None;
    let mut decisions = Vec::new();
    let mut text = String::new();
    let take = |row: AuditRow| {
        if let Err(fault) = walk.follow(&row) {
            broken = Some(fault);
            return false;
        }
        for (_, form, hash) in &mut forms {
            text.clear();
            form.row(&row, &mut text);
            hash.update(&text);
        }
        decisions.extend(named_by(&row));
        true
    };
    let Ok(file) = pack.by_name(ROWS) else { return Err(Faulty::Changed(ROWS)) };
    let read = sequence::each(file, take);
    if let Some(fault) = broken {
        return Err(fault.into());
    }
    if read.is_err() {
        return wrong(ROWS, "it is not a list of rows");
    }
    for (name, form, mut hash) in forms {
        hash.update(form.tail());
        let hash = hexadecimal(&hash.finalize());
        if !hashes.iter().any(|(known, expected)| *known == name && *expected == hash) {
            return wrong(name, "it does not follow from the rows");
        }
    }
    Ok(decisions)
}
