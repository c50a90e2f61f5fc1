//! An argument of a task's command, with the places where a run's own values go.

use serde::Deserialize;

/// One argument, taken apart once and filled for each run.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Place(Placeholder),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Placeholder {
    Daemon,
    TaskDirectory,
    Config,
    Result,
    ResultDirectory,
    JobId,
    Repository,
}

/// The placeholders by name, as an error lists them.
const PLACEHOLDERS: [(&str, Placeholder); 7] = [
    ("daemon", Placeholder::Daemon),
    ("task_dir", Placeholder::TaskDirectory),
    ("config", Placeholder::Config),
    ("result", Placeholder::Result),
    ("result_dir", Placeholder::ResultDirectory),
    ("job_id", Placeholder::JobId),
    ("repository", Placeholder::Repository),
];

/// What the placeholders stand for in one run.
#[derive(Debug, Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) daemon: &'a str,
    pub(super) task_directory: &'a str,
    pub(super) config: &'a str,
    pub(super) result: &'a str,
    pub(super) result_directory: &'a str,
    pub(super) job_id: &'a str,
    pub(super) repository: &'a str,
}

/// Why an argument cannot be taken apart.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum TemplateError {
    #[error(
        "unknown placeholder {{{0}}}; there are {placeholders}, and {{{{ and }}}} stand for braces",
        placeholders = names()
    )]
    Unknown(String),
    #[error("a brace that belongs to no placeholder; write {{{{ or }}}} for a brace itself")]
    StrayBrace,
    #[error("an argument cannot contain a zero byte")]
    ZeroByte,
}

fn names() -> String {
    PLACEHOLDERS.map(|(name, _)| format!("{{{name}}}")).join(", ")
}

impl TryFrom<String> for Template {
    type Error = TemplateError;

    fn try_from(argument: String) -> Result<Self, TemplateError> {
        if argument.contains('\0') {
            return Err(TemplateError::ZeroByte);
        }
        let mut pieces = Vec::new();
        let mut text = String::new();
        let mut rest = argument.as_str();
        while let Some(at) = rest.find(['{', '}']) {
            let (before, brace) = rest.split_at(at);
            text.push_str(before);
            if let Some(after) = brace.strip_prefix("{{") {
                text.push('{');
                rest = after;
            } else if let Some(after) = brace.strip_prefix("}}") {
                text.push('}');
                rest = after;
            } else {
                let inside = brace.strip_prefix('{').ok_or(TemplateError::StrayBrace)?;
                let (name, after) = inside.split_once('}').ok_or(TemplateError::StrayBrace)?;
                pieces.push(Piece::Text(std::mem::take(&mut text)));
                pieces.push(Piece::Place(placeholder(name)?));
                rest = after;
            }
        }
        text.push_str(rest);
        pieces.push(Piece::Text(text));
        Ok(Self(pieces))
    }
}

fn placeholder(name: &str) -> Result<Placeholder, TemplateError> {
    let known = PLACEHOLDERS.iter().find(|(known, _)| *known == name);
    // A name can be as long as the file; the message quotes its beginning.
    known
        .map(|(_, placeholder)| *placeholder)
        .ok_or_else(|| TemplateError::Unknown(name.chars().take(40).collect()))
}

impl Template {
    /// The argument of a run with these values.
    pub(super) fn fill(&self, values: &Values<'_>) -> String {
        let fill_piece = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Place(place) => values.of(*place).to_owned(),
        };
        self.0.iter().map(fill_piece).collect()
    }

    /// Whether the argument is empty whatever the values.
    pub(super) fn is_empty(&self) -> bool {
        self.0.iter().all(|piece| matches!(piece, Piece::Text(text) if text.is_empty()))
    }
}

impl Values<'_> {
    fn of(&self, placeholder: Placeholder) -> &str {
        match placeholder {
            Placeholder::Daemon => self.daemon,
            Placeholder::TaskDirectory => self.task_directory,
            Placeholder::Config => self.config,
            Placeholder::Result => self.result,
            Placeholder::ResultDirectory => self.result_directory,
            Placeholder::JobId => self.job_id,
            Placeholder::Repository => self.repository,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'_> = Values {
        daemon: "/bin/daemon",
        task_directory: "/evals/tasks",
        config: "/run/config.json",
        result: "/run/result/result.json",
        result_directory: "/run/result",
        job_id: "job_1",
        repository: "/repo",
    };

    #[track_caller]
    fn check(argument: &str, expected: Result<&str, &str>) {
        let filled = Template::try_from(argument.to_owned()).map(|template| template.fill(&VALUES));
        match (filled, expected) {
            (Ok(filled), Ok(expected)) => assert_eq!(filled, expected),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (filled, expected) => panic!("{argument:?}: {filled:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn placeholders_are_filled_and_braces_escaped() {
        check("", Ok(""));
        check("--flag", Ok("--flag"));
        check("{daemon}", Ok("/bin/daemon"));
        check("{task_dir}/{job_id}.py", Ok("/evals/tasks/job_1.py"));
        check(
            "--o={result},{result_dir},{config}",
            Ok("--o=/run/result/result.json,/run/result,/run/config.json"),
        );
        check("{{\"a\": {{}}}}", Ok("{\"a\": {}}"));
        check("{{{repository}}}", Ok("{/repo}"));
    }

    #[test]
    fn what_is_no_placeholder_is_named() {
        check("{results}", Err("unknown placeholder {results}"));
        check("{}", Err("unknown placeholder {}"));
        check("{Daemon}", Err("{daemon}, {task_dir}, {config}"));
        check("{config", Err("a brace"));
        check("config}", Err("a brace"));
        check("a\0b", Err("zero byte"));
    }
}
