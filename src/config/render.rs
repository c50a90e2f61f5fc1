//! The settings as people read them: printed, as an example file, and as a page.

use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::DEFAULT_FILE;
use super::keys::{Fallback, Group, Setting, all_settings};
use super::load::{Loaded, Resolved};
use super::settings::GROUPS;
use super::value::{Kind, Value};

/// One line a setting: its name, its value (secrets masked) and where it came from.
pub fn render_print(loaded: &Loaded) -> String {
    let heading = ["KEY", "VALUE", "ORIGIN"].map(str::to_owned);
    let rows = loaded
        .origins
        .iter()
        .map(|resolved| [resolved.name.to_owned(), printed(resolved), resolved.origin.to_string()]);
    let rows: Vec<[String; 3]> = std::iter::once(heading).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let (first, second) = (width(0).unwrap_or(0), width(1).unwrap_or(0));
    let mut text = String::new();
    for [name, value, origin] in &rows {
        line(&mut text, format_args!("{name:first$}  {value:second$}  {origin}"));
    }
    text
}

fn printed(resolved: &Resolved) -> String {
    match resolved.value.as_ref().map(Value::show) {
        None => "(not set)".to_owned(),
        // Quoted where a line break or the like would spoil the table.
        Some(Json::String(text)) if text.chars().any(char::is_control) => format!("{text:?}"),
        Some(Json::String(text)) => text,
        Some(other) => other.to_string(),
    }
}

/// The same for programs: `{"server.port": {"value": 8766, "origin": "default"}, …}`.
pub fn render_json(loaded: &Loaded) -> String {
    let entries = loaded.origins.iter().map(|resolved| {
        let value = resolved.value.as_ref().map(Value::show);
        let entry = json!({ "value": value, "origin": resolved.origin.to_string() });
        (resolved.name.to_owned(), entry)
    });
    format!("{:#}", Json::Object(entries.collect::<Map<String, Json>>()))
}

/// A file with every setting commented out, each at its default or at an example.
pub fn render_example() -> String {
    let mut text = String::new();
    for sentence in [
        &format!(
            "Settings of lukhas-mcp, read from {DEFAULT_FILE} in the current directory or from \
             the file named by --config."
        ),
        "To set one, remove the `#` before its name.",
        "Options of the command line and environment variables go before this file.",
        "Relative paths are below the directory of this file.",
    ] {
        comment(&mut text, sentence);
    }
    for group in GROUPS {
        line(&mut text, format_args!(""));
        comment(&mut text, prose(group.meaning));
        line(&mut text, format_args!("[{}]", group.name));
        for setting in group.settings {
            line(&mut text, format_args!(""));
            comment(&mut text, prose(setting.meaning));
            let (default, allowed) = (default_in_words(setting), setting.kind.allowed());
            comment(&mut text, &format!("Default: {default}. Allowed: {allowed}."));
            comment(&mut text, &format!("Also set by {}.", other_names(setting).join(", ")));
            line(&mut text, format_args!("#{} = {}", setting.short_name(), example(setting)));
        }
    }
    text
}

/// The page `docs/configuration.md`.
pub fn render_docs() -> String {
    let mut text = INTRODUCTION.replace("CREDENTIALS", &credentials());
    for group in GROUPS {
        line(&mut text, format_args!("\n## `[{}]`\n\n{}\n", group.name, prose(group.meaning)));
        table(&mut text, group);
    }
    text
}

const INTRODUCTION: &str = "\
# Configuration

<!-- Generated from src/config/settings.rs; a test keeps it equal. -->

A setting is taken from the first of these that has it:

1. an option of the command line,
2. an environment variable,
3. `lukhas-mcp.toml` in the current directory, or the file named by `--config`,
4. the default.

`lukhas-mcp config print` shows every value and where it came from; `lukhas-mcp config example` writes a file to begin with.

- A key in the file that is not below is an error; so is an environment variable that begins with `LUKHAS_MCP_`, except `LUKHAS_MCP_URL`, `LUKHAS_MCP_API_KEY` and `LUKHAS_MCP_API_KEY_FILE`, which client commands read.
- A variable set to nothing counts as not set, except `LUKHAS_MCP_API_KEYS`: a list of keys without a key is an error, and never opens the daemon.
- Two variables of one setting are two spellings of one name; if both are set, they must be equal.
- A secret can be put in a file, which the variable ending in `_FILE` names; API keys may stand one a line there. Systemd's credentials (`LoadCredential=`) CREDENTIALS are read when nothing else sets the secret.
- A list is written with commas in a variable, and as `[\"a\", \"b\"]` in the file.
- Relative paths are below the current directory, and in the file below the file's directory.
- Without API keys and OAuth the daemon listens on loopback addresses only, unless `auth.allow_anonymous` is set.
";

/// The names of all credentials, as a list for a sentence.
fn credentials() -> String {
    let names = all_settings().filter_map(|setting| setting.credential);
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn table(text: &mut String, group: &Group) {
    line(text, format_args!("| key | option, variables | default | meaning | allowed |"));
    line(text, format_args!("|---|---|---|---|---|"));
    for setting in group.settings {
        let names: Vec<String> =
            other_names(setting).iter().map(|name| format!("`{name}`")).collect();
        let cells = [
            format!("`{}`", setting.name),
            names.join(", "),
            default_in_words(setting),
            prose(setting.meaning).to_owned(),
            setting.kind.allowed(),
        ];
        line(text, format_args!("| {} |", cells.map(|cell| cell.replace('|', "\\|")).join(" | ")));
    }
}

/// The option and the variables that set it.
fn other_names(setting: &Setting) -> Vec<String> {
    let flag = setting.flag.map(str::to_owned);
    let variables = setting.variables.iter().map(|name| (*name).to_owned());
    flag.into_iter().chain(variables).chain(setting.file_variable()).collect()
}

fn default_in_words(setting: &Setting) -> String {
    match setting.fallback {
        Fallback::Fixed("") | Fallback::Nothing { .. } => "none".to_owned(),
        Fallback::Fixed(value) => format!("`{value}`"),
        Fallback::Computed { words, .. } => words.to_owned(),
    }
}

/// The default, else an example, as TOML.
fn example(setting: &Setting) -> String {
    let (Fallback::Fixed(text)
    | Fallback::Computed { example: text, .. }
    | Fallback::Nothing { example: text }) = setting.fallback;
    match setting.kind {
        Kind::Integer { .. } | Kind::Bool => text.to_owned(),
        Kind::Hosts | Kind::Keys | Kind::Webhooks => {
            let items = text.split(',').filter(|item| !item.is_empty());
            toml::Value::Array(items.map(toml::Value::from).collect()).to_string()
        }
        _ => toml::Value::from(text).to_string(),
    }
}

/// A doc comment as running text.
fn prose(doc: &str) -> &str {
    doc.trim()
}

/// Writes a comment in lines of at most 98 characters.
fn comment(text: &mut String, sentence: &str) {
    let mut current = String::from("#");
    for word in sentence.split_whitespace() {
        if current.chars().count() + 1 + word.chars().count() > 98 {
            line(text, format_args!("{current}"));
            "#".clone_into(&mut current);
        }
        current.push(' ');
        current.push_str(word);
    }
    line(text, format_args!("{current}"));
}

fn line(text: &mut String, content: std::fmt::Arguments<'_>) {
    writeln!(text, "{content}").expect("writing to a string cannot fail");
}
