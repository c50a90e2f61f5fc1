//! What can be wrong with what is to be scored.

use std::fmt;

/// One of the files that scoring reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input {
    /// What the right answers are.
    References,
    /// What the model said.
    Predictions,
    /// How the two are compared.
    Config,
}

impl fmt::Display for Input {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::References => "references",
            Self::Predictions => "predictions",
            Self::Config => "config",
        })
    }
}

/// Why there is no score. `Display` names kinds of files and lines, never paths.
#[derive(Debug, thiserror::Error)]
pub enum ScoreError {
    /// A file is missing or could not be read to its end.
    #[error("the {file} file cannot be read")]
    Unreadable {
        /// Which file.
        file: Input,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// A line of a file is wrong.
    #[error("{file} line {line}: {fault}")]
    Line {
        /// Which file.
        file: Input,
        /// Which line, from 1.
        line: usize,
        /// What is wrong with it.
        fault: LineFault,
    },
    /// The config is wrong.
    #[error("config: {0}")]
    Config(ConfigFault),
    /// There is nothing to score.
    #[error("the references file holds no sample; at least one is needed")]
    NoSamples,
    /// The result could not be put in its place. What was there before is still there.
    #[error("the result file cannot be written")]
    ResultNotWritten(#[source] std::io::Error),
}

/// What is wrong with a line of the references or the predictions.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineFault {
    /// It holds bytes that are no text.
    #[error("is not UTF-8")]
    NotUtf8,
    /// It has no end in sight.
    #[error("is longer than {limit} bytes")]
    TooLong {
        /// The longest a line may be, in bytes.
        limit: usize,
    },
    /// It is not the JSON object that it should be.
    #[error("{why} (column {column})")]
    NotASample {
        /// What the JSON reader misses.
        why: String,
        /// Where on the line, in bytes from 1.
        column: usize,
    },
    /// The id cannot name a sample.
    #[error("`id` must be 1 to 256 bytes long")]
    BadId,
    /// The group cannot be part of a metric's name.
    #[error("`group` must match [A-Za-z0-9._-]{{1,64}}")]
    BadGroup,
    /// Every group is a metric, and a result with ever so many is of no use to anybody.
    #[error("there are more than {limit} groups")]
    TooManyGroups {
        /// How many there may be.
        limit: usize,
    },
    /// There is no right answer.
    #[error("`reference` must hold at least one answer")]
    NoReference,
    /// An earlier line of the same file has the same id.
    #[error("the id {id:?} is on line {first_line} already")]
    DuplicateId {
        /// The id.
        id: String,
        /// Where it was first.
        first_line: usize,
    },
    /// The prediction is for a sample that there is not.
    #[error("no reference has the id {0:?}")]
    UnknownId(String),
    /// The sample cannot be compared in the way that is asked for.
    #[error("{0}")]
    Rule(#[from] RuleFault),
}

/// What is wrong with the config.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigFault {
    /// It is not the JSON object that it should be.
    #[error("{why} (line {line}, column {column})")]
    NotAConfig {
        /// What the JSON reader misses.
        why: String,
        /// Where, from 1.
        line: usize,
        /// Where on the line, in bytes from 1.
        column: usize,
    },
    /// The delay is beyond sense.
    #[error("`pace_ms` must be at most {limit}")]
    TooSlow {
        /// The longest delay, in milliseconds.
        limit: u64,
    },
    /// A group is asked for that no sample is in.
    #[error("`groups` names {name:?}, and no sample is in it; {}", known_groups(.known))]
    UnknownGroup {
        /// What was asked for.
        name: String,
        /// The groups there are.
        known: Vec<String>,
    },
    /// The rule in `match` cannot be applied.
    #[error("{0}")]
    Rule(#[from] RuleFault),
}

fn known_groups(known: &[String]) -> String {
    match known {
        [] => "the samples have no groups".to_owned(),
        some => format!("there are: {}", some.join(", ")),
    }
}

/// What is wrong with a rule, or with a reference under it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RuleFault {
    /// A tolerance that is no distance.
    #[error("`{field}` must be {allowed}")]
    BadTolerance {
        /// The setting.
        field: &'static str,
        /// What it may be.
        allowed: &'static str,
    },
    /// A setting that only means something beside another one.
    #[error("`{field}` needs `{needs}`")]
    Incomplete {
        /// The setting.
        field: &'static str,
        /// What it needs.
        needs: &'static str,
    },
    /// A regular expression that does not compile, or is too large.
    #[error("the pattern {pattern:?} is not valid: {why}")]
    BadPattern {
        /// The pattern, cut to 80 characters.
        pattern: String,
        /// What is wrong with it.
        why: String,
    },
    /// A pattern of the config that picks nothing out.
    #[error("the pattern must have a capture group, which picks the answer out")]
    NoCapture,
    /// A reference that is not a number where one is needed.
    #[error("the reference {0:?} is not a finite number, which mode `numeric` needs")]
    NotANumber(String),
    /// A reference that normalisation leaves nothing of, so that any empty answer would match.
    #[error("the reference {0:?} has no letter or digit left when normalised; use mode `exact`")]
    NothingLeft(String),
}
