//! The types that settings have as fields.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::value::Value;

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// Text on a terminal, else JSON.
    Auto,
    /// One JSON object a line.
    Json,
    /// Text for people.
    Text,
}

impl LogFormat {
    /// The names that can be set.
    pub(super) const NAMES: &'static [&'static str] = &["auto", "json", "text"];

    /// As a value of its setting.
    pub(super) fn as_value(self) -> Value {
        let name = match self {
            Self::Auto => "auto",
            Self::Json => "json",
            Self::Text => "text",
        };
        Value::Text(name.to_owned())
    }
}

/// The unit in which the edges of latency buckets are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BucketUnit {
    /// As Prometheus advises.
    Seconds,
    /// As some libraries do.
    Milliseconds,
}

impl BucketUnit {
    /// The names that can be set.
    pub(super) const NAMES: &'static [&'static str] = &["seconds", "milliseconds"];
}

/// What keeps the gates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RegistryKind {
    /// The daemon's own database.
    Local,
    /// A branch of a git repository on this machine.
    Git,
    /// Aliases of an MLflow server.
    Mlflow,
    /// A server that speaks the contract of `docs/registries.md`.
    Http,
}

impl RegistryKind {
    /// The names that can be set.
    pub(super) const NAMES: &'static [&'static str] = &["local", "git", "mlflow", "http"];
}

/// The numbers by which the errors of the events extension go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventErrorCodes {
    /// Those of its first draft, which ChatGPT knows.
    ChatGpt,
    /// Those of its final text.
    Sep,
}

impl EventErrorCodes {
    /// The names that can be set.
    pub(super) const NAMES: &'static [&'static str] = &["chatgpt", "sep"];
}

/// What somebody is asked about before it is done, if the client can ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Confirm {
    /// Nothing.
    Nothing,
    /// What decides which model a gate has.
    Promotions,
    /// All that changes or ends something.
    Changes,
}

impl Confirm {
    /// The names that can be set.
    pub(super) const NAMES: &'static [&'static str] = &["nothing", "promotions", "changes"];
}

/// A field's type, made from the value of its setting.
pub(super) trait FromValue: Sized {
    /// `None` when the declared kind does not fit the field's type.
    fn from_value(value: Option<Value>) -> Option<Self>;
}

macro_rules! from_value {
    ($($type:ty: $pattern:pat => $made:expr;)+) => {
        $(impl FromValue for $type {
            fn from_value(value: Option<Value>) -> Option<Self> {
                match value {
                    $pattern => $made,
                    _ => None,
                }
            }
        })+
    };
}

from_value! {
    u16: Some(Value::Integer(number)) => number.try_into().ok();
    u32: Some(Value::Integer(number)) => number.try_into().ok();
    usize: Some(Value::Integer(number)) => number.try_into().ok();
    Duration: Some(Value::Integer(milliseconds)) => Some(Self::from_millis(milliseconds));
    bool: Some(Value::Bool(truth)) => Some(truth);
    IpAddr: Some(Value::Address(address)) => Some(address);
    PathBuf: Some(Value::Path(path)) => Some(path);
    String: Some(Value::Text(text)) => Some(text);
    Url: Some(Value::Url(url)) => Some(url);
    SecretString: Some(Value::Secret(secret)) => Some(secret);
    Vec<String>: Some(Value::Hosts(names)) => Some(names);
}

impl FromValue for Vec<SecretString> {
    fn from_value(value: Option<Value>) -> Option<Self> {
        match value {
            Some(Value::Keys(keys)) => Some(keys),
            Some(_) => None,
            None => Some(Self::new()),
        }
    }
}

impl FromValue for LogFormat {
    fn from_value(value: Option<Value>) -> Option<Self> {
        match value {
            Some(Value::Text(name)) => match name.as_str() {
                "auto" => Some(Self::Auto),
                "json" => Some(Self::Json),
                "text" => Some(Self::Text),
                _ => None,
            },
            _ => None,
        }
    }
}

impl FromValue for BucketUnit {
    fn from_value(value: Option<Value>) -> Option<Self> {
        match value {
            Some(Value::Text(name)) => match name.as_str() {
                "seconds" => Some(Self::Seconds),
                "milliseconds" => Some(Self::Milliseconds),
                _ => None,
            },
            _ => None,
        }
    }
}

impl FromValue for EventErrorCodes {
    fn from_value(value: Option<Value>) -> Option<Self> {
        match value {
            Some(Value::Text(name)) => match name.as_str() {
                "chatgpt" => Some(Self::ChatGpt),
                "sep" => Some(Self::Sep),
                _ => None,
            },
            _ => None,
        }
    }
}

impl FromValue for Confirm {
    fn from_value(value: Option<Value>) -> Option<Self> {
        match value {
            Some(Value::Text(name)) => match name.as_str() {
                "nothing" => Some(Self::Nothing),
                "promotions" => Some(Self::Promotions),
                "changes" => Some(Self::Changes),
                _ => None,
            },
            _ => None,
        }
    }
}

impl FromValue for RegistryKind {
    fn from_value(value: Option<Value>) -> Option<Self> {
        match value {
            Some(Value::Text(name)) => match name.as_str() {
                "local" => Some(Self::Local),
                "git" => Some(Self::Git),
                "mlflow" => Some(Self::Mlflow),
                "http" => Some(Self::Http),
                _ => None,
            },
            _ => None,
        }
    }
}

impl<T: FromValue> FromValue for Option<T> {
    fn from_value(value: Option<Value>) -> Option<Self> {
        match value {
            None => Some(None),
            some => T::from_value(some).map(Some),
        }
    }
}
