//! `search`: files, jobs, canaries, tasks and models.

use clap::Args;
use serde::Deserialize;
use serde_json::json;

use crate::cli::exit::Failure;
use crate::cli::remote::Ask;
use crate::cli::remote::session::{Session, say};
use crate::cli::terminal::style::{Line, Tone};

#[derive(Debug, Args)]
pub(in crate::cli) struct Arguments {
    /// Words, "a phrase", path:src, ext:rs, re:pattern, or the id or name of something
    #[arg(required = true)]
    query: Vec<String>,
    /// How many results, at most
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u16).range(1..=50))]
    limit: u16,
}

#[derive(Debug, Deserialize)]
struct Found {
    results: Vec<Place>,
    #[serde(default)]
    hits: Vec<Hit>,
}

#[derive(Debug, Deserialize)]
struct Place {
    id: String,
    title: String,
}

#[derive(Debug, Deserialize)]
struct Hit {
    id: String,
    #[serde(default)]
    snippet: String,
}

impl Ask for Arguments {
    async fn ask(&self, session: &Session) -> Result<(), Failure> {
        let call = json!({ "query": self.query.join(" "), "limit": self.limit });
        let Some(found) = session.answer_to_show::<Found>("search", &call).await? else {
            return Ok(());
        };
        for place in &found.results {
            session.print_line(&Line::new().add(Tone::Strong, &place.title))?;
            let snippet = found.hits.iter().find(|hit| hit.id == place.id);
            for line in snippet.map(|hit| hit.snippet.lines()).into_iter().flatten() {
                session.print_line(&Line::new().plain("    ").add(Tone::Quiet, line))?;
            }
        }
        if found.results.is_empty() {
            say("nothing was found");
        }
        Ok(())
    }
}
