//! How is a server's program started and ended so that nothing of it is ever forgotten?
//!
//! A row says that it may run, from before it is started until nothing of it is left. What a daemon
//! that was killed left behind is found by that, and ended before anything else is started.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{ChildStderr, ChildStdin, ChildStdout};
use tracing::{info, warn};

use crate::adapters::child::{Child, Launch, Leftover, Patience, Started, reap};
use crate::config::chat::Transport;
use crate::mcp_servers::redact::Redactor;
use crate::store::mcp_processes::{self, OpenProcess};
use crate::store::{Store, StoreError};

/// How long each step of an end may take.
const PATIENCE: Patience =
    Patience { input_ended: Duration::from_secs(2), asked: Duration::from_secs(2) };

/// How many lines of what a program says beside its messages are logged in a minute.
const LINES_A_MINUTE: u32 = 60;

/// The longest such line that is kept, in bytes.
const LINE: usize = 500;

/// Why there is no program to talk to.
#[derive(Debug, thiserror::Error)]
pub(super) enum NoProcess {
    #[error("its program is not there, or may not be run")]
    NoProgram,
    #[error("its program cannot be started")]
    NotStarted(#[source] io::Error),
    #[error("an earlier process of it cannot be ended")]
    NotReaped(#[source] io::Error),
    #[error("that it runs cannot be noted")]
    Store(#[source] StoreError),
}

/// A program that runs, and the row that says so.
pub(super) struct Process {
    child: Child,
    token: String,
    store: Store,
    server: Arc<str>,
}

/// Ends what is left of the programs of a server, or of all servers.
pub(super) async fn reap_leftovers(store: &Store, server: Option<&str>) -> Result<(), NoProcess> {
    let open = store.read(mcp_processes::all_open).await.map_err(NoProcess::Store)?;
    let is_meant = |process: &OpenProcess| server.is_none_or(|server| process.server == server);
    let open: Vec<OpenProcess> = open.into_iter().filter(is_meant).collect();
    if open.is_empty() {
        return Ok(());
    }
    let leftovers: Vec<Leftover> = open
        .iter()
        .map(|process| Leftover::new(process.token.clone(), process.identity_json.as_deref()))
        .collect();
    let reaped = tokio::task::spawn_blocking(move || reap(&leftovers, PATIENCE.asked)).await;
    let count = reaped.map_err(io::Error::other).flatten().map_err(NoProcess::NotReaped)?;
    if count != 0 {
        info!(count, "programs of MCP servers were left over, and are ended");
    }
    let tokens: Vec<String> = open.into_iter().map(|process| process.token).collect();
    let closed =
        store.record(move |tx| tokens.iter().try_for_each(|token| mcp_processes::close(tx, token)));
    closed.await.map_err(NoProcess::Store)
}

/// Starts a server's program. It must be called on a thread that stays.
pub(super) async fn start(
    store: &Store,
    daemon: &Path,
    (server, redactor): (&Arc<str>, &Redactor),
    transport: &Transport,
) -> Result<(Process, ChildStdout, ChildStdin), NoProcess> {
    let Transport::Stdio { command, args, env, cwd } = transport else {
        return Err(NoProcess::NoProgram);
    };
    reap_leftovers(store, Some(server)).await?;
    if !is_program(command) {
        return Err(NoProcess::NoProgram);
    }
    let token = nanoid::nanoid!(32);
    let row = (token.clone(), server.to_string());
    let opened = store.record(move |tx| mcp_processes::open(tx, &row.0, &row.1));
    opened.await.map_err(NoProcess::Store)?;
    let launch = Launch { daemon, program: command, args, env, cwd: cwd.as_deref(), token: &token };
    let Started { child, stdin, stdout, stderr } = match launch.start() {
        Ok(started) => started,
        Err(error) => {
            close(store, token).await;
            return Err(NoProcess::NotStarted(error));
        }
    };
    let identity = child.identity();
    let process = Process { child, token, store: store.clone(), server: Arc::clone(server) };
    let token = process.token.clone();
    let noted = store.record(move |tx| mcp_processes::started(tx, &token, &identity)).await;
    if let Err(error) = noted {
        drop((stdin, stdout));
        process.end().await;
        return Err(NoProcess::Store(error));
    }
    actix::spawn(log(stderr, Arc::clone(server), redactor.clone()));
    Ok((process, stdout, stdin))
}

impl Process {
    /// Waits until its first process is over, and says how it ended.
    pub(super) async fn ended(&mut self) -> String {
        self.child.ended().await.unwrap_or_else(|_unknown| "an end that nobody knows".to_owned())
    }

    /// Ends it and all that it started. Its input must have ended.
    pub(super) async fn end(self) {
        match self.child.end(PATIENCE).await {
            Ok(()) => close(&self.store, self.token).await,
            // The row stays, and it is tried again before the server is started anew.
            Err(error) => {
                warn!(server = &*self.server, %error, "something of a server's program is left");
            }
        }
    }
}

async fn close(store: &Store, token: String) {
    let closed = store.record(move |tx| mcp_processes::close(tx, &token));
    if let Err(error) = closed.await {
        // It is looked for once more by its mark, and not found.
        warn!(%error, "it was not noted that a server's program is over");
    }
}

/// Whether a file is there that may be run.
fn is_program(path: &Path) -> bool {
    crate::adapters::child::is_program(path)
}

/// Logs what a program says beside its messages, a few lines a minute.
async fn log(stderr: ChildStderr, server: Arc<str>, redactor: Redactor) {
    let mut read = BufReader::new(stderr);
    let (mut line, mut left, mut since) = (Vec::new(), LINES_A_MINUTE, tokio::time::Instant::now());
    loop {
        line.clear();
        let most = u64::try_from(LINE).unwrap_or(u64::MAX);
        match (&mut read).take(most).read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if Duration::from_mins(1) < since.elapsed() {
            (left, since) = (LINES_A_MINUTE, tokio::time::Instant::now());
        }
        let said = redactor.line(&String::from_utf8_lossy(&line), LINE);
        if left == 0 || said.is_empty() {
            continue;
        }
        left -= 1;
        info!(server = &*server, said, "a server's program");
    }
}
