//! What values may be: how each kind is read, refused and shown.

use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};

use secrecy::SecretString;
use serde_json::json;
use tracing_subscriber::EnvFilter;
use url::Url;

/// What a setting may be.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Integer {
        min: u64,
        max: u64,
    },
    Bool,
    Choice(&'static [&'static str]),
    Address,
    Path,
    Text,
    LogFilter,
    Url,
    /// A URL to which secrets may be trusted.
    SafeUrl,
    /// Such a URL, kept as it is written because it is compared as text.
    Issuer,
    Hosts,
    Secret,
    Seed,
    Keys,
    Webhooks,
}

/// A value as its source wrote it. It may be a secret, and so has no `Debug`.
pub(super) enum Raw {
    Text(String),
    Integer(i64),
    Bool(bool),
    List(Vec<String>),
    Path(PathBuf),
    /// Something that no setting is, such as a date.
    Other,
}

/// A value that was read and found good.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Integer(u64),
    Bool(bool),
    Address(IpAddr),
    Path(PathBuf),
    Text(String),
    Url(Url),
    Hosts(Vec<String>),
    Secret(SecretString),
    Keys(Vec<SecretString>),
}

/// Why a value is refused, to follow the setting's name.
enum Refusal {
    /// It is not what [`Kind::allowed`] says.
    NotAllowed,
    Because(String),
}

impl Kind {
    pub(super) const fn integer(min: u64, max: u64) -> Self {
        Self::Integer { min, max }
    }

    /// What is allowed, to follow "must be".
    pub(super) fn allowed(self) -> String {
        match self {
            Self::Integer { min, max } => format!("a whole number from {min} to {max}"),
            Self::Bool => "true or false".into(),
            Self::Choice(names) => format!("one of {}", names.join(", ")),
            Self::Address => "an IP address such as 127.0.0.1, 0.0.0.0 or ::1".into(),
            Self::Path => "a path (`~` is not replaced)".into(),
            Self::Text => "text that is not empty".into(),
            Self::LogFilter => {
                "off, error, warn, info, debug, trace, or a list such as info,lukhas_mcp=debug"
                    .into()
            }
            Self::Url => {
                "an http or https URL without user name, password, query and fragment".into()
            }
            Self::SafeUrl | Self::Issuer => "an https URL, or an http URL of a loopback address, \
                 without user name, password, query and fragment"
                .into(),
            Self::Hosts => "a list of host names or IP addresses, without ports".into(),
            Self::Secret => "one line of visible ASCII characters without spaces".into(),
            Self::Webhooks => format!(
                "a list of at most {MOST_WEBHOOKS} https URLs, or http URLs of a loopback address, \
                 without user name, password, fragment and commas"
            ),
            Self::Seed => {
                "32 random bytes as 64 hexadecimal digits (`openssl rand -hex 32`)".into()
            }
            Self::Keys => {
                "a list of keys of visible ASCII characters without spaces, quotes and commas"
                    .into()
            }
        }
    }

    /// Reads a value; relative paths are below `base`.
    ///
    /// # Errors
    /// What is wrong with it, to follow the setting's name.
    pub(super) fn read(self, raw: Raw, base: &Path) -> Result<Value, String> {
        let shown = self.echo(&raw);
        self.parse(raw, base).map_err(|refusal| match refusal {
            Refusal::Because(reason) => reason,
            Refusal::NotAllowed => format!("{shown}must be {}", self.allowed()),
        })
    }

    /// Repeats a wrong value where that helps and cannot give a secret away.
    fn echo(self, raw: &Raw) -> String {
        let harmless =
            matches!(self, Self::Integer { .. } | Self::Bool | Self::Choice(_) | Self::Address);
        match raw {
            Raw::Text(text) if harmless && text.chars().count() <= 40 => {
                format!("is {text:?} and ")
            }
            Raw::Integer(number) if harmless => format!("is {number} and "),
            Raw::Bool(truth) if harmless => format!("is {truth} and "),
            _ => String::new(),
        }
    }

    fn parse(self, raw: Raw, base: &Path) -> Result<Value, Refusal> {
        let parsed = match (self, raw) {
            (Self::Integer { min, max }, Raw::Integer(number)) => {
                in_range(u64::try_from(number).ok(), min, max)
            }
            (Self::Integer { min, max }, Raw::Text(text)) => {
                in_range(text.trim().parse().ok(), min, max)
            }
            (Self::Bool, Raw::Bool(truth)) => Some(Value::Bool(truth)),
            (Self::Bool, Raw::Text(text)) => match text.trim() {
                "true" | "1" => Some(Value::Bool(true)),
                "false" | "0" => Some(Value::Bool(false)),
                _ => None,
            },
            (Self::Choice(names), Raw::Text(text)) => {
                let name = names.iter().find(|name| **name == text.trim());
                name.map(|name| Value::Text((*name).to_owned()))
            }
            (Self::Address, Raw::Text(text)) => text.trim().parse().ok().map(Value::Address),
            (Self::Path, Raw::Path(path)) => absolute(base, &path),
            (Self::Path, Raw::Text(text)) => absolute(base, Path::new(&text)),
            (Self::Text, Raw::Text(text)) => Some(text.trim())
                .filter(|text| !text.is_empty())
                .map(|text| Value::Text(text.into())),
            (Self::LogFilter, Raw::Text(text)) => log_filter(text.trim()),
            (Self::Url, Raw::Text(text)) => plain_url(text.trim()).map(Value::Url),
            (Self::SafeUrl, Raw::Text(text)) => safe_url(text.trim()).map(Value::Url),
            (Self::Issuer, Raw::Text(text)) => {
                safe_url(text.trim()).map(|_| Value::Text(text.trim().to_owned()))
            }
            (Self::Hosts, Raw::Text(text)) => hosts(text.split(',')),
            (Self::Hosts, Raw::List(names)) => hosts(names.iter().map(String::as_str)),
            (Self::Secret, Raw::Text(text)) => {
                let text = text.trim();
                let good = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
                good.then(|| Value::Secret(SecretString::from(text)))
            }
            (Self::Seed, Raw::Text(text)) => {
                let text = text.trim();
                let good = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
                good.then(|| Value::Secret(SecretString::from(text)))
            }
            (Self::Webhooks, Raw::Text(text)) => webhooks(text.split(',')),
            (Self::Webhooks, Raw::List(list)) => webhooks(list.iter().map(String::as_str)),
            (Self::Keys, Raw::Text(text)) => return keys(text.split(',')),
            (Self::Keys, Raw::List(list)) => return keys(list.iter().map(String::as_str)),
            _ => None,
        };
        parsed.ok_or(Refusal::NotAllowed)
    }
}

fn in_range(number: Option<u64>, min: u64, max: u64) -> Option<Value> {
    number.filter(|number| (min..=max).contains(number)).map(Value::Integer)
}

fn absolute(base: &Path, path: &Path) -> Option<Value> {
    let unusable = path.as_os_str().is_empty()
        || path.as_os_str().as_encoded_bytes().contains(&0)
        || path.starts_with("~");
    // Collecting the components drops the `.` between them.
    (!unusable).then(|| Value::Path(base.join(path).components().collect()))
}

/// Accepts what the log's filter accepts, except a word that is no level: that would name a part
/// of the program that is not there, and so silence the log.
fn log_filter(text: &str) -> Option<Value> {
    const LEVELS: [&str; 6] = ["off", "error", "warn", "info", "debug", "trace"];
    let meant = text.split(',').all(|part| {
        part.contains('=') || LEVELS.contains(&part.trim().to_ascii_lowercase().as_str())
    });
    let valid = meant && EnvFilter::builder().parse(text).is_ok();
    valid.then(|| Value::Text(text.to_owned()))
}

fn plain_url(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let plain = matches!(url.scheme(), "http" | "https")
        && url.has_host()
        && url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    plain.then_some(url)
}

fn safe_url(text: &str) -> Option<Url> {
    plain_url(text).filter(is_safe)
}

/// Whether what goes to a URL is read by nobody in between.
pub(super) fn is_safe(url: &Url) -> bool {
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

/// The most webhooks of one form.
const MOST_WEBHOOKS: usize = 16;

/// Reads URLs that are secrets themselves: whoever knows one can post there.
fn webhooks<'a>(urls: impl Iterator<Item = &'a str>) -> Option<Value> {
    let urls = urls.map(str::trim).filter(|url| !url.is_empty());
    let urls = urls.map(webhook).collect::<Option<Vec<SecretString>>>()?;
    (urls.len() <= MOST_WEBHOOKS).then_some(Value::Keys(urls))
}

fn webhook(text: &str) -> Option<SecretString> {
    let url = Url::parse(text).ok()?;
    let is_good = url.has_host()
        && is_safe(&url)
        && url.username().is_empty()
        && url.password().is_none()
        && url.fragment().is_none();
    is_good.then(|| SecretString::from(String::from(url)))
}

fn hosts<'a>(names: impl Iterator<Item = &'a str>) -> Option<Value> {
    let names = names.map(str::trim).filter(|name| !name.is_empty());
    names.map(host).collect::<Option<Vec<String>>>().map(Value::Hosts)
}

/// A host as a request names it: in lower case, without the root's dot, IPv6 in brackets.
fn host(name: &str) -> Option<String> {
    let inner = name.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(name);
    if let Ok(address) = inner.parse::<Ipv6Addr>() {
        return Some(format!("[{address}]"));
    }
    let name = name.strip_suffix('.').unwrap_or(name);
    let is_host = !name.is_empty()
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
    is_host.then(|| name.to_ascii_lowercase())
}

/// Reads keys. A list that was given and holds none is refused: whoever wrote it did not mean to
/// open the daemon to everybody.
fn keys<'a>(keys: impl Iterator<Item = &'a str>) -> Result<Value, Refusal> {
    let keys: Vec<&str> = keys.map(str::trim).filter(|key| !key.is_empty()).collect();
    if keys.is_empty() {
        let reason = "is set and holds no key; remove it, or name at least one key";
        return Err(Refusal::Because(reason.into()));
    }
    for (index, key) in keys.iter().enumerate() {
        let is_good = |byte: u8| byte.is_ascii_graphic() && !b"\"',".contains(&byte);
        if !key.bytes().all(is_good) {
            return Err(Refusal::Because(format!(
                "holds a key (number {}) with a space, a quote, a comma or a character that is \
                 not visible ASCII; keys may have none of these",
                index + 1
            )));
        }
    }
    Ok(Value::Keys(keys.into_iter().map(SecretString::from).collect()))
}

impl Value {
    /// The value for people and programs to see; secrets are masked.
    pub(super) fn show(&self) -> serde_json::Value {
        match self {
            Self::Integer(number) => json!(number),
            Self::Bool(truth) => json!(truth),
            Self::Address(address) => json!(address),
            Self::Path(path) => json!(path.to_string_lossy()),
            Self::Text(text) => json!(text),
            Self::Url(url) => json!(url.as_str()),
            Self::Hosts(names) => json!(names),
            Self::Secret(_) | Self::Keys(_) => json!("****"),
        }
    }
}
