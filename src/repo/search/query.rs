//! What is searched for, read from the text that a client sent.

use globset::{GlobBuilder, GlobMatcher};
use regex::{Regex, RegexBuilder};

use super::glob::Glob;

/// The longest query, in bytes.
const LONGEST_QUERY: usize = 1000;

/// The most words and phrases that count; a question is understood by fewer.
const MOST_TERMS: usize = 32;

/// The most patterns.
const MOST_PATTERNS: usize = 4;

/// The most filters of paths.
const MOST_PATHS: usize = 8;

/// The most endings.
const MOST_EXTENSIONS: usize = 32;

/// The most memory that a compiled pattern may take, in bytes. In the worst case each letter of a
/// text costs time in proportion to it. A `\w` takes a fifth of it.
const PATTERN_MEMORY: usize = 256 * 1024;

/// What is said of a pattern that takes more.
const TOO_LARGE: &str = "it is too large; write fewer or smaller counts like {100}, and [a-z_] or \
                         \\S in place of \\w";

/// The forms of a query, for whoever asks with none.
const FORMS: &str =
    "words, \"a phrase\", path:src or path:**/*.md, ext:rs, re:pattern or re:\"a pattern\"";

/// A search, read and checked.
#[derive(Debug, Clone)]
pub struct Query {
    /// Words and phrases, in the order of the text.
    pub(super) terms: Vec<Term>,
    /// Every one of these must match in the contents.
    pub(super) patterns: Vec<Regex>,
    /// Every one of these must fit the path.
    pub(super) paths: Vec<PathFilter>,
    /// One of these must be the ending of the file's name; any will do if there are none.
    pub(super) extensions: Vec<String>,
    /// Whether the text ended as a question does.
    pub(super) is_question: bool,
}

/// A text that is looked for in the contents and the path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Term {
    /// As it was written.
    pub(super) text: String,
    /// Whether it stood in quotation marks: then a file without it is no hit.
    pub(super) is_phrase: bool,
}

/// Which paths are meant.
#[derive(Debug, Clone)]
pub(super) enum PathFilter {
    /// Those that contain this text, in either case.
    Contains(String),
    /// Those that fit, from the root or from any directory.
    Fits(GlobMatcher),
}

/// Why a text is no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// Nothing is searched for.
    #[error("query is empty; it may have {FORMS}")]
    Empty,
    /// It is too long.
    #[error("query has {0} bytes, and at most {LONGEST_QUERY} are allowed")]
    TooLong(usize),
    /// A quotation mark is not closed.
    #[error("query has a quotation mark that is not closed; a phrase is written \"like this\"")]
    OpenPhrase,
    /// Nothing follows the colon.
    #[error("query has {0}: with nothing after it; it may have {FORMS}")]
    NothingAfter(&'static str),
    /// There are too many of one form.
    #[error("query has more than {most} {form}: parts; leave some out, or ask in several searches")]
    TooMany {
        /// The form, without its colon.
        form: &'static str,
        /// How many are allowed.
        most: usize,
    },
    /// The glob is none.
    #[error("query has a path: glob that cannot be read ({0})")]
    Glob(String),
    /// The regular expression is none, or too large.
    #[error("query has a re: pattern that cannot be used ({0})")]
    Pattern(String),
}

impl Query {
    /// Reads a query.
    ///
    /// # Errors
    /// It is empty or too long, or one of its parts cannot be read.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        if LONGEST_QUERY < text.len() {
            return Err(QueryError::TooLong(text.len()));
        }
        let mut query = Self {
            terms: Vec::new(),
            patterns: Vec::new(),
            paths: Vec::new(),
            extensions: Vec::new(),
            is_question: text.trim_end().ends_with('?'),
        };
        let mut rest = text.trim_start_matches(is_gap);
        while !rest.is_empty() {
            rest = query.take_part(rest)?.trim_start_matches(is_gap);
        }
        query.trim_prose();
        if query.terms.is_empty()
            && query.patterns.is_empty()
            && query.paths.is_empty()
            && query.extensions.is_empty()
        {
            return Err(QueryError::Empty);
        }
        Ok(query)
    }

    /// Reads the first part, and returns what follows it.
    fn take_part<'a>(&mut self, text: &'a str) -> Result<&'a str, QueryError> {
        if let Some(rest) = text.strip_prefix('"') {
            let (phrase, rest) = rest.split_once('"').ok_or(QueryError::OpenPhrase)?;
            self.add_term(phrase, true);
            return Ok(rest);
        }
        if let Some(rest) = text.strip_prefix("path:") {
            let (value, rest) = value(rest, false)?;
            check_room("path", self.paths.len(), MOST_PATHS)?;
            self.paths.push(PathFilter::parse(value)?);
            return Ok(rest);
        }
        if let Some(rest) = text.strip_prefix("ext:") {
            let (value, rest) = value(rest, false)?;
            let endings = value.split(',').map(|ending| ending.trim_start_matches('.'));
            let before = self.extensions.len();
            self.extensions.extend(endings.filter(|e| !e.is_empty()).map(str::to_lowercase));
            if self.extensions.len() == before {
                return Err(QueryError::NothingAfter("ext"));
            }
            check_room("ext", self.extensions.len() - 1, MOST_EXTENSIONS)?;
            return Ok(rest);
        }
        if let Some(rest) = text.strip_prefix("re:") {
            let (value, rest) = value(rest, true)?;
            check_room("re", self.patterns.len(), MOST_PATTERNS)?;
            self.patterns.push(pattern(value)?);
            return Ok(rest);
        }
        let (word, rest) = split_at_gap(text);
        self.add_term(word, false);
        Ok(rest)
    }

    fn add_term(&mut self, text: &str, is_phrase: bool) {
        let text = text.trim_matches(is_gap);
        let term = Term { text: text.to_owned(), is_phrase };
        if !text.is_empty() && self.terms.len() < MOST_TERMS && !self.terms.contains(&term) {
            self.terms.push(term);
        }
    }

    /// Takes the marks of a sentence off its words. A single word is taken as it was written.
    fn trim_prose(&mut self) {
        if self.terms.len() < 2 {
            return;
        }
        for term in self.terms.iter_mut().filter(|term| !term.is_phrase) {
            let word = term.text.trim_end_matches(['?', '!', '.', ',', ';']);
            if word.chars().any(char::is_alphanumeric) {
                term.text.truncate(word.len());
            }
        }
    }
}

impl PathFilter {
    fn parse(text: &str) -> Result<Self, QueryError> {
        let text = text.trim_start_matches("./").trim_start_matches('/');
        if text.is_empty() {
            return Err(QueryError::NothingAfter("path"));
        }
        if !text.contains(['*', '?', '[', '{']) {
            return Ok(Self::Contains(text.to_lowercase()));
        }
        // What is allowed is the same wherever a glob is; only what it is compared with is not.
        Glob::parse(text).map_err(|error| QueryError::Glob(visible(&error.to_string())))?;
        let anywhere = if text.starts_with("**/") { text.into() } else { format!("**/{text}") };
        let glob = GlobBuilder::new(&anywhere)
            .literal_separator(true)
            .case_insensitive(true)
            .build()
            .map_err(|error| QueryError::Glob(visible(&error.kind().to_string())))?;
        Ok(Self::Fits(glob.compile_matcher()))
    }

    /// Whether the path is meant.
    pub(super) fn fits(&self, path: &str) -> bool {
        match self {
            Self::Contains(text) => path.to_lowercase().contains(text),
            Self::Fits(glob) => glob.is_match(path),
        }
    }
}

fn is_gap(c: char) -> bool {
    c.is_whitespace() || c.is_control()
}

fn split_at_gap(text: &str) -> (&str, &str) {
    text.split_at(text.find(is_gap).unwrap_or(text.len()))
}

/// What follows a colon: up to the next gap, or in quotation marks. In a pattern, `\"` is no end.
fn value(text: &str, is_pattern: bool) -> Result<(&str, &str), QueryError> {
    let Some(quoted) = text.strip_prefix('"') else { return Ok(split_at_gap(text)) };
    let mut is_escaped = false;
    for (place, c) in quoted.char_indices() {
        match c {
            '"' if !is_escaped => return Ok((&quoted[..place], &quoted[place + 1..])),
            '\\' if is_pattern => is_escaped = !is_escaped,
            _ => is_escaped = false,
        }
    }
    Err(QueryError::OpenPhrase)
}

/// Whether one more part of a form is allowed.
fn check_room(form: &'static str, count: usize, most: usize) -> Result<(), QueryError> {
    if count < most { Ok(()) } else { Err(QueryError::TooMany { form, most }) }
}

fn pattern(text: &str) -> Result<Regex, QueryError> {
    if text.is_empty() {
        return Err(QueryError::NothingAfter("re"));
    }
    RegexBuilder::new(text).multi_line(true).size_limit(PATTERN_MEMORY).build().map_err(|error| {
        match error {
            regex::Error::CompiledTooBig(_) => QueryError::Pattern(TOO_LARGE.to_owned()),
            // The last line says what is wrong; those before it draw the place.
            error => {
                let text = error.to_string();
                let last = text.lines().last().unwrap_or_default();
                QueryError::Pattern(visible(last.trim_start_matches("error: ")))
            }
        }
    })
}

/// A library's words about a text, which may quote any of its characters.
fn visible(text: &str) -> String {
    text.replace(char::is_control, "\u{fffd}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        Query::parse(text).unwrap().terms.into_iter().map(|term| term.text).collect()
    }

    #[test]
    fn words_are_taken_as_they_are_written() {
        for (text, expected) in [
            ("parse", vec!["parse"]),
            ("  two  words\t", vec!["two", "words"]),
            ("std::fs", vec!["std::fs"]),
            ("http://x.y/z?a=b", vec!["http://x.y/z?a=b"]),
            ("foo:bar -x", vec!["foo:bar", "-x"]),
            ("what?", vec!["what?"]),
            ("how does it work?", vec!["how", "does", "it", "work"]),
            ("a\0b", vec!["a", "b"]),
            ("twice twice", vec!["twice"]),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }

    #[test]
    fn a_phrase_is_one_term() {
        let query = Query::parse("\"rate limit\" path:src").unwrap();
        assert_eq!(query.terms, [Term { text: "rate limit".to_owned(), is_phrase: true }]);
        assert!(query.paths[0].fits("src/http/limit.rs") && !query.paths[0].fits("docs/a.md"));
    }

    #[test]
    fn paths_fit_from_the_root_and_from_any_directory() {
        for (filter, path, fits) in [
            ("path:docs", "Docs/a.md", true),
            ("path:*.rs", "src/a/b.rs", true),
            ("path:src/*.rs", "src/a/b.rs", false),
            ("path:src/**/*.rs", "src/a/b.rs", true),
            ("path:a/*.rs", "src/a/b.rs", true),
            ("path:\"my notes\"", "my notes/x", true),
            ("path:/src", "src/x", true),
        ] {
            let query = Query::parse(filter).unwrap();
            assert_eq!(query.paths[0].fits(path), fits, "{filter} on {path}");
        }
    }

    #[test]
    fn endings_are_taken_with_and_without_their_dot() {
        assert_eq!(Query::parse("ext:RS,.toml x").unwrap().extensions, ["rs", "toml"]);
    }

    #[test]
    fn patterns_may_have_gaps_and_quotation_marks() {
        for (text, fits) in [
            (r"re:fn\s+\w+", "fn main"),
            ("re:\"pub fn \\w+\"", "pub fn x"),
            (r#"re:"say \"hi\"""#, r#"say "hi""#),
            ("re:^b$", "a\nb\nc"),
        ] {
            assert!(Query::parse(text).unwrap().patterns[0].is_match(fits), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert_eq!(Query::parse(" \n").unwrap_err(), QueryError::Empty);
        assert_eq!(Query::parse("\"\"").unwrap_err(), QueryError::Empty);
        assert_eq!(Query::parse("\"open").unwrap_err(), QueryError::OpenPhrase);
        assert_eq!(Query::parse("re:\"open").unwrap_err(), QueryError::OpenPhrase);
        assert_eq!(Query::parse("path:").unwrap_err(), QueryError::NothingAfter("path"));
        assert_eq!(Query::parse("ext:.").unwrap_err(), QueryError::NothingAfter("ext"));
        assert_eq!(Query::parse("re:").unwrap_err(), QueryError::NothingAfter("re"));
        assert_eq!(Query::parse(&"x".repeat(1001)).unwrap_err(), QueryError::TooLong(1001));
        for text in ["re:(", "re:a{1000}{1000}", "re:*", "path:{a", "path:\"[z-\0]\""] {
            let error = Query::parse(text).unwrap_err();
            let is_expected = matches!(error, QueryError::Pattern(_) | QueryError::Glob(_));
            assert!(is_expected && !error.to_string().contains(char::is_control), "{error:?}");
        }
    }

    #[test]
    fn what_would_cost_too_much_is_refused() {
        for text in ["re:a[ab]{6000}c", "re:\\w{40}", "re:(?:a?b?){3000}"] {
            let error = Query::parse(text).unwrap_err();
            assert_eq!(error, QueryError::Pattern(TOO_LARGE.to_owned()), "{text}");
        }
        for (text, form, most) in [
            ("re:a ", "re", MOST_PATTERNS),
            ("path:a ", "path", MOST_PATHS),
            ("path:*.rs ", "path", MOST_PATHS),
            ("ext:rs ", "ext", MOST_EXTENSIONS),
            ("ext:rs,c ", "ext", MOST_EXTENSIONS / 2),
        ] {
            Query::parse(&text.repeat(most)).unwrap();
            let error = Query::parse(&text.repeat(most + 1)).unwrap_err();
            assert!(matches!(error, QueryError::TooMany { form: it, .. } if it == form), "{error}");
        }
        let nested = format!("path:{}a{}", "{".repeat(4), "}".repeat(4));
        let wide = format!("path:{{{}a}}", "a,".repeat(40));
        let long = format!("path:*{}", "a".repeat(256));
        for text in [&*nested, &*wide, &*long, "path:a/../*.rs"] {
            let error = Query::parse(text).unwrap_err();
            assert!(matches!(error, QueryError::Glob(_)), "{text}: {error}");
        }
    }

    #[test]
    fn usual_patterns_are_small_enough() {
        for text in [
            r#"re:"pub fn \w+\(\w+: \w+\) -> \w+""#,
            r"re:(?i)\btodo\b.{0,200}\d+",
            r"re:impl<.*>\s+\w+\s+for\s+\w+",
            r"re:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}",
        ] {
            assert!(Query::parse(text).is_ok(), "{text}");
        }
    }

    #[test]
    fn an_empty_query_is_told_the_forms() {
        let said = QueryError::Empty.to_string();
        assert!(["path:", "ext:", "re:"].iter().all(|form| said.contains(form)), "{said}");
    }
}
