//! The live view at work: a screen of its own that is drawn at most ten times a second, and a
//! terminal that is as it was when the view ends, however it ends.

use std::io::{Write as _, stdin, stdout};
use std::pin::pin;
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use rustix::process::{Signal, getpid, kill_process};
use rustix::termios::{
    LocalModes, OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr,
};
use serde_json::Value;
use tokio::signal::unix::{Signal as Signals, SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval};

use crate::cli::exit::Failure;
use crate::cli::remote::session::Session;
use crate::cli::remote::thing::Thing;
use crate::cli::remote::watch::board::{Board, Connection};
use crate::cli::remote::watch::reading::{Outcome, Reading, Wanted};
use crate::cli::remote::watch::{ends, view};
use crate::cli::terminal::screen;
use crate::client::Told;
use crate::clock::{Clock as _, SystemClock};

/// The time between two pictures.
const PICTURE: Duration = Duration::from_millis(100);

/// How many pictures pass before one is drawn although nothing happened, for the clock.
const IDLE_PICTURES: u32 = 10;

/// Shows the view until Ctrl-C, or until the thing is over; returns how that ended, as the tool
/// answers it.
pub(super) async fn show(
    session: &Session,
    topics: Vec<String>,
    until: Option<&Thing>,
) -> Result<Option<Value>, Failure> {
    let wanted = Wanted::of(&topics);
    let followed = session.daemon.follow(topics, None);
    let told = stream::unfold(followed, |mut followed| async {
        let next = followed.next().await;
        Some((next, followed))
    });
    let mut told = pin!(told);
    let (mut endings, mut changes) = (Endings::listen()?, Changes::listen()?);
    let mut ticks = interval(PICTURE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut board = Board::default();
    let mut reading = Reading::of(session, until);
    let mut view = Picture::begin(session)?;
    let ended = loop {
        tokio::select! {
            // How things stood when the stream opened is older than what the stream tells.
            next = told.next(), if reading.is_idle() => {
                let Some(next) = next else { break None };
                if let Some(unread) = take(&mut board, &wanted, until, next?) {
                    reading.begin(unread);
                }
                view.is_stale = true;
            }
            read = reading.outcome() => {
                match read? {
                    Outcome::Read(standing) => {
                        standing.jobs.into_iter().for_each(|job| board.put_job(job));
                        standing.canaries.into_iter().for_each(|canary| board.put_canary(canary));
                        board.connection = Connection::Live;
                        if standing.ended.is_some() {
                            break standing.ended;
                        }
                    }
                    Outcome::Later(why) => board.connection = Connection::Lost(why),
                }
                view.is_stale = true;
            }
            _ = ticks.tick() => view.draw(&board)?,
            _ = changes.resized.recv() => view.is_stale = true,
            _ = changes.stopped.recv() => view.stand_aside()?,
            () = endings.any() => break None,
        }
    };
    view.end(&board);
    match (until, ended) {
        (Some(thing), None) => Err(Failure::interrupted(format!("{} goes on", thing.id()))),
        (_, ended) => Ok(ended),
    }
}

/// Takes what was told, and returns what is to be read because of it.
fn take(board: &mut Board, wanted: &Wanted, until: Option<&Thing>, told: Told) -> Option<Wanted> {
    match told {
        Told::Open => return Some(wanted.clone()),
        Told::Gap(_) => {
            board.forget_open();
            return Some(wanted.clone());
        }
        Told::Event(event) => {
            board.take(&event);
            return until.filter(|thing| ends(thing, &event)).map(Wanted::only);
        }
        Told::Lost(error, pause) => {
            let why = format!("{error}; trying again in {:.1} s", pause.as_secs_f64());
            board.connection = Connection::Lost(why);
        }
        Told::Stopped(_) => {
            board.connection = Connection::Lost("the daemon stopped; connecting again".to_owned());
        }
    }
    None
}

/// The signals that end the view.
struct Endings([Signals; 3]);

/// The signals that change it.
struct Changes {
    resized: Signals,
    stopped: Signals,
}

/// What Ctrl-Z sends.
const TERMINAL_STOP: SignalKind = SignalKind::from_raw(Signal::TSTP.as_raw());

fn listen(kind: SignalKind) -> Result<Signals, Failure> {
    signal(kind).map_err(|error| Failure::other("listen for signals", &error))
}

impl Endings {
    fn listen() -> Result<Self, Failure> {
        let [interrupt, terminate] = [SignalKind::interrupt(), SignalKind::terminate()].map(listen);
        Ok(Self([interrupt?, terminate?, listen(SignalKind::hangup())?]))
    }

    async fn any(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            _ = hangup.recv() => {}
        }
    }
}

impl Changes {
    fn listen() -> Result<Self, Failure> {
        let resized = listen(SignalKind::window_change())?;
        Ok(Self { resized, stopped: listen(TERMINAL_STOP)? })
    }
}

/// The view on the terminal.
struct Picture<'a> {
    session: &'a Session,
    terminal: Terminal,
    shown: String,
    is_stale: bool,
    idle: u32,
}

impl<'a> Picture<'a> {
    fn begin(session: &'a Session) -> Result<Self, Failure> {
        let terminal = Terminal::take()?;
        Ok(Self { session, terminal, shown: String::new(), is_stale: true, idle: 0 })
    }

    /// Draws what changed since the picture before.
    fn draw(&mut self, board: &Board) -> Result<(), Failure> {
        self.idle += 1;
        if !self.is_stale && self.idle < IDLE_PICTURES {
            return Ok(());
        }
        (self.is_stale, self.idle) = (false, 0);
        let rows = self.rows(board);
        let picture: String = ["\u{1b}[H", &rows.join("\u{1b}[K\r\n"), "\u{1b}[K\u{1b}[J"].concat();
        if picture != self.shown {
            // Terminals that know it show the picture at once when it is complete.
            self.terminal.write(&format!("\u{1b}[?2026h{picture}\u{1b}[?2026l"))?;
            self.shown = picture;
        }
        Ok(())
    }

    fn rows(&self, board: &Board) -> Vec<String> {
        let size = screen::size();
        let mut style = self.session.style;
        style.columns = Some(size.columns);
        let lines = view::draw(board, &self.session.address, size, SystemClock.now());
        lines.iter().map(|line| line.render(style)).collect()
    }

    /// Gives the terminal back for as long as the process is stopped.
    fn stand_aside(&mut self) -> Result<(), Failure> {
        self.terminal.give_back();
        let stopped = kill_process(getpid(), Signal::STOP);
        stopped.map_err(|error| Failure::other("stop for a while", &error))?;
        self.terminal = Terminal::take()?;
        self.shown.clear();
        self.is_stale = true;
        Ok(())
    }

    /// Ends the view, and leaves the last picture behind.
    fn end(mut self, board: &Board) {
        self.terminal.give_back();
        let rows = self.rows(board);
        // The last line says how to end it.
        for row in rows.iter().take(rows.len().saturating_sub(1)) {
            println!("{row}");
        }
    }
}

/// A terminal that shows a screen of our own, and what it was like before.
#[derive(Debug)]
struct Terminal {
    before: Option<Termios>,
    is_taken: bool,
}

impl Terminal {
    fn take() -> Result<Self, Failure> {
        // What is typed would be written into the picture. Not every terminal has a keyboard here.
        let before = tcgetattr(stdin()).ok();
        if let Some(before) = &before {
            let mut silent = before.clone();
            silent.local_modes.remove(LocalModes::ECHO);
            tcsetattr(stdin(), OptionalActions::Now, &silent)
                .map_err(|error| Failure::other("set the terminal up", &error))?;
        }
        let terminal = Self { before, is_taken: true };
        terminal.write("\u{1b}[?1049h\u{1b}[?25l\u{1b}[2J")?;
        Ok(terminal)
    }

    #[expect(clippy::unused_self, reason = "only who has taken the terminal writes to it")]
    fn write(&self, text: &str) -> Result<(), Failure> {
        let mut out = stdout().lock();
        out.write_all(text.as_bytes())
            .and_then(|()| out.flush())
            .map_err(|error| Failure::other("draw on the terminal", &error))
    }

    fn give_back(&mut self) {
        if !std::mem::take(&mut self.is_taken) {
            return;
        }
        // A terminal that is gone needs nothing back.
        drop(self.write("\u{1b}[?25h\u{1b}[?1049l"));
        if let Some(before) = &self.before {
            // What was typed blindly is not for the shell.
            tcflush(stdin(), QueueSelector::IFlush).ok();
            tcsetattr(stdin(), OptionalActions::Now, before).ok();
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        self.give_back();
    }
}
