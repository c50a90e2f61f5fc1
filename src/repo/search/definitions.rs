//! Which name a line of a file defines, told from its first words: a function, a type, a setting, a
//! table, a heading. It is a look at one line and no parser; ranking is all that depends on it.

use std::ops::Range;

use super::words::words;

/// How a file's lines are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Language {
    /// A programming language that names what it defines after a keyword.
    Keywords,
    /// The same, where functions stand at the margin with their type before them.
    C,
    /// Text with headings.
    Markup,
    /// `key = value`, in sections.
    Settings,
    /// `key: value`.
    Yaml,
    /// `"key": value`.
    Json,
    /// `create table name`.
    Sql,
    /// `name() {`.
    Shell,
    /// Anything else.
    Plain,
}

/// Words after which a name is defined.
const KEYWORDS: [&str; 24] = [
    "fn",
    "struct",
    "enum",
    "union",
    "trait",
    "type",
    "class",
    "def",
    "func",
    "function",
    "const",
    "static",
    "interface",
    "mod",
    "module",
    "namespace",
    "macro_rules",
    "define",
    "object",
    "record",
    "protocol",
    "package",
    "typedef",
    "extension",
];

/// The same, at the margin only: elsewhere they name what nobody looks for.
const AT_MARGIN: [&str; 3] = ["let", "var", "val"];

/// Words that may stand before such a keyword.
const MODIFIERS: [&str; 25] = [
    "pub",
    "crate",
    "export",
    "default",
    "async",
    "unsafe",
    "extern",
    "public",
    "private",
    "protected",
    "internal",
    "final",
    "abstract",
    "inline",
    "virtual",
    "override",
    "sealed",
    "partial",
    "open",
    "data",
    "declare",
    "in",
    "super",
    "C",
    "mut",
];

/// What statements of C begin with that look like functions at the margin.
const STATEMENTS: [&str; 6] = ["if", "for", "while", "switch", "return", "else"];

impl Language {
    /// The language of a file, by the ending of its name in lower case.
    pub(super) fn of(extension: &str) -> Self {
        match extension {
            "rs" | "py" | "pyi" | "go" | "js" | "mjs" | "cjs" | "jsx" | "ts" | "tsx" | "java"
            | "kt" | "kts" | "swift" | "rb" | "php" | "cs" | "scala" | "zig" | "dart" | "lua"
            | "ex" | "exs" | "proto" => Self::Keywords,
            "c" | "h" | "cc" | "cpp" | "cxx" | "hh" | "hpp" | "m" => Self::C,
            "md" | "markdown" | "mdx" | "adoc" | "rst" => Self::Markup,
            "toml" | "ini" | "cfg" | "conf" | "env" | "properties" | "service" => Self::Settings,
            "yaml" | "yml" => Self::Yaml,
            "json" => Self::Json,
            "sql" => Self::Sql,
            "sh" | "bash" | "zsh" => Self::Shell,
            _ => Self::Plain,
        }
    }
}

/// The name that a line defines, or the text of its heading, as bytes of the line.
pub(super) fn defined(line: &str, language: Language) -> Option<Range<usize>> {
    // A line this long is no definition that somebody would look for.
    if line.is_empty() || 500 < line.len() {
        return None;
    }
    match language {
        Language::Keywords => after_keyword(line),
        Language::C => at_margin(line).or_else(|| after_keyword(line)),
        Language::Markup => heading(line),
        Language::Settings => section(line).or_else(|| before(line, '=')),
        Language::Yaml => before(line, ':'),
        Language::Json => line.trim_start().starts_with('"').then(|| before(line, ':')).flatten(),
        Language::Sql => created(line),
        Language::Shell => shell_function(line).or_else(|| before(line, '=')),
        Language::Plain => None,
    }
}

fn after_keyword(line: &str) -> Option<Range<usize>> {
    let first = *line.trim_start().as_bytes().first()?;
    if !(first.is_ascii_alphabetic() || first == b'#') {
        return None;
    }
    let is_at_margin = !line.starts_with([' ', '\t']);
    let mut is_after = false;
    for range in words(line).take(8) {
        let word = &line[range.clone()];
        let is_keyword = KEYWORDS.contains(&word) || is_at_margin && AT_MARGIN.contains(&word);
        if is_after && !is_keyword && !MODIFIERS.contains(&word) {
            return method(line, range);
        }
        if !is_keyword && !MODIFIERS.contains(&word) {
            return None;
        }
        is_after |= is_keyword;
    }
    None
}

/// The name itself, or what follows the receiver of a method of Go.
fn method(line: &str, name: Range<usize>) -> Option<Range<usize>> {
    let before = line[..name.start].trim_end();
    let receiver = before.strip_suffix('(').map(str::trim_end);
    if !receiver.is_some_and(|before| before.ends_with("func")) {
        return Some(name);
    }
    let close = name.end + line[name.end..].find(')')?;
    let after = words(&line[close..]).next()?;
    Some(close + after.start..close + after.end)
}

/// A function of C: it begins at the margin, and the line does not end as a statement does.
fn at_margin(line: &str) -> Option<Range<usize>> {
    let first = line.chars().next()?;
    if !(first.is_alphabetic() || first == '_') || line.trim_end().ends_with(';') {
        return None;
    }
    let open = line.find('(')?;
    let name = words(&line[..open]).last().filter(|name| name.end == open)?;
    (!STATEMENTS.contains(&&line[name.clone()])).then_some(name)
}

fn heading(line: &str) -> Option<Range<usize>> {
    let text = line.trim_start_matches(['#', '=']);
    let level = line.len() - text.len();
    (matches!(level, 1..=6) && text.starts_with(' ')).then_some(level..line.len())
}

fn section(line: &str) -> Option<Range<usize>> {
    let start = line.len() - line.trim_start_matches('[').len();
    let end = line.find(']')?;
    (0 < start && start < end).then_some(start..end)
}

/// The key before a sign, if the line begins with one.
fn before(line: &str, sign: char) -> Option<Range<usize>> {
    let end = line.find(sign)?;
    let key =
        line[..end].trim_start_matches([' ', '\t', '-', '"', '#']).trim_end_matches([' ', '"']);
    let key = key.strip_prefix("export ").unwrap_or(key);
    let is_key = !key.is_empty()
        && key.len() < 100
        && key.chars().all(|c| c.is_alphanumeric() || "_-./".contains(c));
    let start = line[..end].rfind(key)?;
    is_key.then_some(start..start + key.len())
}

fn created(line: &str) -> Option<Range<usize>> {
    let mut is_created = false;
    for range in words(line).take(8) {
        match line[range.clone()].to_ascii_lowercase().as_str() {
            "create" | "alter" => is_created = true,
            "table" | "unique" | "index" | "view" | "trigger" | "virtual" | "temporary"
            | "temp" | "if" | "not" | "exists" => {}
            _ => return is_created.then_some(range),
        }
    }
    None
}

fn shell_function(line: &str) -> Option<Range<usize>> {
    let open = line.find("()")?;
    let name = words(&line[..open]).last().filter(|name| name.end == open)?;
    let rest = line[..name.start].trim();
    (rest.is_empty() || rest == "function").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn definitions_are_seen() {
        for (ending, line, name) in [
            ("rs", "pub(crate) async fn start(settings: S) -> Self {", "start"),
            ("rs", "    pub struct Seen {", "Seen"),
            ("rs", "pub const fn x() {}", "x"),
            ("rs", "const LONGEST: usize = 3;", "LONGEST"),
            ("rs", "macro_rules! ids {", "ids"),
            ("py", "class Server(Base):", "Server"),
            ("py", "async def run(self):", "run"),
            ("go", "func (s *Server) Serve(l net.Listener) error {", "Serve"),
            ("go", "type Server struct {", "Server"),
            ("ts", "export default function main() {", "main"),
            ("java", "public final class Main {", "Main"),
            ("c", "#define PAGE_SIZE 4096", "PAGE_SIZE"),
            ("c", "static int sqlite3_open(const char *name)", "sqlite3_open"),
            ("md", "## What it costs", " What it costs"),
            ("toml", "[store.limits]", "store.limits"),
            ("toml", "max_queued = 5", "max_queued"),
            ("toml", "# port = 8766", "port"),
            ("yml", "  runs-on: ubuntu", "runs-on"),
            ("json", "  \"modelId\": 3", "modelId"),
            ("sql", "CREATE TABLE IF NOT EXISTS jobs (", "jobs"),
            ("sh", "end() {", "end"),
            ("sh", "export PORT=1", "PORT"),
        ] {
            let found = defined(line, Language::of(ending)).map(|range| &line[range]);
            assert_eq!(found, Some(name), "{line}");
        }
    }

    #[test]
    fn uses_are_no_definitions() {
        for (ending, line) in [
            ("rs", "    start(settings)?;"),
            ("rs", "// fn of old"),
            ("rs", "pub use self::query::Query;"),
            ("py", "return x"),
            ("c", "foo(bar);"),
            ("md", "#hashtag"),
            ("md", "plain text"),
            ("toml", "\"a b\" = 1, c == d"),
            ("txt", "class of 1999"),
            ("rs", ""),
        ] {
            assert_eq!(defined(line, Language::of(ending)), None, "{line}");
        }
    }
}
