//! Writing a pack. Rows pass through one after the other, so that it takes little memory however
//! many there are.

use std::io::{self, Seek, Write};

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use zip::ZipWriter;
use zip::result::ZipError;
use zip::write::SimpleFileOptions;

use crate::audit::pack::decisions::{Named, named_by};
use crate::audit::pack::forms::Form;
use crate::audit::pack::{
    CHAIN, DECISIONS, FORMAT, HASHES, HASHING, META, Meta, Proof, Range, SIGNING,
};
use crate::audit::signature::hexadecimal;
use crate::clock::Timestamp;
use crate::store::audits::AuditRow;
use crate::store::{ChainHead, Reader, StoreError, at_one_moment, audits, checkpoints, decisions};

/// What is to be in a pack.
#[derive(Debug, Clone)]
pub(in crate::audit) struct Request {
    /// Who asked.
    pub(in crate::audit) principal: String,
    /// When, and so what `now` means.
    pub(in crate::audit) at: String,
    /// The earliest time.
    pub(in crate::audit) from: Timestamp,
    /// The latest time.
    pub(in crate::audit) to: String,
    /// The fact that the pack was asked for, of which a checkpoint was made: the last row that can
    /// be in it.
    pub(in crate::audit) up_to: i64,
}

/// Why there is no pack. `Display` may be shown to a client.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The rows cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The pack cannot be written.
    #[error("the evidence could not be written to the disk; is it full?")]
    File(#[from] io::Error),
    /// What should prove the rows is not there.
    #[error("the audit chain has a hole; run `lukhas-mcp audit verify`")]
    Hole,
}

impl From<ZipError> for WriteError {
    fn from(error: ZipError) -> Self {
        Self::File(error.into())
    }
}

/// Writes the pack, from the database as it is at one moment.
pub(in crate::audit) fn write<W: Write + Seek>(
    conn: &mut Reader,
    output: W,
    request: &Request,
) -> Result<W, WriteError> {
    at_one_moment(conn, |conn| {
        let piece = Piece::find(conn, request)?;
        let mut pack = Pack::new(output);
        pack.add_json(META, &piece.meta(request))?;
        for (name, form) in Form::all() {
            pack.add_rows(conn, name, form, &piece)?;
        }
        pack.add_decisions(conn, &piece)?;
        pack.add_json(CHAIN, &piece.proof(conn, request.up_to)?)?;
        pack.finish()
    })?
}

/// The rows of a pack: those after `before` up to `last`, perhaps none.
struct Piece {
    before: i64,
    last: i64,
}

impl Piece {
    fn find(conn: &mut Reader, request: &Request) -> Result<Self, WriteError> {
        let (before, last) = audits::range(conn, &request.from.to_string(), &request.to)?;
        // Rows that came between the two moments are not in the pack.
        let last = last.min(request.up_to);
        Ok(Self { before: before.min(last), last })
    }

    fn rows(&self) -> i64 {
        self.last - self.before
    }

    fn meta(&self, request: &Request) -> Meta {
        let is_empty = self.rows() == 0;
        Meta {
            format: FORMAT.to_owned(),
            generator: concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned(),
            generated_at: request.at.clone(),
            principal: request.principal.clone(),
            range: Range { from: request.from.to_string(), to: request.to.clone() },
            rows: self.rows(),
            first: (!is_empty).then_some(self.before + 1),
            last: (!is_empty).then_some(self.last),
        }
    }

    fn proof(&self, conn: &mut Reader, up_to: i64) -> Result<Proof, WriteError> {
        // The row after the last shows that the piece is not cut short; the fact that the pack was
        // asked for has none after it.
        let next = (self.last + 1).min(up_to);
        let cover = checkpoints::covering(conn, next)?.ok_or(WriteError::Hole)?;
        let mut until_checkpoint = Vec::new();
        audits::each::<WriteError>(conn, self.last + 1, cover.size, |row| {
            until_checkpoint.push(row);
            Ok(())
        })?;
        let mut row_before = None;
        audits::each::<WriteError>(conn, self.before, self.before, |row| {
            row_before = Some(row);
            Ok(())
        })?;
        Ok(Proof {
            hashing: HASHING.to_owned(),
            signing: SIGNING.to_owned(),
            row_before,
            before: link(conn, self.before)?,
            last: link(conn, self.last)?,
            until_checkpoint,
            checkpoints: checkpoints::between(conn, self.before, cover.size)?,
        })
    }
}

/// The link at a place, of the row or, where that was removed, of the checkpoint in its place.
fn link(conn: &mut Reader, id: i64) -> Result<ChainHead, WriteError> {
    if id == 0 {
        return Ok(ChainHead::genesis());
    }
    if let Some(link) = audits::link(conn, id)? {
        return Ok(link);
    }
    let sealed = checkpoints::covering(conn, id)?.filter(|checkpoint| checkpoint.size == id);
    let sealed = sealed.ok_or(WriteError::Hole)?;
    Ok(ChainHead { id, hash: sealed.head })
}

/// A pack that is being written.
struct Pack<W: Write + Seek> {
    zip: ZipWriter<W>,
    hash: Sha256,
    hashes: String,
}

impl<W: Write + Seek> Pack<W> {
    fn new(output: W) -> Self {
        Self { zip: ZipWriter::new(output), hash: Sha256::new(), hashes: String::new() }
    }

    fn begin(&mut self, name: &str) -> Result<(), WriteError> {
        // Times are left out: what is in the pack says when it was made.
        let options = SimpleFileOptions::default()
            .compression_method(zip::CompressionMethod::Deflated)
            .unix_permissions(0o600)
            .large_file(true);
        self.zip.start_file(name, options)?;
        self.hash = Sha256::new();
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<(), WriteError> {
        self.hash.update(text);
        Ok(self.zip.write_all(text.as_bytes())?)
    }

    fn end(&mut self, name: &str) {
        let hash = std::mem::take(&mut self.hash).finalize();
        self.hashes.extend([&*hexadecimal(&hash), "  ", name, "\n"]);
    }

    /// Adds a file that is small enough to be held.
    fn add_json(&mut self, name: &str, content: &impl Serialize) -> Result<(), WriteError> {
        let text = serde_json::to_string_pretty(content).map_err(io::Error::from)?;
        self.begin(name)?;
        self.push(&text)?;
        self.push("\n")?;
        self.end(name);
        Ok(())
    }

    fn add_rows(
        &mut self,
        conn: &mut Reader,
        name: &str,
        mut form: Form,
        piece: &Piece,
    ) -> Result<(), WriteError> {
        self.begin(name)?;
        self.push(form.head())?;
        let (mut text, mut rows) = (String::new(), 0);
        audits::each::<WriteError>(conn, piece.before + 1, piece.last, |row: AuditRow| {
            text.clear();
            form.row(&row, &mut text);
            rows += 1;
            self.push(&text)
        })?;
        self.push(form.tail())?;
        self.end(name);
        if rows == piece.rows() { Ok(()) } else { Err(WriteError::Hole) }
    }

    /// Adds the records that the rows name; each is read when its turn comes.
    fn add_decisions(&mut self, conn: &mut Reader, piece: &Piece) -> Result<(), WriteError> {
        let mut named = Vec::new();
        audits::each::<WriteError>(conn, piece.before + 1, piece.last, |row: AuditRow| {
            named.extend(named_by(&row));
            Ok(())
        })?;
        self.begin(DECISIONS)?;
        self.push("[")?;
        for (n, Named { decision_id, .. }) in named.iter().enumerate() {
            let record = match decisions::find(conn, decision_id) {
                Err(StoreError::NotFound) => return Err(WriteError::Hole),
                found => found?,
            };
            let text = serde_json::to_string(&record).map_err(io::Error::from)?;
            self.push(if n == 0 { "\n" } else { ",\n" })?;
            self.push(&text)?;
        }
        self.push("\n]\n")?;
        self.end(DECISIONS);
        Ok(())
    }

    fn finish(mut self) -> Result<W, WriteError> {
        let hashes = std::mem::take(&mut self.hashes);
        self.begin(HASHES)?;
        self.push(&hashes)?;
        Ok(self.zip.finish()?)
    }
}
