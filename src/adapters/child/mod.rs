//! The programs that the daemon talks to over their standard input and output: how one is started,
//! ended, and found again by a daemon that did not start it.
//!
//! # Invariants
//!
//! 1. A program sees the environment that it was given, and no open file of the daemon's.
//! 2. It is a session of its own, so that a signal reaches whatever it started.
//! 3. It carries a mark that no other process has, so that what left the session is found as well.
//! 4. No process is signalled by its number alone.

mod end;
mod exec;
mod mark;

use std::collections::BTreeMap;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout, Command};

pub use self::end::{Leftover, reap};
pub use self::exec::{ExecServerError, exec_server};
use self::mark::MARK;
use crate::adapters::process::ProcessIdentity;

/// What the daemon's own program is called with to become another one.
pub const EXEC_SERVER: &str = "exec-server";

/// Variables of the daemon's that every program gets.
const PASSED: [&str; 5] = ["HOME", "LANG", "PATH", "TMPDIR", "USER"];

/// What is started.
#[derive(Debug, Clone, Copy)]
pub struct Launch<'a> {
    /// The daemon's own program, which becomes the other one.
    pub daemon: &'a Path,
    /// The program: an absolute path.
    pub program: &'a Path,
    /// Its arguments.
    pub args: &'a [String],
    /// What its environment has beside the few variables that all get.
    pub env: &'a BTreeMap<String, SecretString>,
    /// Where it starts; absent, where the daemon did.
    pub cwd: Option<&'a Path>,
    /// Its mark, which nobody can guess.
    pub token: &'a str,
}

/// A program that was started, and the other ends of its pipes.
#[derive(Debug)]
pub struct Started {
    /// The program.
    pub child: Child,
    /// What it reads.
    pub stdin: ChildStdin,
    /// What it says.
    pub stdout: ChildStdout,
    /// What it says beside that.
    pub stderr: ChildStderr,
}

/// A program that was started. Dropped without being ended, its first process is killed.
#[derive(Debug)]
pub struct Child {
    process: tokio::process::Child,
    identity: ProcessIdentity,
    token: String,
}

/// How long each step of an end may take.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// How long it may go on when its input ended.
    pub input_ended: Duration,
    /// How long after it was asked to stop; it is killed then.
    pub asked: Duration,
}

impl Launch<'_> {
    /// Starts it.
    ///
    /// The calling thread must live as long as the program shall: the kernel ends the program with
    /// the thread that started it, which is how it ends with the daemon.
    ///
    /// # Errors
    /// It cannot be started. What goes wrong after that, such as a program that is no program, is
    /// said on its standard error.
    pub fn start(&self) -> io::Result<Started> {
        let passed = PASSED.iter().filter_map(|name| Some((name, std::env::var_os(name)?)));
        let mut command = Command::new(self.daemon);
        command
            .arg(EXEC_SERVER)
            .arg(std::process::id().to_string())
            .arg(self.program)
            .args(self.args)
            .env_clear()
            .envs(passed)
            .envs(self.env.iter().map(|(name, value)| (name, value.expose_secret())))
            .env(MARK, self.token)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if let Some(cwd) = self.cwd {
            command.current_dir(cwd);
        }
        let mut process = command.spawn()?;
        // It was not waited for, so its number is its own even if it is over already.
        let number = process.id().and_then(|id| i32::try_from(id).ok());
        let identity = ProcessIdentity::of(number.ok_or(io::ErrorKind::NotFound)?)?;
        let ends = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(stdin), Some(stdout), Some(stderr)) = ends else {
            return Err(io::ErrorKind::BrokenPipe.into());
        };
        let child = Child { process, identity, token: self.token.to_owned() };
        Ok(Started { child, stdin, stdout, stderr })
    }
}

impl Child {
    /// What a later daemon needs in order to find it, as text.
    pub fn identity(&self) -> String {
        // A number, a number and a word can be written.
        serde_json::to_string(&self.identity).unwrap_or_default()
    }

    /// Waits until its first process is over, and says how it ended.
    ///
    /// # Errors
    /// The kernel does not say.
    pub async fn ended(&mut self) -> io::Result<String> {
        Ok(self.process.wait().await?.to_string())
    }

    /// Ends it and all that it started: first by patience, since its input has ended, then by
    /// asking, then for good. Answers when nothing of it is left.
    ///
    /// # Errors
    /// The kernel does not say what is left, or something cannot be ended.
    pub async fn end(mut self, patience: Patience) -> io::Result<()> {
        let in_time = tokio::time::timeout(patience.input_ended, self.process.wait()).await;
        let leftover = Leftover { token: self.token, identity: Some(self.identity) };
        let rest = tokio::task::spawn_blocking(move || reap(&[leftover], patience.asked));
        rest.await.map_err(io::Error::other)??;
        if in_time.is_err() {
            // Somebody has to wait for the first process, or it stays in the list as a zombie.
            self.process.wait().await?;
        }
        Ok(())
    }
}

/// Whether a file is there that may be run.
pub fn is_program(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    let is_runnable = |found: std::fs::Metadata| found.permissions().mode() & 0o111 != 0;
    path.is_absolute() && path.is_file() && path.metadata().is_ok_and(is_runnable)
}
