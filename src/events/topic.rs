//! What a stream can be about, as clients spell it.

use std::fmt;

use crate::ids::{Entity, EntityKind};
use crate::store::events::EventFilter;

/// The most topics in one stream.
const MOST: usize = 16;

/// The longest id, in characters.
const LONGEST_ID: usize = 128;

/// What a client may ask for, in words.
const FORMS: &str = "job/<id>, canary/<id>, model/<id>, job/*, canary/*, model/*, jobs, canaries, \
     models or *, where an id is 1 to 128 letters, digits, _ and - (a model's also . and :)";

/// Why topics were refused. What the client wrote is not repeated: it may be anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TopicError {
    /// None at all, or more than a stream takes.
    #[error("a stream takes 1 to {MOST} topics, each of the form {FORMS}")]
    Count,
    /// One that has none of the forms.
    #[error("a topic must have the form {FORMS}")]
    Form,
}

/// One thing, or many, that a stream is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Topic {
    /// `job/<id>`: one thing.
    Entity(Entity),
    /// `job/*`: all of a kind.
    Each(EntityKind),
    /// `jobs`: all of a kind, under the kind's name.
    Class(EntityKind),
    /// `*`: everything.
    Everything,
}

impl Topic {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Everything);
        }
        if let Some(kind) = EntityKind::ALL.into_iter().find(|kind| class_name(*kind) == text) {
            return Some(Self::Class(kind));
        }
        let entity = Entity::parse(text)?;
        if &*entity.id == "*" {
            return Some(Self::Each(entity.kind));
        }
        let punctuation = match entity.kind {
            EntityKind::Job | EntityKind::Canary => "_-",
            EntityKind::Model => "_-.:",
        };
        let allowed = |c: char| c.is_ascii_alphanumeric() || punctuation.contains(c);
        let valid = (1..=LONGEST_ID).contains(&entity.id.len()) && entity.id.chars().all(allowed);
        valid.then_some(Self::Entity(entity))
    }

    /// Whether an event about `entity` belongs to this topic.
    pub(super) fn covers(&self, entity: &Entity) -> bool {
        match self {
            Self::Entity(one) => one == entity,
            Self::Each(kind) | Self::Class(kind) => *kind == entity.kind,
            Self::Everything => true,
        }
    }

    /// The `event:` name under which this topic tells of an event.
    pub(super) fn event_name<'a>(&self, entity: &Entity, event_type: &'a str) -> &'a str {
        match self {
            Self::Class(_) => entity.kind.as_str(),
            Self::Entity(_) | Self::Each(_) | Self::Everything => event_type,
        }
    }

    /// The rows of the log that belong to this topic.
    pub(super) fn filter(&self) -> EventFilter {
        match self {
            Self::Entity(entity) => EventFilter::Entity(entity.clone()),
            Self::Each(kind) | Self::Class(kind) => EventFilter::Kind(*kind),
            Self::Everything => EventFilter::All,
        }
    }
}

fn class_name(kind: EntityKind) -> &'static str {
    match kind {
        EntityKind::Job => "jobs",
        EntityKind::Canary => "canaries",
        EntityKind::Model => "models",
    }
}

/// What one stream is about; displays as the client asked, comma-joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topics {
    asked: Box<str>,
    topics: Vec<Topic>,
}

impl Topics {
    /// Reads the topics that a client asked for.
    ///
    /// # Errors
    /// There are none or more than 16, or one has none of the known forms.
    pub fn parse<S: AsRef<str>>(asked: &[S]) -> Result<Self, TopicError> {
        if asked.is_empty() || MOST < asked.len() {
            return Err(TopicError::Count);
        }
        let mut topics = Vec::with_capacity(asked.len());
        for text in asked {
            let topic = Topic::parse(text.as_ref()).ok_or(TopicError::Form)?;
            if !topics.contains(&topic) {
                topics.push(topic);
            }
        }
        let asked: Vec<&str> = asked.iter().map(AsRef::as_ref).collect();
        Ok(Self { asked: asked.join(",").into(), topics })
    }

    /// The rows of the log that belong to any of the topics.
    pub fn filters(&self) -> Vec<EventFilter> {
        self.topics.iter().map(Topic::filter).collect()
    }

    /// The topics in the order asked, each once.
    pub(super) fn each(&self) -> &[Topic] {
        &self.topics
    }
}

impl fmt::Display for Topics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.asked)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Topic) {
        let topics = Topics::parse(&[text]).unwrap();
        assert_eq!(topics.to_string(), text);
        assert_eq!(topics.each(), [expected]);
    }

    #[test]
    fn every_form_is_understood() {
        let entity = |kind, id: &str| Topic::Entity(Entity { kind, id: id.into() });
        check(
            "job/job_V1StGXR8_Z5jdHi6B-myT",
            entity(EntityKind::Job, "job_V1StGXR8_Z5jdHi6B-myT"),
        );
        check("job/x", entity(EntityKind::Job, "x"));
        check("canary/canary_1", entity(EntityKind::Canary, "canary_1"));
        check("model/org:llama-3.1_8b", entity(EntityKind::Model, "org:llama-3.1_8b"));
        let longest = "m".repeat(128);
        check(&format!("model/{longest}"), entity(EntityKind::Model, &longest));
        check("job/*", Topic::Each(EntityKind::Job));
        check("canary/*", Topic::Each(EntityKind::Canary));
        check("model/*", Topic::Each(EntityKind::Model));
        check("jobs", Topic::Class(EntityKind::Job));
        check("canaries", Topic::Class(EntityKind::Canary));
        check("models", Topic::Class(EntityKind::Model));
        check("*", Topic::Everything);
    }

    #[test]
    fn what_has_no_known_form_is_refused_without_being_repeated() {
        let long = "x".repeat(10_000);
        let too_long = format!("job/{}", "x".repeat(129));
        for text in [
            "",
            " ",
            "job",
            "job/",
            "jobs/",
            "jobs/*",
            "jobs/x",
            "Jobs",
            "canarys",
            "**",
            "*/*",
            "/",
            "/x",
            "job/../x",
            "job/..",
            "job/a/b",
            "job/a*",
            "job/**",
            "job/a.b",
            "job/a:b",
            "canary/a.b",
            "job/a b",
            " jobs",
            "jobs ",
            "jobs,models",
            "user/x",
            "job/x\r\nSet-Cookie: a=b",
            "jobs\n",
            "job/%0d%0a",
            "job/x\u{2028}y",
            "job/x\u{0}",
            "job/é",
            "model/<script>",
            &long,
            &too_long,
        ] {
            let refused = Topics::parse(&["jobs", text]).unwrap_err();
            assert_eq!(refused, TopicError::Form, "{text:?}");
        }
        let words = TopicError::Form.to_string();
        assert!(words.contains("job/<id>") && words.contains("canaries"), "{words}");
        assert_eq!(words.lines().count(), 1);
    }

    #[test]
    fn a_stream_has_one_to_sixteen_topics() {
        let none: [&str; 0] = [];
        assert_eq!(Topics::parse(&none), Err(TopicError::Count));
        assert_eq!(Topics::parse(&vec!["jobs"; 17]), Err(TopicError::Count));
        assert_eq!(Topics::parse(&vec!["jobs"; 1000]), Err(TopicError::Count));
        let sixteen: Vec<String> = (0..16).map(|n| format!("job/{n}")).collect();
        assert_eq!(Topics::parse(&sixteen).unwrap().each().len(), 16);
    }

    #[test]
    fn a_topic_asked_for_twice_is_shown_twice_and_followed_once() {
        let topics = Topics::parse(&["jobs", "*", "jobs"]).unwrap();
        assert_eq!(topics.to_string(), "jobs,*,jobs");
        assert_eq!(topics.each(), [Topic::Class(EntityKind::Job), Topic::Everything]);
    }

    #[test]
    fn only_a_class_tells_under_the_kinds_name() {
        let job = Entity { kind: EntityKind::Job, id: "x".into() };
        let name = |topic: Topic| topic.event_name(&job, "completed").to_owned();
        assert_eq!(name(Topic::Class(EntityKind::Job)), "job");
        assert_eq!(name(Topic::Each(EntityKind::Job)), "completed");
        assert_eq!(name(Topic::Entity(job.clone())), "completed");
        assert_eq!(name(Topic::Everything), "completed");
    }
}
