//! Talking at a terminal, line by line.

use std::io::{BufRead as _, stdin};

use rustix::termios::{QueueSelector, tcflush};
use serde_json::{Map, Value, json};
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;

use crate::cli::exit::Failure;
use crate::cli::remote::approvals::{Asked, decide};
use crate::cli::remote::chat::command::{self, Command};
use crate::cli::remote::chat::question::{Field, fields};
use crate::cli::remote::chat::request::{Sent, Steps, Words, cancel, send};
use crate::cli::remote::chat::turn::{End, Ending, Question, Step, safe};
use crate::cli::remote::chat::view;
use crate::cli::remote::session::{Session, print, read};
use crate::cli::terminal::style::{Line, Tone};
use crate::clock::{Clock as _, SystemClock};

/// How many lines may be typed ahead.
const AHEAD: usize = 64;

/// The words that ask whether a call may be made.
const DECIDE: &str = "    [y]es, [a]lways in this conversation, or [n]o? ";

/// What is asked in the middle of an answer.
enum Pending {
    Approval(Asked),
    Question { question: Question, fields: Vec<Field>, answer: Map<String, Value> },
}

/// Somebody at a terminal.
pub(super) struct Talk<'a> {
    session: &'a Session,
    lines: mpsc::Receiver<String>,
    interrupts: Signal,
    conversation: Option<String>,
}

impl<'a> Talk<'a> {
    /// Begins, in a conversation or in a new one.
    pub(super) async fn begin(session: &'a Session, id: Option<&str>) -> Result<Self, Failure> {
        let interrupts = signal(SignalKind::interrupt());
        let interrupts = interrupts.map_err(|error| Failure::other("listen for Ctrl-C", &error))?;
        let (sender, lines) = mpsc::channel(AHEAD);
        // It ends with the process, which nobody has to wait for.
        std::thread::spawn(move || {
            for line in stdin().lock().lines().map_while(Result::ok) {
                if sender.blocking_send(line).is_err() {
                    break;
                }
            }
        });
        let mut talk = Self { session, lines, interrupts, conversation: None };
        match id {
            Some(id) => talk.open(id).await?,
            None => talk.note("A new conversation; /help lists what can be done.")?,
        }
        Ok(talk)
    }

    fn note(&self, words: &str) -> Result<(), Failure> {
        self.session.print_line(&Line::new().add(Tone::Quiet, words))
    }

    /// Takes lines until there are no more. The first may be given.
    pub(super) async fn go_on(&mut self, given: Option<String>) -> Result<(), Failure> {
        let mut given = given.filter(|text| !text.trim().is_empty()).map(Command::Say);
        loop {
            let command = match given.take() {
                Some(command) => command,
                None => {
                    print("> ")?;
                    let line = tokio::select! {
                        line = self.lines.recv() => line,
                        _ = self.interrupts.recv() => {
                            print("\n")?;
                            return Err(Failure::interrupted(""));
                        }
                    };
                    let Some(line) = line else { return print("\n") };
                    match command::parse(&line) {
                        Ok(command) => command,
                        Err(why) => {
                            self.note(&why)?;
                            continue;
                        }
                    }
                }
            };
            if command == Command::Quit {
                return Ok(());
            }
            match self.carry_out(command).await {
                Ok(()) => {}
                // What a daemon refuses ends nothing, and neither does one that is away.
                Err(failure) if failure.is_refusal() => {
                    self.session.print_line(&Line::new().add(Tone::Bad, &failure.to_string()))?;
                }
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn carry_out(&mut self, command: Command) -> Result<(), Failure> {
        let session = self.session;
        match command {
            Command::Say(text) => self.say(&text).await,
            Command::New => {
                self.conversation = None;
                self.note("A new conversation.")
            }
            Command::List => {
                let asked = json!({ "limit": 20 });
                let found: view::Conversations =
                    read(session.answer("list_conversations", &asked).await?)?;
                let lines = view::listed(&found.conversations, SystemClock.now(), session.style);
                session.print_lines(&lines)
            }
            Command::Open(id) => self.open(&id).await,
            Command::History => match &self.conversation {
                Some(id) => self.history(&id.clone(), 50).await,
                None => self.note("nothing was said yet"),
            },
            Command::Search(words) => {
                let asked = json!({ "query": words });
                let found: view::Hits =
                    read(session.answer("search_conversations", &asked).await?)?;
                if found.hits.is_empty() {
                    return self.note("nothing was found");
                }
                session.print_lines(&view::found(&found.hits, session.style))
            }
            Command::Fork(seq) => {
                let Some(id) = &self.conversation else { return self.note("nothing was said yet") };
                let asked = json!({ "conversationId": id, "seq": seq });
                let made: view::Conversation =
                    read(session.answer("fork_conversation", &asked).await?)?;
                self.note(&format!("This is {} now.", made.id))?;
                self.conversation = Some(made.id);
                Ok(())
            }
            Command::Approve(id) => decide(session, &id, "once").await,
            Command::Deny(id) => decide(session, &id, "deny").await,
            Command::Help => session.print_lines(&command::HELP.map(str::to_owned)),
            Command::Quit | Command::Empty => Ok(()),
        }
    }

    async fn open(&mut self, id: &str) -> Result<(), Failure> {
        self.history(id, 12).await?;
        self.conversation = Some(id.to_owned());
        Ok(())
    }

    async fn history(&self, id: &str, limit: u16) -> Result<(), Failure> {
        let asked = json!({ "conversationId": id, "limit": limit });
        let answer = self.session.answer("read_conversation", &asked).await?;
        let title = answer["conversation"]["title"].as_str().unwrap_or_default();
        self.session.print_line(&Line::new().add(Tone::Strong, title))?;
        let events = answer["events"].as_array().map(Vec::as_slice).unwrap_or_default();
        self.session.print_lines(&view::history(events, self.session.style))
    }

    /// Says it, and shows what comes of it until it is over.
    async fn say(&mut self, text: &str) -> Result<(), Failure> {
        let conversation = self.conversation.clone();
        let words = Words { text, conversation: conversation.as_deref(), attended: true };
        let sent = send(self.session, &words).await?;
        self.conversation = Some(sent.conversation_id.clone());
        let mut steps = Steps::of(self.session, &sent);
        let (mut waiting, mut is_ending) = (Vec::new(), false);
        let mut ends_line = true;
        loop {
            let is_asked = !waiting.is_empty();
            tokio::select! {
                step = steps.next() => {
                    let step = step?;
                    if let Step::Words(words) = &step {
                        ends_line = words.ends_with('\n');
                        print(&safe(words))?;
                        continue;
                    }
                    if !std::mem::replace(&mut ends_line, true) {
                        print("\n")?;
                    }
                    if let Step::End(end) = &step {
                        return self.ended(end);
                    }
                    self.take(step, &mut waiting)?;
                }
                line = self.lines.recv(), if is_asked => match line {
                    Some(line) => self.answer(&sent, &line, &mut waiting).await?,
                    None => {
                        cancel(self.session, &sent).await?;
                        waiting.clear();
                    }
                },
                _ = self.interrupts.recv() => {
                    if std::mem::replace(&mut is_ending, true) {
                        print("\n")?;
                        return Err(Failure::interrupted("the answer was to be ended"));
                    }
                    cancel(self.session, &sent).await?;
                }
            }
        }
    }

    fn ended(&self, end: &End) -> Result<(), Failure> {
        match &end.ending {
            Ending::Complete => self.note(&format!("✓{}", view::price(end))),
            Ending::Cancelled => self.note("■ ended"),
            Ending::Failed(why) => {
                self.session.print_line(&Line::new().add(Tone::Bad, &format!("✕ {why}")))
            }
        }
    }

    fn take(&mut self, step: Step, waiting: &mut Vec<Pending>) -> Result<(), Failure> {
        match step {
            Step::Beside(line) => return self.session.print_line(&line),
            Step::Decided(id) => {
                let is_other = |one: &Pending| !matches!(one, Pending::Approval(asked) if asked.approval_id == id);
                let before = waiting.len();
                waiting.retain(is_other);
                return if waiting.len() < before { print("\n") } else { Ok(()) };
            }
            Step::Asks(asked) => waiting.push(Pending::Approval(asked)),
            Step::Question(question) => {
                let fields = fields(&question.schema);
                waiting.push(Pending::Question { question, fields, answer: Map::new() });
            }
            Step::Words(_) | Step::End(_) => return Ok(()),
        }
        if waiting.len() == 1 { self.ask(waiting) } else { Ok(()) }
    }

    /// Asks what waits first. What was typed before it was asked is no answer to it.
    fn ask(&mut self, waiting: &[Pending]) -> Result<(), Failure> {
        let Some(first) = waiting.first() else { return Ok(()) };
        // A terminal that cannot forget what was typed keeps it; the lines are let go below.
        let _kept = tcflush(stdin(), QueueSelector::IFlush);
        while self.lines.try_recv().is_ok() {}
        match first {
            Pending::Approval(asked) => {
                self.session.print_lines(&view::asked(asked, self.session.style))?;
                print(DECIDE)
            }
            Pending::Question { question, fields, .. } => {
                let head = format!("◇ {} asks: {}", question.server, question.message);
                self.session.print_text(&head)?;
                if let Some(url) = &question.url {
                    self.session.print_text(&format!("    {url}"))?;
                }
                self.prompt(fields)
            }
        }
    }

    #[expect(clippy::unused_self, reason = "what a talk prints, it prints by its methods")]
    fn prompt(&self, fields: &[Field]) -> Result<(), Failure> {
        match fields.first() {
            Some(field) => print(&safe(&format!("    {}", field.prompt()))),
            None => print("    [y]es, or /decline? "),
        }
    }

    /// Takes a line as the answer to what was asked.
    async fn answer(
        &mut self,
        sent: &Sent,
        line: &str,
        waiting: &mut Vec<Pending>,
    ) -> Result<(), Failure> {
        let outcome = match waiting.first_mut() {
            None => return Ok(()),
            Some(Pending::Approval(asked)) => match command::decision(line) {
                None => return print(DECIDE),
                Some(decision) => decide(self.session, &asked.approval_id, decision).await,
            },
            Some(Pending::Question { question, fields, answer }) => {
                let is_no = line.trim() == "/decline";
                if !is_no && let Some(field) = fields.first() {
                    match field.take(line, answer) {
                        Ok(()) => drop(fields.remove(0)),
                        Err(why) => self.session.print_text(&why)?,
                    }
                    let left = fields.clone();
                    if !left.is_empty() {
                        return self.prompt(&left);
                    }
                } else if !is_no && command::decision(line) != Some("once") {
                    return self.prompt(&[]);
                }
                let mut call = json!({
                    "conversationId": sent.conversation_id, "elicitationId": question.id,
                    "action": if is_no { "decline" } else { "accept" },
                });
                if !is_no && question.url.is_none() {
                    call["content"] = Value::Object(answer.clone());
                }
                self.session.answer("answer_question", &call).await.map(drop)
            }
        };
        waiting.remove(0);
        match outcome {
            // Somebody else may have answered.
            Err(failure) if failure.is_refusal() => self.note(&failure.to_string())?,
            outcome => outcome?,
        }
        self.ask(waiting)
    }
}
