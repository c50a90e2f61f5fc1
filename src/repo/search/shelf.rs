//! The directory in which the index is kept between runs: a file for each segment, and a manifest
//! that says which of them count. Nothing in it is needed: what is missing, damaged or of another
//! repository is made anew.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::segment::{Segment, open};
use crate::repo::ContentDigest;

/// Rises when the files of the index are written in another way, or the words of a text are.
const FORMAT: u32 = 2;

const MANIFEST: &str = "manifest.json";

/// The directory of the index.
#[derive(Debug)]
pub(super) struct Shelf {
    directory: PathBuf,
    /// The repository that is indexed.
    root: u64,
    /// For the name of the next file.
    next: u64,
}

/// A segment and the file it is kept in.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) segment: Arc<Segment>,
    /// None if it is only in memory.
    pub(super) file: Option<KeptFile>,
}

/// The file of a segment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptFile {
    name: String,
    sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    root: u64,
    segments: Vec<KeptFile>,
    /// Of the line without this.
    checksum: String,
}

/// Why what was kept cannot be used.
#[derive(Debug, thiserror::Error)]
pub(super) enum ShelfError {
    /// It was written by another version.
    #[error("it was written in another format")]
    Format,
    /// It is of another directory.
    #[error("it is of another repository")]
    OtherRoot,
    /// It is not what was written.
    #[error("it is damaged")]
    Damaged,
    /// The directory cannot be used.
    #[error("its directory cannot be used ({})", .0.kind())]
    Io(#[from] io::Error),
}

impl Shelf {
    /// Makes the directory if there is none. Only the owner may look into it.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn open(directory: &Path, root: u64) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt as _;

        fs::DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
        let mut shelf = Self { directory: directory.to_owned(), root, next: 0 };
        let numbers = shelf.files()?.into_iter().filter_map(|name| number_of(&name));
        shelf.next = numbers.max().map_or(0, |last| last + 1);
        Ok(shelf)
    }

    /// The segments that were kept, the oldest first; none if nothing was.
    ///
    /// # Errors
    /// What was kept cannot be used.
    pub(super) fn load(&self) -> Result<Vec<Kept>, ShelfError> {
        let text = match fs::read_to_string(self.directory.join(MANIFEST)) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                return Err(ShelfError::Damaged);
            }
            Err(error) => return Err(error.into()),
        };
        let manifest: Manifest =
            serde_json::from_str(&text).map_err(|_not_json| ShelfError::Damaged)?;
        if manifest.format != FORMAT {
            return Err(ShelfError::Format);
        }
        if manifest.checksum != checksum(manifest.root, &manifest.segments) {
            return Err(ShelfError::Damaged);
        }
        if manifest.root != self.root {
            return Err(ShelfError::OtherRoot);
        }
        manifest.segments.into_iter().map(|file| self.open_segment(file)).collect()
    }

    fn open_segment(&self, file: KeptFile) -> Result<Kept, ShelfError> {
        if number_of(&file.name).is_none() {
            return Err(ShelfError::Damaged);
        }
        let digest: ContentDigest = file.sha256.parse().map_err(|_| ShelfError::Damaged)?;
        let opened = File::open(self.directory.join(&file.name));
        let opened = opened.map_err(|_missing| ShelfError::Damaged)?;
        let segment = open(opened, digest).map_err(|_unreadable| ShelfError::Damaged)?;
        Ok(Kept { segment: Arc::new(segment), file: Some(file) })
    }

    /// A new file for a segment, and its name.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn new_file(&mut self) -> io::Result<(String, File)> {
        let name = format!("segment-{}", self.next);
        self.next += 1;
        let path = self.directory.join(&name);
        let file = File::options().read(true).write(true).create_new(true).open(path)?;
        Ok((name, file))
    }

    /// Says which segments count from now on. Those that are only in memory are left out: what is in
    /// them is read again at the next start.
    ///
    /// # Errors
    /// It cannot be brought to the disk; then what counted before still does.
    pub(super) fn keep(&self, all: &[Kept]) -> io::Result<()> {
        let segments: Vec<KeptFile> = all.iter().filter_map(|kept| kept.file.clone()).collect();
        for KeptFile { name, .. } in &segments {
            File::open(self.directory.join(name))?.sync_all()?;
        }
        let checksum = checksum(self.root, &segments);
        let manifest = Manifest { format: FORMAT, root: self.root, segments, checksum };
        let new = self.directory.join(format!("{MANIFEST}.new"));
        let mut file = File::create(&new)?;
        serde_json::to_writer(&mut file, &manifest)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        fs::rename(&new, self.directory.join(MANIFEST))?;
        File::open(&self.directory)?.sync_all()?;
        self.remove_all_but(&manifest.segments)
    }

    /// Removes everything.
    ///
    /// # Errors
    /// A file cannot be removed.
    pub(super) fn clear(&self) -> io::Result<()> {
        match fs::remove_file(self.directory.join(MANIFEST)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.remove_all_but(&[])
    }

    /// Removes the segments that do not count. A search that still reads one has it open.
    fn remove_all_but(&self, kept: &[KeptFile]) -> io::Result<()> {
        let is_kept = |name: &String| kept.iter().any(|file| file.name == *name);
        for name in self.files()?.iter().filter(|name| !is_kept(name)) {
            fs::remove_file(self.directory.join(name))?;
        }
        Ok(())
    }

    /// The names of the files of segments.
    fn files(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.directory)? {
            let name = entry?.file_name();
            if let Some(name) = name.to_str().filter(|name| number_of(name).is_some()) {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }
}

impl KeptFile {
    pub(super) fn new(name: String, digest: ContentDigest) -> Self {
        Self { name, sha256: digest.to_string() }
    }
}

fn number_of(name: &str) -> Option<u64> {
    let number = name.strip_prefix("segment-")?;
    number.bytes().all(|byte| byte.is_ascii_digit()).then(|| number.parse().ok()).flatten()
}

fn checksum(root: u64, segments: &[KeptFile]) -> String {
    let mut text = format!("{FORMAT} {root}");
    for KeptFile { name, sha256 } in segments {
        text.extend(["\n", name, " ", sha256]);
    }
    ContentDigest::of(text.as_bytes()).to_string()
}
