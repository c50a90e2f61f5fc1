//! What the kernel says about the processes that the daemon started: who lives, who belongs
//! together, and how to reach all of them at once.
//!
//! A process id alone names nobody, because ids are used again. A process is named by its id, the
//! tick at which it started and the boot it belongs to. A run, or a server, is a session of its
//! own, so that whatever it starts, in whichever process group, is found until it leaves the
//! session on purpose.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process_group};
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// A process, for as long as the machine runs and beyond.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProcessIdentity {
    pid: i32,
    start_ticks: u64,
    boot_id: String,
}

impl ProcessIdentity {
    /// Names the calling process.
    pub(super) fn own() -> io::Result<Self> {
        Self::of(rustix::process::getpid().as_raw_nonzero().get())
    }

    /// Names a process that was just started, and nobody has waited for yet.
    pub(super) fn of(pid: i32) -> io::Result<Self> {
        let stat = Stat::read(pid)?.ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { pid, start_ticks: stat.start_ticks, boot_id: boot_id()? })
    }

    /// Says whether the process still runs. One that ended and was not waited for does not.
    pub(super) fn is_alive(&self) -> io::Result<bool> {
        if self.is_of_an_earlier_boot()? {
            return Ok(false);
        }
        let stat = Stat::read(self.pid)?;
        Ok(stat.is_some_and(|stat| stat.start_ticks == self.start_ticks && stat.lives()))
    }

    /// Says whether the machine was started anew since.
    pub(super) fn is_of_an_earlier_boot(&self) -> io::Result<bool> {
        Ok(boot_id()? != self.boot_id)
    }

    /// How long ago the process started, by a clock that nobody sets.
    pub(super) fn age(&self) -> Duration {
        let ticks_per_second = rustix::param::clock_ticks_per_second().max(1);
        let rest = self.start_ticks % ticks_per_second * 1_000 / ticks_per_second;
        let started =
            Duration::from_secs(self.start_ticks / ticks_per_second) + Duration::from_millis(rest);
        time_since_boot().saturating_sub(started)
    }

    /// Sends a signal to every process of the session that this process leads, or led, and says
    /// whether there was any.
    pub(super) fn signal_session(&self, signals: &[Signal]) -> io::Result<bool> {
        let groups = self.session_groups()?;
        for group in groups.iter().filter_map(|group| Pid::from_raw(*group)) {
            for signal in signals {
                match kill_process_group(group, *signal) {
                    // A group that is gone by now needs no signal; one that may not be signalled
                    // is still there at the next look.
                    Ok(()) | Err(Errno::SRCH | Errno::PERM) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(!groups.is_empty())
    }

    /// The process groups with living processes in the session.
    ///
    /// The kernel gives no id away that still names a session. Therefore, if the leader's id
    /// belongs to another process now, nothing of the session is left.
    fn session_groups(&self) -> io::Result<BTreeSet<i32>> {
        let mut groups = BTreeSet::new();
        if self.is_of_an_earlier_boot()? {
            return Ok(groups);
        }
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
                continue;
            };
            let Some(stat) = Stat::read(pid)? else { continue };
            if pid == self.pid && stat.start_ticks != self.start_ticks {
                return Ok(BTreeSet::new());
            }
            if stat.session == self.pid && stat.lives() {
                groups.insert(stat.group);
            }
        }
        Ok(groups)
    }
}

/// How long the machine has been up, sleep included.
pub(super) fn time_since_boot() -> Duration {
    let now = clock_gettime(ClockId::Boottime);
    // Both parts of the time since boot are positive.
    Duration::new(
        u64::try_from(now.tv_sec).unwrap_or_default(),
        u32::try_from(now.tv_nsec).unwrap_or_default(),
    )
}

/// Closes all but the standard streams. The daemon opens nothing that a child could inherit, but may
/// have been given something itself: a socket by systemd, a channel by a process manager.
pub(super) fn close_inherited_files() -> io::Result<()> {
    let name = |entry: io::Result<fs::DirEntry>| entry.map(|entry| entry.file_name());
    let names = fs::read_dir("/proc/self/fd")?.map(name).collect::<io::Result<Vec<_>>>()?;
    let numbers = names.iter().filter_map(|name| name.to_str()?.parse::<i32>().ok());
    for number in numbers.filter(|number| *number > 2) {
        match nix::unistd::close(number) {
            // The listing's own descriptor is closed already.
            Ok(()) | Err(nix::errno::Errno::EBADF) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

fn boot_id() -> io::Result<String> {
    Ok(fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

/// The few fields of `/proc/<pid>/stat` that matter here.
#[derive(Debug, PartialEq, Eq)]
struct Stat {
    state: u8,
    group: i32,
    session: i32,
    start_ticks: u64,
}

impl Stat {
    /// Reads the fields of a process, or nothing if there is no such process.
    fn read(pid: i32) -> io::Result<Option<Self>> {
        let text = match fs::read(format!("/proc/{pid}/stat")) {
            Ok(text) => text,
            Err(error) if is_gone(&error) => return Ok(None),
            Err(error) => return Err(error),
        };
        let stat = Self::parse(&text).ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidData, "the kernel's process status is unreadable")
        })?;
        Ok(Some(stat))
    }

    /// The name of the program stands in parentheses and may itself contain some, and spaces.
    fn parse(text: &[u8]) -> Option<Self> {
        let end_of_name = text.iter().rposition(|byte| *byte == b')')?;
        let rest = std::str::from_utf8(text.get(end_of_name + 1..)?).ok()?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        Some(Self {
            state: *fields.first()?.as_bytes().first()?,
            group: fields.get(2)?.parse().ok()?,
            session: fields.get(3)?.parse().ok()?,
            start_ticks: fields.get(19)?.parse().ok()?,
        })
    }

    fn lives(&self) -> bool {
        !matches!(self.state, b'Z' | b'X' | b'x')
    }
}

/// A process can end between the opening and the reading of its status.
fn is_gone(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::NotFound
        || error.raw_os_error() == Some(Errno::SRCH.raw_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_whose_name_looks_like_fields_is_read_right() {
        let text =
            b"42 (a) R 1 (b) S 7 8 9 0 -1 4194304 98 0 0 0 1 2 0 0 20 0 1 0 145326 3133 393 1";
        let expected = Stat { state: b'S', group: 8, session: 9, start_ticks: 145_326 };
        assert_eq!(Stat::parse(text), Some(expected));
        assert_eq!(Stat::parse(b"42 (cut"), None);
    }

    #[test]
    fn a_process_is_itself_only_with_its_start_and_its_boot() {
        let own = ProcessIdentity::own().unwrap();
        assert!(own.is_alive().unwrap());
        assert!(own.age() < Duration::from_hours(1));
        let of_another_start = ProcessIdentity { start_ticks: own.start_ticks + 1, ..own.clone() };
        assert!(!of_another_start.is_alive().unwrap());
        assert!(of_another_start.session_groups().unwrap().is_empty());
        let of_another_boot = ProcessIdentity { boot_id: "another".to_owned(), ..own };
        assert!(!of_another_boot.is_alive().unwrap());
        assert!(of_another_boot.session_groups().unwrap().is_empty());
    }

    #[test]
    fn a_process_that_was_not_waited_for_is_over() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let pid = i32::try_from(child.id()).unwrap();
        let deadline = time_since_boot() + Duration::from_secs(10);
        while Stat::read(pid).unwrap().is_some_and(|stat| stat.lives()) {
            assert!(time_since_boot() < deadline, "the child did not end");
            std::thread::yield_now();
        }
        assert_eq!(Stat::read(pid).unwrap().map(|stat| stat.state), Some(b'Z'));
        child.wait().unwrap();
        assert_eq!(Stat::read(pid).unwrap(), None);
    }
}
