//! `report`: the report of a thing, as a file or on standard output.

use std::io::{IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use tempfile::NamedTempFile;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::session::{Session, print_bytes, say};

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    Json,
    Md,
    Csv,
}

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// The job, canary or model
    id: String,
    /// What it is written in; `--json` means the first
    #[arg(long, value_enum, default_value = "md")]
    format: Format,
    /// Where to put it, whole or not at all [default: standard output]
    #[arg(long, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let format = match (session.json, self.format) {
            (true, _) | (_, Format::Json) => "json",
            (_, Format::Md) => "md",
            (_, Format::Csv) => "csv",
        };
        let path = format!("/api/report/{}", path_segment(&self.id)?);
        let report = session.daemon.download(&path, &[("format", format)]).await?;
        match &self.output {
            Some(file) => {
                write(file, &report)?;
                say(&format!("the report was written to {}", file.display()));
                Ok(())
            }
            // A file or another program gets the bytes that the digest is of.
            None if std::io::stdout().is_terminal() => {
                session.print_text(&String::from_utf8_lossy(&report))
            }
            None => print_bytes(&report),
        }
    }
}

/// An id as a part of a path; those of jobs, canaries and models need no escaping.
fn path_segment(id: &str) -> Result<&str, Failure> {
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:".contains(&byte);
    let is_name = !id.is_empty() && id.bytes().all(is_id) && !matches!(id, "." | "..");
    let wrong = "the id of a job, a canary or a model has letters, digits, `_`, `-`, `.` and `:`";
    if is_name { Ok(id) } else { Err(Failure::usage(wrong)) }
}

/// Writes a file, whole or not at all.
fn write(file: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let wrong = |error: std::io::Error| Failure::other("write the report", &error);
    let directory = file.parent().filter(|parent| !parent.as_os_str().is_empty());
    let directory = directory.unwrap_or(Path::new("."));
    let mut unfinished = NamedTempFile::new_in(directory).map_err(wrong)?;
    unfinished.write_all(bytes).map_err(wrong)?;
    unfinished.as_file().sync_all().map_err(wrong)?;
    unfinished.persist(file).map_err(|error| wrong(error.error))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ids_become_part_of_a_path() {
        for id in ["job_a-B", "ranker:1.2"] {
            assert_eq!(path_segment(id).unwrap(), id);
        }
        for no_id in ["", "..", "a/b", "a?b", "a b", "ä"] {
            assert!(path_segment(no_id).is_err(), "{no_id}");
        }
    }
}
