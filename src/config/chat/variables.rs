//! Where secrets come from: the process's environment, else a file `.env`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

use super::super::error::ConfigError;
use super::super::sources::Environment;
use super::files::{Readers, in_file, name_of, read};
use super::tree::Fault;

/// The variables that the files of the chat may refer to. They are never put into the process's
/// environment, which other programs inherit.
pub(super) struct Variables<'a> {
    environment: &'a Environment,
    files: Vec<EnvFile>,
    /// Where files were looked for.
    places: Vec<PathBuf>,
}

struct EnvFile {
    name: String,
    values: BTreeMap<String, (usize, SecretString)>,
}

impl<'a> Variables<'a> {
    /// Reads `.env` beside `config` and in the current directory, where they are.
    pub(super) fn load(
        environment: &'a Environment,
        config: &Path,
        cwd: &Path,
    ) -> Result<Self, ConfigError> {
        let beside = config.parent().unwrap_or(cwd);
        let mut places = vec![(beside, format!(".env beside {}", name_of(config)))];
        if beside != cwd {
            places.push((cwd, ".env in the current directory".to_owned()));
        }
        let (mut files, mut looked) = (Vec::new(), Vec::new());
        for (directory, name) in places {
            let path = directory.join(".env");
            let text = read(&path, &name, Readers::OwnersGroup)?;
            looked.push(path);
            let Some(text) = text else { continue };
            let values = parse(&text).map_err(|fault| in_file(&name, fault))?;
            files.push(EnvFile { name, values });
        }
        Ok(Self { environment, files, places: looked })
    }

    /// The files that are read where they are there.
    pub(super) fn files(&self) -> impl Iterator<Item = PathBuf> + '_ {
        self.places.iter().cloned()
    }

    /// The value of a variable, and where it stands. One that is set to nothing counts as not set.
    ///
    /// # Errors
    /// A value that is no text, in a sentence.
    pub(super) fn get(&self, name: &str) -> Result<Option<(SecretString, String)>, String> {
        let own = self.environment.get(name).map_err(|error| error.to_string())?;
        if let Some(value) = own.filter(|value| !value.is_empty()) {
            return Ok(Some((value.into(), "environment".to_owned())));
        }
        let found = self.files.iter().find_map(|file| {
            let (line, value) = file.values.get(name)?;
            let is_set = !value.expose_secret().is_empty();
            is_set.then(|| (value.clone(), format!("{} line {line}", file.name)))
        });
        Ok(found)
    }

    /// The directories in which commands are looked for; never from a file.
    pub(super) fn search_path(&self) -> &str {
        self.environment.get("PATH").ok().flatten().unwrap_or_default()
    }
}

/// Reads lines `NAME=value`, with `export` before, quotes around and comments behind, as is usual.
/// No value is part of what is said about a line.
fn parse(text: &str) -> Result<BTreeMap<String, (usize, SecretString)>, Fault> {
    let mut values = BTreeMap::new();
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (line, content) in (1..).zip(text.lines()) {
        let content = content.trim();
        if content.is_empty() || content.starts_with('#') {
            continue;
        }
        let content = content.strip_prefix("export ").unwrap_or(content);
        let Some((name, value)) = content.split_once('=') else {
            return Err(Fault::new(line, "must be NAME=value"));
        };
        let name = name.trim();
        if !is_variable_name(name) {
            let problem = "must begin with a name of letters, digits and _, and a = behind it";
            return Err(Fault::new(line, problem));
        }
        let value = unquoted(value.trim()).ok_or_else(|| {
            let problem = "has a value whose quote does not end, or that goes on behind it; put \
                           the whole value in quotes, on one line";
            Fault::new(line, format!("{name} {problem}"))
        })?;
        // The last one counts, as it does for a shell.
        values.insert(name.to_owned(), (line, SecretString::from(value)));
    }
    Ok(values)
}

/// Whether a variable can be called that.
pub(super) fn is_variable_name(name: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_good) && !name.as_bytes()[0].is_ascii_digit()
}

/// A value without its quotes, or without the comment behind it.
fn unquoted(value: &str) -> Option<String> {
    let quote = value.chars().next().filter(|first| matches!(first, '"' | '\''));
    let Some(quote) = quote else {
        let end = value.find(" #").or_else(|| value.find("\t#")).unwrap_or(value.len());
        return Some(value[..end].trim_end().to_owned());
    };
    let mut text = String::new();
    let mut rest = value[1..].chars();
    loop {
        match rest.next()? {
            end if end == quote => break,
            '\\' if quote == '"' => text.push(match rest.next()? {
                'n' => '\n',
                't' => '\t',
                other => other,
            }),
            other => text.push(other),
        }
    }
    let behind = rest.as_str().trim_start();
    (behind.is_empty() || behind.starts_with('#')).then_some(text)
}

/// Fills in `${NAME}` and `${NAME:-otherwise}`.
///
/// # Errors
/// What is wrong, to follow the setting's name.
pub(super) fn filled(template: &str, variables: &Variables<'_>) -> Result<SecretString, String> {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("${") {
        text.push_str(before);
        let Some((inner, behind)) = after.split_once('}') else {
            return Err("has ${ without }".to_owned());
        };
        let (name, otherwise) = match inner.split_once(":-") {
            Some((name, otherwise)) => (name, Some(otherwise)),
            None => (inner, None),
        };
        if !is_variable_name(name) {
            return Err("has ${…} around what is not the name of a variable".to_owned());
        }
        let value =
            variables.get(name).map_err(|problem| format!("needs a variable: {problem}"))?;
        match (value, otherwise) {
            (Some((value, _)), _) => text.push_str(value.expose_secret()),
            (None, Some(otherwise)) => text.push_str(otherwise),
            (None, None) => {
                return Err(format!(
                    "needs the variable {name}, which is not set; set it in the environment or in .env"
                ));
            }
        }
        rest = behind;
    }
    text.push_str(rest);
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(line: &str) -> String {
        let values = parse(line).unwrap_or_else(|fault| panic!("{line}: {}", fault.problem));
        values["A"].1.expose_secret().to_owned()
    }

    #[test]
    fn lines_are_read_as_usual() {
        for (line, expected) in [
            ("A=b", "b"),
            ("export A=b", "b"),
            ("  A = b c  ", "b c"),
            ("A=b # comment", "b"),
            ("A=b#c", "b#c"),
            ("A=", ""),
            ("A='b # c' # d", "b # c"),
            (r#"A="b\"\n\\c""#, "b\"\n\\c"),
            (r"A='b\n'", r"b\n"),
            ("A=1\nA=2", "2"),
            ("# x\n\n\u{20}\nA=b=c", "b=c"),
        ] {
            assert_eq!(value(line), expected, "{line}");
        }
    }

    #[test]
    fn a_malformed_line_is_named_and_not_repeated() {
        for (text, line) in [
            ("A=b\nhush", 2),
            ("=hush", 1),
            ("A B=hush", 1),
            ("\n\nA=\"hush", 3),
            ("A='hush'x", 1),
            ("1A=hush", 1),
        ] {
            let fault = parse(text).err().unwrap();
            assert_eq!(fault.line, line, "{text}");
            assert!(!fault.problem.contains("hush"), "{}", fault.problem);
        }
    }
}
