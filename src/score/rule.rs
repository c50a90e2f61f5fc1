//! How a prediction is compared with a reference: the settings, and what they do.

use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};

use super::error::RuleFault;
use super::normalise::{Articles, normalise};
use super::number::{Number, numbers, whole};

/// The longest pattern, in bytes.
const MAX_PATTERN: usize = 4096;

/// The most memory that a compiled pattern may take, in bytes. One search is linear in the
/// text for any pattern; this bounds the factor.
const MAX_COMPILED: usize = 1 << 20;

/// How a prediction is compared, as a config or a sample says it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Rule {
    /// The same code points, white space at the ends included.
    Exact {},
    /// The same text but for case, punctuation, articles and white space.
    #[serde(alias = "normalized")]
    Normalised {},
    /// The reference's words, normalised but with articles, follow one another in the prediction.
    Contains {},
    /// The same number, within a tolerance.
    Numeric(Numeric),
    /// A pattern finds the reference, or is the reference.
    Regex(Pattern),
}

impl Default for Rule {
    fn default() -> Self {
        Self::Normalised {}
    }
}

/// Which of several finds is the answer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Pick {
    /// The one nearest to the beginning.
    First,
    /// The one nearest to the end, where models tend to conclude.
    #[default]
    Last,
}

/// Numbers are the same when |prediction − reference| ≤ max(absolute, relative · |reference|).
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Numeric {
    /// Which number of the prediction counts.
    pub pick: Pick,
    /// A distance in the reference's unit.
    pub absolute: f64,
    /// A distance as a share of the reference, from 0 to 1.
    pub relative: f64,
}

/// With `pattern`: what its capture finds in the prediction is compared with the references.
/// Without: each reference is a pattern, and one of them must match somewhere in the prediction.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Pattern {
    /// A pattern with a capture group; the group named `answer`, else the first, is the answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Which match of `pattern` counts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pick: Option<Pick>,
    /// How what `pattern` captured is compared; exactly, unless told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compare: Option<Comparison>,
    /// Whether patterns ignore case.
    pub ignore_case: bool,
}

/// The rules that need no pattern.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "mode", rename_all = "snake_case", deny_unknown_fields)]
pub enum Comparison {
    /// As [`Rule::Exact`].
    Exact {},
    /// As [`Rule::Normalised`].
    #[serde(alias = "normalized")]
    Normalised {},
    /// As [`Rule::Contains`].
    Contains {},
    /// As [`Rule::Numeric`].
    Numeric(Numeric),
}

/// The name of a rule's mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// [`Rule::Exact`]
    Exact,
    /// [`Rule::Normalised`]
    Normalised,
    /// [`Rule::Contains`]
    Contains,
    /// [`Rule::Numeric`]
    Numeric,
    /// [`Rule::Regex`]
    Regex,
}

/// What a comparison came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// Whether the prediction is right.
    pub(super) is_correct: bool,
    /// What of the prediction was compared, where that is not the prediction as it stands.
    pub(super) read_as: Option<String>,
}

/// A rule that is known to work, ready to be applied.
#[derive(Debug, Clone)]
pub(super) struct Matcher {
    mode: Mode,
    capture: Option<Capture>,
    test: Test,
}

#[derive(Debug, Clone)]
struct Capture {
    regex: Regex,
    group: usize,
    pick: Pick,
}

#[derive(Debug, Clone)]
enum Test {
    Exact,
    Normalised,
    Contains,
    Numeric(Numeric),
    /// The references are patterns.
    Patterns {
        ignore_case: bool,
    },
}

impl Matcher {
    /// Prepares a rule, or says what is wrong with it.
    pub(super) fn new(rule: &Rule) -> Result<Self, RuleFault> {
        let plain = |mode, test| Self { mode, capture: None, test };
        Ok(match rule {
            Rule::Exact {} => plain(Mode::Exact, Test::Exact),
            Rule::Normalised {} => plain(Mode::Normalised, Test::Normalised),
            Rule::Contains {} => plain(Mode::Contains, Test::Contains),
            Rule::Numeric(numeric) => plain(Mode::Numeric, Test::numeric(numeric)?),
            Rule::Regex(settings) => match &settings.pattern {
                Some(pattern) => Self {
                    mode: Mode::Regex,
                    capture: Some(Capture::new(pattern, settings)?),
                    test: match &settings.compare {
                        None | Some(Comparison::Exact {}) => Test::Exact,
                        Some(Comparison::Normalised {}) => Test::Normalised,
                        Some(Comparison::Contains {}) => Test::Contains,
                        Some(Comparison::Numeric(numeric)) => Test::numeric(numeric)?,
                    },
                },
                None if settings.pick.is_some() => return Err(needs_pattern("pick")),
                None if settings.compare.is_some() => return Err(needs_pattern("compare")),
                None => plain(Mode::Regex, Test::Patterns { ignore_case: settings.ignore_case }),
            },
        })
    }

    /// The mode of the rule that this was made of.
    pub(super) fn mode(&self) -> Mode {
        self.mode
    }

    /// Says whether predictions can be compared with these references at all.
    pub(super) fn check(&self, references: &[String]) -> Result<(), RuleFault> {
        references.iter().try_for_each(|reference| self.test.accepts(reference, "").map(drop))
    }

    /// Compares. A prediction is right when it agrees with any one of the references.
    pub(super) fn judge(
        &self,
        references: &[String],
        prediction: &str,
    ) -> Result<Verdict, RuleFault> {
        let answer = match &self.capture {
            None => prediction,
            Some(capture) => match capture.find(prediction) {
                Some(answer) => answer,
                None => return Ok(Verdict { is_correct: false, read_as: None }),
            },
        };
        let mut is_correct = false;
        for reference in references {
            is_correct = is_correct || self.test.accepts(reference, answer)?;
        }
        let read_as = self.test.reading(answer).filter(|read| read != prediction);
        Ok(Verdict { is_correct, read_as })
    }
}

fn needs_pattern(field: &'static str) -> RuleFault {
    RuleFault::Incomplete { field, needs: "pattern" }
}

impl Capture {
    fn new(pattern: &str, settings: &Pattern) -> Result<Self, RuleFault> {
        let regex = compile(pattern, settings.ignore_case)?;
        if regex.captures_len() < 2 {
            return Err(RuleFault::NoCapture);
        }
        let group = regex.capture_names().position(|name| name == Some("answer")).unwrap_or(1);
        Ok(Self { regex, group, pick: settings.pick.unwrap_or_default() })
    }

    fn find<'t>(&self, text: &'t str) -> Option<&'t str> {
        let mut matches = self.regex.captures_iter(text);
        let found = match self.pick {
            Pick::First => matches.next(),
            Pick::Last => matches.last(),
        };
        found?.get(self.group).map(|capture| capture.as_str())
    }
}

impl Test {
    fn numeric(settings: &Numeric) -> Result<Self, RuleFault> {
        if !(settings.absolute.is_finite() && settings.absolute >= 0.0) {
            return Err(RuleFault::BadTolerance { field: "absolute", allowed: "0 or more" });
        }
        if !(0.0..=1.0).contains(&settings.relative) {
            return Err(RuleFault::BadTolerance { field: "relative", allowed: "from 0 to 1" });
        }
        Ok(Self::Numeric(settings.clone()))
    }

    fn accepts(&self, reference: &str, answer: &str) -> Result<bool, RuleFault> {
        match self {
            Self::Exact => Ok(reference == answer),
            Self::Normalised => {
                Ok(expected_words(reference, Articles::Drop)? == normalise(answer, Articles::Drop))
            }
            Self::Contains => {
                let expected = expected_words(reference, Articles::Keep)?;
                let said = normalise(answer, Articles::Keep);
                Ok(format!(" {said} ").contains(&format!(" {expected} ")))
            }
            Self::Numeric(settings) => {
                let expected =
                    whole(reference).ok_or_else(|| RuleFault::NotANumber(excerpt(reference)))?;
                Ok(settings
                    .number_in(answer)
                    .is_some_and(|said| settings.agree(expected, said.value)))
            }
            Self::Patterns { ignore_case } => {
                Ok(compile(reference, *ignore_case)?.is_match(answer))
            }
        }
    }

    /// The answer as it is compared.
    fn reading(&self, answer: &str) -> Option<String> {
        match self {
            Self::Exact => Some(answer.to_owned()),
            Self::Normalised => Some(normalise(answer, Articles::Drop)),
            Self::Contains => Some(normalise(answer, Articles::Keep)),
            Self::Numeric(settings) => settings.number_in(answer).map(|said| said.text.to_owned()),
            Self::Patterns { .. } => None,
        }
    }
}

impl Numeric {
    fn number_in<'t>(&self, text: &'t str) -> Option<Number<'t>> {
        let mut found = numbers(text);
        match self.pick {
            Pick::First => found.next(),
            Pick::Last => found.last(),
        }
    }

    fn agree(&self, expected: f64, said: f64) -> bool {
        let tolerance = self.absolute.max(self.relative * expected.abs());
        // An infinite `said` is further away than any tolerance, as all of these are finite.
        (said - expected).abs() <= tolerance
    }
}

fn expected_words(reference: &str, articles: Articles) -> Result<String, RuleFault> {
    let words = normalise(reference, articles);
    if words.is_empty() {
        return Err(RuleFault::NothingLeft(excerpt(reference)));
    }
    Ok(words)
}

fn compile(pattern: &str, ignore_case: bool) -> Result<Regex, RuleFault> {
    let bad = |why: &str| RuleFault::BadPattern { pattern: excerpt(pattern), why: why.to_owned() };
    if pattern.len() > MAX_PATTERN {
        return Err(bad(&format!("it is longer than {MAX_PATTERN} bytes")));
    }
    RegexBuilder::new(pattern)
        .case_insensitive(ignore_case)
        .size_limit(MAX_COMPILED)
        .dfa_size_limit(MAX_COMPILED)
        .build()
        .map_err(|err| match err {
            regex::Error::CompiledTooBig(_) => bad("it is too large when compiled"),
            // A syntax error is a drawing of several lines, whose last one says what is wrong.
            other => {
                let text = other.to_string();
                bad(text.rsplit("error: ").next().unwrap_or(&text).trim())
            }
        })
}

/// Enough of a text to recognise it by.
fn excerpt(text: &str) -> String {
    const MAX: usize = 80;
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
