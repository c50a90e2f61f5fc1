//! How long the disk takes to keep something: the floor under every durable write.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result};

use crate::stats::{microseconds, percentile};

const APPENDS: usize = 200;
const BLOCK: [u8; 4096] = [0x5a; 4096];
/// `f_type` of a file system that lives in memory, where a sync costs nothing.
const TMPFS: i64 = 0x0102_1994;

/// The median time, in microseconds, of `fdatasync` after an append of 4 KiB.
pub fn fdatasync_microseconds(directory: &Path) -> Result<f64> {
    let path = directory.join("fdatasync.probe");
    let mut file = File::create(&path).context("creating the probe file")?;
    let mut times = Vec::with_capacity(APPENDS);
    for _ in 0..APPENDS {
        file.write_all(&BLOCK)?;
        let began = Instant::now();
        file.sync_data()?;
        times.push(microseconds(began.elapsed()));
    }
    std::fs::remove_file(&path)?;
    percentile(&times, 50).context("no append was timed")
}

/// Whether a directory lies in memory.
pub fn is_in_memory(directory: &Path) -> Result<bool> {
    Ok(rustix::fs::statfs(directory).context("asking for the file system")?.f_type == TMPFS)
}
