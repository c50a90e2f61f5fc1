//! Which thing does a URI name, and how is it written?
//!
//! What a URI could not have as it is gets percent-encoded, and so does the colon of a model's
//! version, which many readers of URIs would take for the mark of a port. In reading, more is
//! understood than is written: what was not encoded although it should have been, a slash that was,
//! and an empty authority (`repo:///docs/guide.md`).

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::events::Watchable;
use crate::ids::{CanaryId, Entity, JobId, ModelId};
use crate::repo::RepoPath;

/// The longest URI that is looked at, in bytes: a path, each byte encoded.
const LONGEST: usize = 3 * 4096 + 64;

/// The longest id of a thing that something may be recorded about: a path in base64.
const LONGEST_ID: usize = 4096 * 4 / 3 + 64;

/// All but what RFC 3986 calls unreserved.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What a URI of this daemon names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResourceUri {
    /// `job://{id}`
    Job(JobId),
    /// `canary://{id}`
    Canary(CanaryId),
    /// `model://{id}`
    Model(ModelId),
    /// `repo://{path}`
    File(RepoPath),
    /// `audit://{id}`: what is recorded about a job, a canary, a model, a file or a commit.
    Facts(Box<str>),
}

impl ResourceUri {
    /// Reads a URI; nothing if it can be none of ours.
    pub fn parse(uri: &str) -> Option<Self> {
        if LONGEST < uri.len() {
            return None;
        }
        let (scheme, rest) = uri.split_once("://")?;
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        let text = percent_decode_str(rest).decode_utf8().ok()?;
        // Some writers of URIs end one that has no path with a slash.
        let id = text.strip_suffix('/').unwrap_or(&text);
        match scheme.to_ascii_lowercase().as_str() {
            "job" => JobId::parse(id).ok().map(Self::Job),
            "canary" => CanaryId::parse(id).ok().map(Self::Canary),
            "model" => ModelId::parse(id).ok().map(Self::Model),
            "repo" => RepoPath::parse(&text).ok().map(Self::File),
            "audit" => {
                let is_id = (1..=LONGEST_ID).contains(&text.len());
                (is_id && !text.contains(char::is_control)).then(|| Self::Facts(text.into()))
            }
            _ => None,
        }
    }

    /// What a subscription to it follows, if anything tells of it.
    pub fn watchable(&self) -> Option<Watchable> {
        match self {
            Self::Job(id) => Some(Entity::job(id).into()),
            Self::Canary(id) => Some(Entity::canary(id).into()),
            Self::Model(id) => Some(Entity::model(id).into()),
            Self::File(path) => Some(Watchable::File(path.as_str().to_owned())),
            // Each event is committed with a fact. Another id may be a file's just as well as a
            // model's, and is looked up in more ways than one.
            Self::Facts(id) => {
                let job = JobId::parse(id).ok().map(|id| Entity::job(&id));
                let canary = || Some(Entity::canary(&CanaryId::parse(id).ok()?));
                job.or_else(canary).map(Watchable::from)
            }
        }
    }
}

impl fmt::Display for ResourceUri {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let encoded = |text| utf8_percent_encode(text, RESERVED);
        match self {
            Self::Job(id) => write!(f, "job://{id}"),
            Self::Canary(id) => write!(f, "canary://{id}"),
            Self::Model(id) => write!(f, "model://{}", encoded(id.as_str())),
            Self::Facts(id) => write!(f, "audit://{}", encoded(id)),
            Self::File(path) => {
                f.write_str("repo:/")?;
                path.names().try_for_each(|name| write!(f, "/{}", encoded(name)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn file(path: &str) -> ResourceUri {
        ResourceUri::File(RepoPath::parse(path).unwrap())
    }

    #[test]
    fn what_is_written_is_a_uri_and_more_is_read() {
        for (written, path) in [
            ("repo://README.md", "README.md"),
            ("repo://docs/a%20b%3F%23%2541.md", "docs/a b?#%41.md"),
            ("repo://docs/%C3%A9%2Bx.md", "docs/é+x.md"),
        ] {
            assert_eq!(ResourceUri::parse(written), Some(file(path)));
            assert_eq!(file(path).to_string(), written);
        }
        for read in ["repo://docs%2Fa.md", "REPO:///docs/a.md", "repo://docs//./a%2Emd"] {
            assert_eq!(ResourceUri::parse(read), Some(file("docs/a.md")), "{read}");
        }
        assert_eq!(ResourceUri::parse("repo://100% a?b#c.md"), Some(file("100% a?b#c.md")));
        let model = ResourceUri::Model(ModelId::parse("ranker:12").unwrap());
        for read in ["model://ranker%3A12", "model://ranker:12", "Model://ranker%3a12/"] {
            assert_eq!(ResourceUri::parse(read).as_ref(), Some(&model), "{read}");
        }
        assert_eq!(model.to_string(), "model://ranker%3A12");
    }

    #[test]
    fn what_leads_elsewhere_names_nothing() {
        for uri in [
            "",
            "job://",
            "job:job_1",
            "job://job_1/x",
            "job://canary_1",
            "canary://job_1",
            "model://a%2Fb",
            "repo://",
            "repo:////etc/passwd",
            "repo://../x",
            "repo://docs/%2E%2E/%2e%2e/x",
            "repo://.git/config",
            "repo://docs%2f..%2f.env",
            "repo://a/",
            "repo://%ff",
            "repo://a%00b",
            "audit://",
            "audit://a%0Ab",
            "file:///etc/passwd",
            "http://localhost/",
            &format!("repo://{}", "a".repeat(LONGEST)),
        ] {
            assert_eq!(ResourceUri::parse(uri), None, "{uri}");
        }
    }

    #[test]
    fn what_events_tell_of_can_be_followed() {
        let followed = |uri| match ResourceUri::parse(uri)?.watchable()? {
            Watchable::Entity(entity) => Some(entity.to_string()),
            Watchable::File(path) => Some(format!("the file {path}")),
        };
        for (uri, entity) in [
            ("job://job_1", Some("job/job_1")),
            ("canary://canary_1", Some("canary/canary_1")),
            ("model://m%3A1", Some("model/m:1")),
            ("audit://canary_1", Some("canary/canary_1")),
            ("audit://README.md", None),
            ("repo://docs/a.md", Some("the file docs/a.md")),
        ] {
            assert_eq!(followed(uri).as_deref(), entity, "{uri}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back(text in "\\PC{1,40}", id in "[A-Za-z0-9_.:-]{1,64}") {
            let facts = ResourceUri::Facts(text.as_str().into());
            // Only a slash in front is taken for an empty authority, and it is always encoded.
            prop_assert_eq!(ResourceUri::parse(&facts.to_string()), Some(facts.clone()));
            let model = ResourceUri::Model(ModelId::parse(&id).unwrap());
            prop_assert_eq!(ResourceUri::parse(&model.to_string()), Some(model));
            if let Ok(path) = RepoPath::parse(&text) {
                let file = ResourceUri::File(path);
                prop_assert_eq!(ResourceUri::parse(&file.to_string()), Some(file.clone()));
                let is_uri = |c: char| c.is_ascii_alphanumeric() || "-._~%/:".contains(c);
                prop_assert!(file.to_string().chars().all(is_uri));
                prop_assert_eq!(url::Url::parse(&file.to_string()).unwrap().to_string(), file.to_string());
            }
        }
    }
}
