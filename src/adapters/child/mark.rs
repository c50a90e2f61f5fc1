//! Which processes carry a mark? One in the environment, which whatever they start has as well,
//! in whichever session it is.

use std::fs;
use std::io;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

/// The variable with the mark.
pub(super) const MARK: &str = "LUKHAS_MCP_PROCESS";

/// Sends a signal, if there is one, to every process with the mark, and says how many there are.
pub(super) fn signal_marked(token: &str, signal: Option<Signal>) -> io::Result<usize> {
    let mut count = 0;
    for entry in fs::read_dir("/proc")? {
        let name = entry?.file_name();
        let number = name.to_str().and_then(|name| name.parse::<i32>().ok());
        let Some(pid) = number.and_then(Pid::from_raw).filter(|pid| has_mark(*pid, token)) else {
            continue;
        };
        // The descriptor names one process for ever, and that one is looked at again: between the
        // first look and the opening, the number may have become somebody else's.
        let Ok(process) = pidfd_open(pid, PidfdFlags::empty()) else { continue };
        if has_mark(pid, token) {
            count += 1;
            // One that is gone by now needs no signal; one that may not be signalled is still
            // there at the next look.
            if let Some(signal) = signal {
                let _ = pidfd_send_signal(&process, signal);
            }
        }
    }
    Ok(count)
}

/// Whether a process that still runs has the mark. Other people's processes show no environment,
/// and one that was not waited for has none.
fn has_mark(pid: Pid, token: &str) -> bool {
    let environment = fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()));
    let Ok(environment) = environment else { return false };
    let marked = |entry: &[u8]| {
        let value = entry.strip_prefix(MARK.as_bytes()).and_then(|rest| rest.strip_prefix(b"="));
        value == Some(token.as_bytes())
    };
    environment.split(|byte| *byte == 0).any(marked)
}
