//! `chat`: says something to the daemon's assistant, and shows what it answers as it comes; on a
//! terminal without end, in a pipe once.

mod command;
mod once;
mod question;
mod request;
mod talking;
mod turn;
mod view;

use std::io::{IsTerminal as _, Read as _, stdin, stdout};

use clap::Args;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::chat::talking::Talk;
use crate::cli::remote::session::Session;

/// The longest text that is read from standard input, in bytes: more than a daemon takes.
const LONGEST: u64 = 300 * 1024;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// What to say; without it, what standard input has, or on a terminal what is typed
    text: Vec<String>,
    /// The conversation to go on with [default: a new one]
    #[arg(long, value_name = "ID")]
    conversation: Option<String>,
    /// Wait also while somebody else has to allow a call, or to answer a server
    #[arg(long)]
    wait: bool,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let is_talk = stdin().is_terminal() && stdout().is_terminal() && !session.json;
        if is_talk {
            let mut talk = Talk::begin(session, self.conversation.as_deref()).await?;
            return talk.go_on(Some(self.text.join(" "))).await;
        }
        let text = self.words()?;
        once::say_once(session, &text, self.conversation.as_deref(), self.wait).await
    }
}

impl Arguments {
    /// What is to be said.
    fn words(&self) -> Result<String, Failure> {
        let given = self.text.join(" ");
        let text = if self.text.is_empty() || given == "-" { piped()? } else { given };
        if text.trim().is_empty() {
            return Err(Failure::usage("there is nothing to say: give a text, or pipe one in"));
        }
        Ok(text)
    }
}

fn piped() -> Result<String, Failure> {
    let input = stdin();
    if input.is_terminal() {
        return Err(Failure::usage("there is nothing to say: give a text, or pipe one in"));
    }
    let mut text = String::new();
    let read = input.lock().take(LONGEST).read_to_string(&mut text);
    read.map_err(|error| Failure::other("read standard input", &error))?;
    Ok(text.trim_end().to_owned())
}
