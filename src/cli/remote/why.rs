//! `why`: the story of a thing, or the facts that it is told from.

use clap::Args;
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::session::Session;
use crate::client::ClientError;

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// A job, a canary, a model, a path of the repository or a commit
    id: String,
    /// Print the recorded facts, one a line, instead of the story
    #[arg(long)]
    facts: bool,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let result = session.daemon.call("why", &json!({ "id": self.id })).await?;
        if session.json {
            return session.print_json(&result["structuredContent"]);
        }
        let part = usize::from(!self.facts);
        match result["content"][part]["text"].as_str() {
            Some(text) => session.print_text(text),
            None => Err(ClientError::Strange("it holds no story".to_owned()).into()),
        }
    }
}
