//! One command at work: the daemon it asks, and where its answer is printed.

use std::io::{ErrorKind, Write as _};

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::exit::Failure;
use crate::cli::remote::connection::ConnectionFlags;
use crate::cli::settings::SettingsFlags;
use crate::cli::terminal::style::{Line, Style};
use crate::cli::terminal::{screen, text};
use crate::client::{ClientError, Daemon};

/// A command at work.
#[derive(Debug)]
pub(in crate::cli) struct Session {
    pub(super) daemon: Daemon,
    /// The daemon's address, for people.
    pub(super) address: String,
    /// Whether the answer is wanted as the daemon gave it.
    pub(super) json: bool,
    /// How standard output is written.
    pub(super) style: Style,
}

impl Session {
    pub(super) fn open(flags: SettingsFlags, asked: &ConnectionFlags) -> Result<Self, Failure> {
        let (daemon, address) = asked.address.daemon(flags)?;
        Ok(Self { daemon, address, json: asked.json, style: screen::style_of_output() })
    }

    /// Calls a tool and returns its structured content, or what stands for it.
    pub(super) async fn answer(&self, tool: &str, arguments: &Value) -> Result<Value, Failure> {
        Ok(self.try_answer(tool, arguments).await?)
    }

    /// The same for who may ask again.
    pub(super) async fn try_answer(
        &self,
        tool: &str,
        arguments: &Value,
    ) -> Result<Value, ClientError> {
        let mut result = self.daemon.call(tool, arguments).await?;
        match result["structuredContent"].take() {
            Value::Null => Ok(result["content"].take()),
            answer => Ok(answer),
        }
    }

    /// Calls a tool whose answer is to be shown: prints it if it is wanted as it is, and otherwise
    /// returns it, read.
    pub(super) async fn answer_to_show<T: DeserializeOwned>(
        &self,
        tool: &str,
        arguments: &Value,
    ) -> Result<Option<T>, Failure> {
        let answer = self.answer(tool, arguments).await?;
        if self.json {
            self.print_json(&answer)?;
            return Ok(None);
        }
        Ok(Some(read(answer)?))
    }

    /// Prints JSON on one line.
    #[expect(clippy::unused_self, reason = "what a session prints, it prints by its methods")]
    pub(super) fn print_json(&self, value: &Value) -> Result<(), Failure> {
        print(&format!("{}\n", text::json_line(value)))
    }

    /// Prints lines that are safe already, such as those of a table.
    #[expect(clippy::unused_self, reason = "what a session prints, it prints by its methods")]
    pub(super) fn print_lines(&self, lines: &[String]) -> Result<(), Failure> {
        let text: String = lines.iter().flat_map(|line| [line, "\n"]).collect();
        print(&text)
    }

    /// Prints a line.
    pub(super) fn print_line(&self, line: &Line) -> Result<(), Failure> {
        print(&format!("{}\n", line.render(self.style)))
    }

    /// Prints a text of several lines from the daemon, each safe and none cut.
    #[expect(clippy::unused_self, reason = "what a session prints, it prints by its methods")]
    pub(super) fn print_text(&self, foreign: &str) -> Result<(), Failure> {
        let safe: String = text::lines(foreign).flat_map(|line| [line, "\n".into()]).collect();
        print(&safe)
    }
}

/// Reads a value as what a daemon answers.
pub(super) fn read<T: DeserializeOwned>(value: Value) -> Result<T, ClientError> {
    serde_json::from_value(value).map_err(|error| ClientError::Strange(error.to_string()))
}

/// Writes to standard output, at once.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    print_bytes(text.as_bytes())
}

/// Writes to standard output, at once. A reader that has enough, such as `head`, is no failure; the
/// command ends then.
pub(in crate::cli) fn print_bytes(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Err(Failure::nobody_reads()),
        Err(error) => Err(Failure::other("write to standard output", &error)),
    }
}

/// Tells whoever sits there what is going on, on standard error.
pub(super) fn say(words: &str) {
    eprintln!("lukhas-mcp: {}", text::line(words));
}
