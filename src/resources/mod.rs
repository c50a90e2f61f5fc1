//! What can be attached to a conversation: jobs, canaries, models, files and facts, each under a URI.
//!
//! A kind of resources is a type that implements [`ResourceFamily`]; [`Resources`] puts the families
//! together into one list with pages, one list of templates, and one way to read. What goes over
//! the wire around that, and in which revision of the protocol, is not known here.

mod canaries;
mod completion;
mod description;
mod document;
mod error;
mod facts;
mod family;
mod files;
mod jobs;
mod models;
mod page;
#[cfg(test)]
mod tests;
mod uri;

use async_trait::async_trait;
use serde_json::{Map, Value};

pub use self::completion::{
    Completion, CompletionRequest, canaries as complete_canaries, gates as complete_gates,
    models as complete_models, paths as complete_paths,
};
pub use self::error::ResourceError;
pub use self::family::{Asking, ResourceFamily};
pub use self::page::Listed;
use self::page::{Bounds, Families, Place};
pub use self::uri::ResourceUri;
use crate::ids::Entity;
use crate::tools::{Call, Caller, Doors, Page};

/// How many resources are on a page, and how many of a family are listed in all: the newest, for a
/// list is there to begin with, and everything else is found by its URI.
const BOUNDS: Bounds = Bounds { page: 100, family: 100 };

/// All resources.
pub struct Resources {
    doors: Doors,
    families: Vec<Box<dyn ResourceFamily>>,
}

impl Resources {
    /// The resources of the daemon.
    pub fn new(doors: Doors) -> Self {
        let families: Vec<Box<dyn ResourceFamily>> = vec![
            Box::new(canaries::CanaryDocuments),
            Box::new(jobs::JobDocuments),
            Box::new(models::ModelDocuments),
            Box::new(files::Files),
            Box::new(facts::Facts),
        ];
        Self { doors, families }
    }

    /// The same with more families, which come after those that are there.
    #[must_use]
    pub fn with(mut self, pack: impl IntoIterator<Item = Box<dyn ResourceFamily>>) -> Self {
        self.families.extend(pack);
        self
    }

    /// A page of the list: canaries, jobs and models, and the files with which a reader begins.
    ///
    /// # Errors
    /// The cursor is none of this list, or something cannot be listed just now.
    pub async fn list(&self, caller: &Caller, cursor: Option<&str>) -> Result<Page, ResourceError> {
        let from = match cursor {
            None => None,
            Some(cursor) => Some(Place::behind(cursor)?),
        };
        let shown = Shown { families: &self.families, asking: self.asking(caller) };
        let (items, next) = page::page(&shown, BOUNDS, from).await?;
        Ok(Page { items, next_cursor: next.map(|place| place.cursor()) })
    }

    /// The forms of URIs.
    pub fn templates(&self) -> Vec<Value> {
        self.families.iter().flat_map(|family| family.templates()).collect()
    }

    /// The contents of a resource; never none.
    ///
    /// # Errors
    /// [`ResourceError::Unknown`] if there is no such resource, or it cannot be read.
    pub async fn read(&self, call: Call<'_>, uri: &str) -> Result<Vec<Value>, ResourceError> {
        for family in &self.families {
            if let Some(contents) = family.read(call, uri).await? {
                return Ok(contents);
            }
        }
        Err(ResourceError::unknown(uri))
    }

    /// What a subscription to a resource follows in the log of events; nothing if that does not tell
    /// of it. Whether there is such a resource is not looked up.
    pub fn entity(&self, uri: &str) -> Option<Entity> {
        self.families.iter().find_map(|family| family.entity(uri))
    }

    /// What the variable of a template can be completed to. `context` has what was put into others.
    ///
    /// # Errors
    /// [`ResourceError::Unknown`] if there is no such template; there is no such variable, or
    /// nothing can be looked up.
    pub async fn complete(
        &self,
        caller: &Caller,
        template_uri: &str,
        argument: &str,
        value: &str,
        context: &Map<String, Value>,
    ) -> Result<Completion, ResourceError> {
        let mut families = self.families.iter();
        let family = families.find(|family| {
            family.templates().iter().any(|template| template["uriTemplate"] == template_uri)
        });
        let family = family.ok_or_else(|| ResourceError::unknown(template_uri))?;
        let request = CompletionRequest { argument, value, context };
        if request.is_too_long() {
            return Ok(Completion::of(Vec::new()));
        }
        family.complete(self.asking(caller), template_uri, request).await
    }

    fn asking<'a>(&'a self, caller: &'a Caller) -> Asking<'a> {
        Asking { doors: &self.doors, caller }
    }
}

/// The families, as one caller sees them.
struct Shown<'a> {
    families: &'a [Box<dyn ResourceFamily>],
    asking: Asking<'a>,
}

#[async_trait]
impl Families for Shown<'_> {
    fn count(&self) -> usize {
        self.families.len()
    }

    async fn list(
        &self,
        family: usize,
        after: Option<&str>,
        most: usize,
    ) -> Result<Vec<Listed>, ResourceError> {
        self.families[family].list(self.asking, after, most).await
    }
}
