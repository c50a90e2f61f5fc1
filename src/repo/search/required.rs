//! Which texts a match of a regular expression must contain, so that most files need not be read.

use regex_syntax::hir::{Class, Hir, HirKind};

use super::words::fold;

/// A match contains one of these texts. In one case.
pub(super) type AnyOf = Vec<String>;

/// The most alternatives that are told apart.
const MOST_ALTERNATIVES: usize = 16;

/// What every match contains: one text of each entry. Nothing, if there is no such thing.
pub(super) fn required(pattern: &str) -> Vec<AnyOf> {
    let mut parser = regex_syntax::ParserBuilder::new().multi_line(true).build();
    let Ok(hir) = parser.parse(pattern) else { return Vec::new() };
    let mut found = Vec::new();
    collect(&hir, &mut found);
    found.retain(|any: &AnyOf| any.iter().all(|text| 1 < text.len()));
    found
}

fn collect(hir: &Hir, found: &mut Vec<AnyOf>) {
    if let Some(text) = fixed(hir) {
        found.push(vec![text]);
        return;
    }
    match hir.kind() {
        HirKind::Capture(capture) => collect(&capture.sub, found),
        HirKind::Repetition(repetition) if 0 < repetition.min => collect(&repetition.sub, found),
        HirKind::Concat(parts) => concat(parts, found),
        HirKind::Alternation(branches) => {
            if let Some(any) = alternatives(branches) {
                found.push(any);
            }
        }
        HirKind::Empty
        | HirKind::Literal(_)
        | HirKind::Class(_)
        | HirKind::Look(_)
        | HirKind::Repetition(_) => {}
    }
}

/// Joins the fixed texts that stand side by side.
fn concat(parts: &[Hir], found: &mut Vec<AnyOf>) {
    let mut run = String::new();
    for part in parts {
        if let Some(text) = fixed(part) {
            run.push_str(&text);
            continue;
        }
        if !run.is_empty() {
            found.push(vec![std::mem::take(&mut run)]);
        }
        collect(part, found);
    }
    if !run.is_empty() {
        found.push(vec![run]);
    }
}

/// The longest text of each branch; none if a branch has none.
fn alternatives(branches: &[Hir]) -> Option<AnyOf> {
    let mut any = AnyOf::new();
    for branch in branches {
        let mut found = Vec::new();
        collect(branch, &mut found);
        let weakest = |any: &AnyOf| any.iter().map(String::len).min().unwrap_or(0);
        any.extend(found.into_iter().max_by_key(weakest)?);
    }
    (any.len() <= MOST_ALTERNATIVES).then_some(any)
}

/// The text, if only one is meant when case does not count.
fn fixed(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => std::str::from_utf8(&literal.0).ok().map(fold),
        HirKind::Class(Class::Unicode(class)) => {
            let mut chars = class.iter().flat_map(|range| range.start()..=range.end());
            let first = fold(&chars.next()?.to_string());
            chars.take(8).all(|c| fold(&c.to_string()) == first).then_some(first)
        }
        HirKind::Capture(capture) => fixed(&capture.sub),
        HirKind::Look(_) | HirKind::Empty => Some(String::new()),
        HirKind::Concat(parts) => parts.iter().map(fixed).collect(),
        HirKind::Repetition(repetition) if Some(repetition.min) == repetition.max => {
            let times = usize::try_from(repetition.min).ok().filter(|times| *times <= 64)?;
            fixed(&repetition.sub).map(|text| text.repeat(times))
        }
        HirKind::Class(Class::Bytes(_)) | HirKind::Repetition(_) | HirKind::Alternation(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_match_contains_is_found() {
        for (pattern, expected) in [
            (r"fn\s+parse_\w+", vec![vec!["fn"], vec!["parse_"]]),
            (r"(?i)Hello", vec![vec!["hello"]]),
            ("foo|barbaz", vec![vec!["foo", "barbaz"]]),
            ("a(bc)d", vec![vec!["abcd"]]),
            (r"\bstd::fs\b", vec![vec!["std::fs"]]),
            ("(ab)+x?", vec![vec!["ab"]]),
            ("ax{4}", vec![vec!["axxxx"]]),
            ("ax{4}", vec![vec!["axxxx"]]),
            (r"\w+", vec![]),
            ("foo|x*", vec![]),
            // `(?i)s` also means a long s, which is another letter here.
            ("(?i)straße", vec![vec!["traße"]]),
        ] {
            let found = required(pattern);
            assert_eq!(found, expected, "{pattern}");
        }
    }
}
