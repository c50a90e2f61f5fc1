//! Asking for evidence: the asking is recorded and sealed, then the pack is written to a file of its
//! own.

use std::collections::HashSet;
use std::io::{Read, Seek as _, SeekFrom};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::audit::facts;
use crate::audit::keeper::CheckpointPolicy;
use crate::audit::pack::{self, WriteError};
use crate::audit::range::EvidenceRange;
use crate::store::{Store, StoreError};

/// How many packs there may be at once: being written, or on their way to a reader.
const AT_ONCE: usize = 4;

/// Why there is no pack. `Display` may be shown to a client.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// There are as many as there may be.
    #[error(
        "an export of this key, or {AT_ONCE} of others, are under way; try again when it is over"
    )]
    Busy,
    /// It could not be written.
    #[error(transparent)]
    Failed(#[from] WriteError),
}

impl From<StoreError> for ExportError {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.into())
    }
}

impl ExportError {
    /// Whether the same request may succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Busy => true,
            Self::Failed(WriteError::Store(error)) => error.is_transient(),
            Self::Failed(WriteError::File(_) | WriteError::Hole) => false,
        }
    }
}

/// The door to evidence; cheap to clone.
#[derive(Clone)]
pub struct Exports {
    store: Store,
    policy: CheckpointPolicy,
    /// Where packs lie while they are written and read; without a name, so that none is left.
    directory: PathBuf,
    askers: Arc<Mutex<HashSet<String>>>,
    /// One pack is written at a time: it holds a reader's connection for as long as that takes.
    pen: Arc<Semaphore>,
}

/// A pack, to be read from its beginning.
pub struct Pack {
    /// Its bytes, in a file without a name that is gone when this is.
    pub content: Box<dyn Read + Send>,
    /// Its length in bytes.
    pub length: u64,
    /// The name that a reader may give it.
    pub name: String,
    /// Kept for as long as it is read.
    pub seat: Seat,
}

/// A place among those who may have a pack.
#[derive(Debug)]
pub struct Seat {
    askers: Arc<Mutex<HashSet<String>>>,
    principal: String,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.askers.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.principal);
    }
}

impl Exports {
    /// Opens the door. Packs are written below `directory`.
    pub fn new(store: Store, policy: CheckpointPolicy, directory: PathBuf) -> Self {
        let pen = Arc::new(Semaphore::new(1));
        Self { store, policy, directory, askers: Arc::default(), pen }
    }

    fn take_seat(&self, principal: &str) -> Result<Seat, ExportError> {
        let mut askers = self.askers.lock().unwrap_or_else(PoisonError::into_inner);
        if AT_ONCE <= askers.len() || !askers.insert(principal.to_owned()) {
            return Err(ExportError::Busy);
        }
        Ok(Seat { askers: Arc::clone(&self.askers), principal: principal.to_owned() })
    }

    /// Records that `principal` asked, and writes the pack.
    ///
    /// The fact comes first, with a checkpoint of it: what is handed out is then always covered, and
    /// nothing is handed out unrecorded.
    ///
    /// # Errors
    /// [`ExportError::Busy`] at once; else what kept the pack from being written.
    pub async fn export(&self, principal: &str, range: EvidenceRange) -> Result<Pack, ExportError> {
        let seat = self.take_seat(principal)?;
        let request = self.record(principal.to_owned(), range).await?;
        let directory = self.directory.clone();
        let name = format!("evidence-{}.zip", request.at.replace([':', '.'], "-"));
        let pen = Arc::clone(&self.pen).acquire_owned().await;
        let write = self.store.read(move |conn| {
            // Kept until it is written, even if nobody waits for it any more.
            let _pen = pen;
            Ok(tempfile::tempfile_in(directory).map_err(WriteError::from).and_then(|file| {
                let mut file = pack::write(conn, file, &request)?;
                let length = file.stream_position()?;
                file.seek(SeekFrom::Start(0))?;
                Ok((file, length))
            }))
        });
        let (file, length) = write.await??;
        Ok(Pack { content: Box::new(file), length, name, seat })
    }

    async fn record(
        &self,
        principal: String,
        range: EvidenceRange,
    ) -> Result<pack::Request, StoreError> {
        let policy = self.policy.clone();
        let record = self.store.write(move |transaction| {
            let at = transaction.stamp().to_owned();
            let to = range.to.map_or_else(|| at.clone(), |to| to.to_string());
            let fact = facts::exported(&range.from.to_string(), &to);
            let up_to = fact.record_as(transaction, &principal)?;
            policy.make(transaction)?;
            Ok(pack::Request { principal: principal.clone(), at, from: range.from, to, up_to })
        });
        record.await
    }
}
