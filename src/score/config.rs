//! What an eval config may say to `score`. Every key is optional.

use serde::{Deserialize, Serialize};

use super::error::{ConfigFault, ScoreError};
use super::rule::{Matcher, Rule};

/// The longest delay per sample, in milliseconds.
const MAX_PACE_MS: u64 = 60_000;

/// How references and predictions are compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What the config is for, in words for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The rule for samples that bring none.
    #[serde(rename = "match")]
    pub rule: Rule,
    /// What becomes of the rules that samples bring.
    pub sample_rules: SampleRules,
    /// The groups to score; when empty, every sample is scored.
    pub groups: Vec<String>,
    /// Whether the result tells the outcome of every sample.
    pub samples: bool,
    /// A delay after each sample, in milliseconds, to watch an eval in slow motion.
    pub pace_ms: u64,
}

/// What becomes of the rules that samples bring.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SampleRules {
    /// They go before the config's rule.
    #[default]
    Honour,
    /// The config's rule is for all samples.
    Ignore,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            description: None,
            rule: Rule::default(),
            sample_rules: SampleRules::default(),
            groups: Vec::new(),
            samples: true,
            pace_ms: 0,
        }
    }
}

impl Config {
    /// Reads a config from JSON and checks it.
    pub fn from_json(json: &[u8]) -> Result<Self, ScoreError> {
        let config: Self = serde_json::from_slice(json).map_err(|err| {
            let (line, column) = (err.line(), err.column());
            ScoreError::Config(ConfigFault::NotAConfig { why: json_fault(&err), line, column })
        })?;
        if config.pace_ms > MAX_PACE_MS {
            return Err(ScoreError::Config(ConfigFault::TooSlow { limit: MAX_PACE_MS }));
        }
        config.matcher()?;
        Ok(config)
    }

    /// The config's rule, ready to be applied.
    pub(super) fn matcher(&self) -> Result<Matcher, ScoreError> {
        Matcher::new(&self.rule).map_err(|fault| ScoreError::Config(fault.into()))
    }
}

/// What a JSON reader says, without where: a line of JSONL has its own number.
pub(super) fn json_fault(err: &serde_json::Error) -> String {
    let text = err.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned()
}
