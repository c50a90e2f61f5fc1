//! What the kernel says about a process: processor time and memory.
//!
//! A server is a process and its direct children (nginx works in children; its parent only waits).

use std::fs;

use anyhow::{Context, Result, ensure};

use crate::stats::float;

/// Processor time so far of a server, user and system, all threads, in microseconds.
///
/// The kernel counts exactly but shows whole clock ticks (10 ms), so measure seconds.
pub fn cpu_microseconds(pid: u32) -> Result<f64> {
    let tick = 1e6 / float(rustix::param::clock_ticks_per_second());
    let mut ticks = 0;
    for member in members(pid)? {
        // A worker that ended since it was listed has no time left to count.
        if let Ok(line) = fs::read_to_string(format!("/proc/{member}/stat")) {
            ticks += cpu_ticks(&line)?;
        }
    }
    ensure!(ticks > 0 || members(pid)?.len() > 1 || alive(pid), "process {pid} has ended");
    Ok(float(ticks) * tick)
}

/// Resident memory of a server in KiB: anonymous pages of all members, and what they share once.
///
/// For a single process this is its `VmRSS`.
pub fn resident_kib(pid: u32) -> Result<f64> {
    let (mut anonymous, mut file, mut shared) = (0, 0, 0);
    for member in members(pid)? {
        let Ok(status) = fs::read_to_string(format!("/proc/{member}/status")) else { continue };
        anonymous += field_kib(&status, "RssAnon:")?;
        file = file.max(field_kib(&status, "RssFile:")?);
        shared = shared.max(field_kib(&status, "RssShmem:")?);
    }
    Ok(float(anonymous + file + shared))
}

/// Bytes that a server at `local` has handed to the kernel for the peers at `remote` ports and
/// that these have not taken yet.
pub fn unsent_bytes(local: u16, remote: &[u16]) -> Result<u64> {
    let table = fs::read_to_string("/proc/net/tcp").context("reading the table of connections")?;
    Ok(table.lines().skip(1).filter_map(|line| unsent_of(line, local, remote)).sum())
}

fn unsent_of(line: &str, local: u16, remote: &[u16]) -> Option<u64> {
    let mut words = line.split_ascii_whitespace().skip(1);
    let own = port_of(words.next()?)?;
    let peer = port_of(words.next()?)?;
    let queues = words.nth(1)?;
    let unsent = u64::from_str_radix(queues.split_once(':')?.0, 16).ok()?;
    (own == local && remote.contains(&peer)).then_some(unsent)
}

fn port_of(address: &str) -> Option<u16> {
    u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok()
}

fn alive(pid: u32) -> bool {
    fs::metadata(format!("/proc/{pid}")).is_ok()
}

fn members(pid: u32) -> Result<Vec<u32>> {
    let mut members = vec![pid];
    for entry in fs::read_dir("/proc").context("listing processes")? {
        let name = entry.context("listing processes")?.file_name();
        let Some(candidate) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else {
            continue;
        };
        // Processes come and go while they are listed.
        let Ok(line) = fs::read_to_string(format!("/proc/{candidate}/stat")) else { continue };
        if parent(&line) == Some(pid) {
            members.push(candidate);
        }
    }
    Ok(members)
}

/// The fields after the command name, which may itself hold spaces and brackets.
fn after_name(line: &str) -> Option<std::str::SplitAsciiWhitespace<'_>> {
    line.rsplit_once(')').map(|(_, rest)| rest.split_ascii_whitespace())
}

fn parent(line: &str) -> Option<u32> {
    after_name(line)?.nth(1)?.parse().ok()
}

fn cpu_ticks(line: &str) -> Result<u64> {
    let mut fields = after_name(line).context("a process line has a name in brackets")?;
    // Field 14 and 15 of the line; the third is the first after the name.
    let user: u64 = fields.nth(11).context("user time is missing")?.parse()?;
    let system: u64 = fields.next().context("system time is missing")?.parse()?;
    Ok(user + system)
}

fn field_kib(status: &str, name: &str) -> Result<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix(name))
        .with_context(|| format!("the kernel tells no {name}"))?;
    let value = line.split_ascii_whitespace().next().context("a field has a value")?;
    value.parse().with_context(|| format!("{name} is a number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_brackets_does_not_shift_the_fields() {
        let line = "42 (a) b (c) S 7 42 42 0 -1 4194560 100 0 0 0 31 11 0 0 20 0 4 0 100 1 1";
        assert_eq!(parent(line), Some(7));
        assert_eq!(cpu_ticks(line).unwrap(), 42);
    }

    #[test]
    fn own_memory_and_time_can_be_read() {
        let pid = std::process::id();
        assert!(resident_kib(pid).unwrap() > 100.0);
        assert!(cpu_microseconds(pid).is_ok());
    }

    #[test]
    fn unsent_bytes_are_those_of_the_named_connections_only() {
        let line = "  1: 0100007F:1F90 0100007F:C350 01 000000FF:00000000 00:00000000 00000000 0";
        assert_eq!(unsent_of(line, 8080, &[50000]), Some(255));
        assert_eq!(unsent_of(line, 8080, &[50001]), None);
        assert_eq!(unsent_of(line, 8081, &[50000]), None);
    }
}
