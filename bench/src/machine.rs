//! Facts without which figures mean nothing: the machine, its load, the programs.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::bench::Bench;
use crate::disk::{fdatasync_microseconds, is_in_memory};

/// Where nginx looks for its modules on Debian and elsewhere.
const MODULE_DIRECTORIES: [&str; 3] =
    ["/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules"];
/// Not in every user's search path.
const SYSTEM_PROGRAMS: [&str; 2] = ["/usr/sbin", "/usr/local/sbin"];

/// The first program of this name in the search path.
pub fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SYSTEM_PROGRAMS.map(PathBuf::from))
        .map(|directory| directory.join(name))
        .find(|candidate| candidate.is_file())
}

/// nginx and its nchan module, if both are there.
pub fn find_nchan() -> Option<(PathBuf, PathBuf)> {
    let module = MODULE_DIRECTORIES
        .iter()
        .map(|directory| Path::new(directory).join("ngx_nchan_module.so"))
        .find(|candidate| candidate.is_file())?;
    Some((find_program("nginx")?, module))
}

/// Allows this process and those it starts as many open files as the system grants.
pub fn raise_open_files() -> Result<()> {
    let maximum = getrlimit(Resource::Nofile).maximum;
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum })
        .context("raising the limit of open files")
}

/// The facts, name and value.
pub fn facts(bench: &Bench, revision: &str) -> Result<Vec<(String, String)>> {
    let sync = fdatasync_microseconds(&bench.scratch)?;
    let disk = if is_in_memory(&bench.scratch)? { " (in memory: proves nothing)" } else { "" };
    let cores = std::thread::available_parallelism().context("counting cores")?;
    let mut facts = vec![
        ("revision", revision.to_owned()),
        ("processor", format!("{} × {}", cores, processor())),
        ("kernel", one_line("/proc/sys/kernel/osrelease")),
        ("load before", one_line("/proc/loadavg")),
        ("fdatasync of a 4 KiB append, p50", format!("{sync:.0} µs{disk}")),
    ];
    if let Some(wrk) = &bench.wrk {
        facts.push(("wrk", first_line(Command::new(wrk).arg("-v"))));
    }
    if let Some((nginx, _)) = &bench.nginx {
        facts.push(("nginx with nchan", first_line(Command::new(nginx).arg("-v"))));
    }
    Ok(facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

fn processor() -> String {
    let text = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = text.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(':')).map(|(_, name)| name.trim());
    model.unwrap_or("unknown").to_owned()
}

fn one_line(path: &str) -> String {
    fs::read_to_string(path).map_or_else(|_| "unknown".to_owned(), |text| text.trim().to_owned())
}

/// What a program says first, on either of its outputs.
fn first_line(command: &mut Command) -> String {
    let Ok(output) = command.output() else { return "unknown".to_owned() };
    let text = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&text).lines().next().unwrap_or("unknown").to_owned()
}
