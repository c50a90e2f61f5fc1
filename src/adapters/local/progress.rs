//! What a run says of its own progress: lines `LUKHAS_PROGRESS <0..1> <text>` on its stdout.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::regular_file::{self, Unread};
use super::tidy::Paths;
use crate::adapters::RunProgress;

const MARK: &str = "LUKHAS_PROGRESS";

/// The most that is read of an output at once. What a run wrote before that is skipped: the last
/// line counts, and a reader that falls behind would never catch up.
const MAX_BYTES: u64 = 256 * 1024;

/// The longest line that is looked at.
const MAX_LINE_BYTES: usize = 4 * 1024;

/// Reads an output from where it stopped the last time.
#[derive(Debug, Default)]
pub(super) struct ProgressReader {
    offset: u64,
    /// A line whose end is not written yet.
    begun: Vec<u8>,
    /// Whether what follows is the rest of a line that is not looked at.
    is_within_skipped_line: bool,
    latest: RunProgress,
}

impl ProgressReader {
    /// Reads on, and says where the run stands by its own account.
    pub(super) fn read_on(&mut self, log: &Path, paths: &Paths) -> io::Result<RunProgress> {
        match regular_file::open(log) {
            Ok(file) => self.read_from(file, paths)?,
            Err(Unread::Absent) => {}
            Err(unread) => return Err(unread.into()),
        }
        Ok(self.latest.clone())
    }

    fn read_from(&mut self, mut file: File, paths: &Paths) -> io::Result<()> {
        let length = file.metadata()?.len();
        if length < self.offset {
            // The run cut its own output.
            *self = Self { latest: std::mem::take(&mut self.latest), ..Self::default() };
        }
        if length - self.offset > MAX_BYTES {
            self.offset = length - MAX_BYTES;
            self.begun.clear();
            self.is_within_skipped_line = true;
        }
        if length == self.offset {
            return Ok(());
        }
        file.seek(SeekFrom::Start(self.offset))?;
        let mut read = Vec::new();
        file.take(MAX_BYTES).read_to_end(&mut read)?;
        self.offset += read.len() as u64;
        self.take_in(&read, paths);
        Ok(())
    }

    fn take_in(&mut self, read: &[u8], paths: &Paths) {
        for piece in read.split_inclusive(|byte| *byte == b'\n') {
            if !self.is_within_skipped_line {
                self.begun.extend_from_slice(piece);
            }
            if piece.ends_with(b"\n") {
                if let Some(progress) = parse(&self.begun, paths) {
                    self.latest = progress;
                }
                self.begun.clear();
                self.is_within_skipped_line = false;
            } else if self.begun.len() > MAX_LINE_BYTES {
                self.begun.clear();
                self.is_within_skipped_line = true;
            }
        }
    }
}

/// Reads a line, if it is one about progress.
fn parse(line: &[u8], paths: &Paths) -> Option<RunProgress> {
    if line.len() > MAX_LINE_BYTES {
        return None;
    }
    let line = String::from_utf8_lossy(line);
    let said = line.trim().strip_prefix(MARK)?.strip_prefix([' ', '\t'])?.trim_start();
    let (fraction, text) = said.split_once([' ', '\t']).unwrap_or((said, ""));
    let fraction: f64 = fraction.parse().ok().filter(|number: &f64| number.is_finite())?;
    let text = Some(paths.tidy(text)).filter(|text| !text.is_empty());
    Some(RunProgress { fraction: Some(fraction.clamp(0.0, 1.0)), text })
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;
    use std::path::PathBuf;

    use super::*;

    struct Log {
        _directory: tempfile::TempDir,
        path: PathBuf,
        reader: ProgressReader,
    }

    impl Log {
        fn new() -> Self {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("stdout.log");
            Self { _directory: directory, path, reader: ProgressReader::default() }
        }

        fn append(&self, text: &str) {
            let mut file = OpenOptions::new().create(true).append(true).open(&self.path).unwrap();
            file.write_all(text.as_bytes()).unwrap();
        }

        fn progress(&mut self) -> (Option<f64>, Option<String>) {
            let progress = self.reader.read_on(&self.path, &Paths::default()).unwrap();
            (progress.fraction, progress.text)
        }
    }

    fn said(fraction: f64, text: &str) -> (Option<f64>, Option<String>) {
        (Some(fraction), Some(text.to_owned()))
    }

    #[test]
    fn the_last_whole_line_counts() {
        let mut log = Log::new();
        assert_eq!(log.progress(), (None, None));
        log.append("hello\nLUKHAS_PROGRESS 0.25 loading\nnoise\nLUKHAS_PROGRESS 0.5 scor");
        assert_eq!(log.progress(), said(0.25, "loading"));
        log.append("ing\r\n");
        assert_eq!(log.progress(), said(0.5, "scoring"));
        log.append("LUKHAS_PROGRESS 1\n");
        assert_eq!(log.progress(), (Some(1.0), None));
    }

    #[test]
    fn what_is_no_progress_changes_nothing() {
        let mut log = Log::new();
        log.append("LUKHAS_PROGRESS 0.5 half\n");
        for line in [
            "LUKHAS_PROGRESS",
            "LUKHAS_PROGRESS nan x",
            "LUKHAS_PROGRESS inf",
            "LUKHAS_PROGRESSED 1",
            "LUKHAS_PROGRESS half x",
            "x LUKHAS_PROGRESS 1",
        ] {
            log.append(&format!("{line}\n"));
        }
        assert_eq!(log.progress(), said(0.5, "half"));
        log.append("LUKHAS_PROGRESS 7 \u{1b}[1mtoo far\u{1b}[0m\n");
        assert_eq!(log.progress(), said(1.0, "too far"));
    }

    #[test]
    fn a_flood_is_skipped_and_the_end_of_it_read() {
        let mut log = Log::new();
        log.append("LUKHAS_PROGRESS 0.1 begun\n");
        assert_eq!(log.progress(), said(0.1, "begun"));
        log.append(&"x".repeat(600_000));
        assert_eq!(log.progress(), said(0.1, "begun"));
        assert!(log.reader.begun.len() <= MAX_LINE_BYTES);
        log.append("LUKHAS_PROGRESS 0.2 is part of the long line\nLUKHAS_PROGRESS 0.3 after it\n");
        assert_eq!(log.progress(), said(0.3, "after it"));
        log.append(&format!("{}\nLUKHAS_PROGRESS 0.4 the end\n", "y\n".repeat(300_000)));
        assert_eq!(log.progress(), said(0.4, "the end"));
    }

    #[test]
    fn an_output_that_was_cut_is_read_from_its_beginning() {
        let mut log = Log::new();
        log.append("LUKHAS_PROGRESS 0.9 nearly there, as it seems\n");
        assert_eq!(log.progress(), said(0.9, "nearly there, as it seems"));
        fs::write(&log.path, "LUKHAS_PROGRESS 0.1 anew\n").unwrap();
        assert_eq!(log.progress(), said(0.1, "anew"));
    }
}
