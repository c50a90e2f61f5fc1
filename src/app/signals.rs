//! The signals that end the daemon. SIGINT is treated like SIGTERM: process managers send either.

use tokio::signal::unix::{Signal, SignalKind, signal};

/// The exit code of an end that was asked for twice: 128 and the number of SIGTERM.
const AT_ONCE: i32 = 143;

/// Listens for SIGTERM and SIGINT.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    /// Starts listening.
    ///
    /// # Errors
    /// The handlers cannot be installed.
    pub fn listen() -> std::io::Result<Self> {
        let terminate = signal(SignalKind::terminate())?;
        let interrupt = signal(SignalKind::interrupt())?;
        Ok(Self { terminate, interrupt })
    }

    /// Waits for the next signal and names it.
    pub(super) async fn first(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }

    /// Has the next signal end the process without further ado.
    pub(super) fn second_ends_at_once(mut self) {
        actix::spawn(async move {
            self.first().await;
            std::process::exit(AT_ONCE);
        });
    }
}
