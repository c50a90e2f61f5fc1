//! `search`: files by what they hold and what they are called, and jobs, canaries and models by
//! name.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{invalid, within};
use crate::repo::RepoPath;
use crate::repo::content::file_id;
use crate::repo::search::{Hit, Query};
use crate::tools::named::{Named, named};
use crate::tools::words::document_kind;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

const LIMIT: u16 = 5;
const LIMIT_MOST: u16 = 50;

pub(in crate::tools) struct Search;

/// Clients add arguments of their own, which are not looked at.
#[derive(Debug, Deserialize, JsonSchema)]
pub(in crate::tools) struct Arguments {
    /// What to look for: words, "a phrase", `path:src` or `path:**/*.md`, `ext:rs`, `re:pattern`;
    /// or the id or name of a job, a canary, a task or a model.
    #[schemars(length(min = 1, max = 1000))]
    query: String,
    /// How many results to give, 1 to 50; 5 when absent.
    #[schemars(range(min = 1, max = 50))]
    limit: Option<u16>,
}

#[derive(Debug, Default, Serialize, JsonSchema)]
pub(in crate::tools) struct Answer {
    /// The best first.
    results: Vec<Reference>,
    /// What `fetch` takes, in the same order.
    ids: Vec<String>,
    /// Why each was found.
    hits: Vec<Shown>,
    /// Whether all that could be a hit was looked at.
    complete: bool,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Reference {
    id: String,
    title: String,
    url: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Shown {
    id: String,
    title: String,
    snippet: String,
    #[schemars(schema_with = "document_kind")]
    r#type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<RepoPath>,
    /// The line that the snippet begins with.
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<u32>,
}

impl Answer {
    fn add_named(&mut self, found: Named, url: String) {
        let Named { kind, id, title, snippet } = found;
        self.refer(id.clone(), title.clone(), url);
        let r#type = kind.as_str();
        self.hits.push(Shown { id, title, snippet, r#type, path: None, line: None });
    }

    fn add_file(&mut self, hit: Hit, url: String) {
        let Hit { path, line, snippet, .. } = hit;
        let (id, title) = (file_id(&path), path.as_str().to_owned());
        self.refer(id.clone(), title.clone(), url);
        self.hits.push(Shown { id, title, snippet, r#type: "file", path: Some(path), line });
    }

    fn refer(&mut self, id: String, title: String, url: String) {
        self.ids.push(id.clone());
        self.results.push(Reference { id, title, url });
    }
}

#[async_trait]
impl Tool for Search {
    const NAME: &'static str = "search";
    const TITLE: &'static str = "Search";
    const DESCRIPTION: &'static str = "Finds files of the repository by what they hold and what \
        they are called, and jobs, canaries and models by id or name; fetch takes the ids. Write an \
        identifier as it is, a \"phrase\" in quotation marks, path:src or ext:rs to look only there, \
        re:pattern for a regular expression.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let Arguments { query: text, limit } = arguments;
        let limit = within::<Self>("limit", limit, LIMIT, LIMIT_MOST)?;
        let query = Query::parse(&text).map_err(invalid::<Self>)?;
        let mut answer = Answer { complete: true, ..Answer::default() };
        for found in named(doors, text.trim()).await?.into_iter().take(limit) {
            let url = doors.links.document(&found.id);
            answer.add_named(found, url);
        }
        let left = limit - answer.ids.len();
        if 0 < left {
            let found = doors.repo.search(query, left).await?;
            answer.complete = found.is_complete;
            for hit in found.hits {
                let url = doors.url_of(&hit.path).await;
                answer.add_file(hit, url);
            }
        }
        Ok(Reply::Answer(answer))
    }
}
