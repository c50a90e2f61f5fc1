//! The reader of queries: what it understands is bounded, searches without failing, and is
//! understood the same when it is written down again.

// What the search takes globs from.
#[path = "../../src/repo/glob.rs"]
pub mod glob;
// Its fields are known to the search alone, the place of which this file takes.
#[path = "../../src/repo/search/query.rs"]
mod parser;

use self::parser::{Query, Term};

/// Checks one text.
pub fn check(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let query = match Query::parse(&text) {
        Ok(query) => query,
        Err(refusal) => {
            let sentence = refusal.to_string();
            assert!(sentence.len() < 4000 && !sentence.contains(char::is_control), "{sentence:?}");
            assert!(!is_plain(&text), "{text:?} is refused: {refusal}");
            return;
        }
    };
    query.terms.iter().for_each(check_term);
    assert!(query.terms.len() <= 32, "{} terms", query.terms.len());
    assert!(query.patterns.len() <= 4 && query.paths.len() <= 8, "{query:?}");
    assert!(query.extensions.len() <= 32, "{query:?}");
    assert!(query.extensions.iter().all(|it| !it.is_empty() && !it.starts_with('.')), "{query:?}");
    assert_eq!(query.is_question, text.trim_end().ends_with('?'), "{text:?}");
    for pattern in &query.patterns {
        pattern.is_match(&text);
    }
    for path in &query.paths {
        path.fits(&text);
        path.fits("src/repo/search/query.rs");
    }
    check_again(&query);
}

/// A few words of letters, which mean themselves.
fn is_plain(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.bytes().all(|b| b.is_ascii_lowercase());
    text.len() < 1000 && text.split(' ').all(is_word)
}

fn check_term(term: &Term) {
    let is_gap = |c: char| c.is_whitespace() || c.is_control();
    let text = &term.text;
    assert!(!text.is_empty() && !text.starts_with(is_gap) && !text.ends_with(is_gap), "{term:?}");
    if term.is_phrase {
        assert!(!text.contains('"'), "{term:?}");
    } else {
        assert!(!text.contains(is_gap), "{term:?}");
    }
}

/// Words and phrases written down are read as they are.
fn check_again(query: &Query) {
    let mut terms: Vec<Term> = Vec::new();
    for term in &query.terms {
        // Two words can become one when the marks of a sentence are taken off.
        if !terms.contains(term) {
            terms.push(term.clone());
        }
    }
    let written: Vec<String> = terms.iter().map(written).collect();
    let text = written.join(" ");
    if terms.is_empty() || 1000 < text.len() {
        return;
    }
    let again = Query::parse(&text).unwrap_or_else(|why| panic!("{why}: {text:?}"));
    assert_eq!(again.terms, terms, "{text:?} is read as something else");
}

fn written(term: &Term) -> String {
    if term.is_phrase { format!("\"{}\"", term.text) } else { term.text.clone() }
}
