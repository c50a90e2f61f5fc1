//! Why a request is not carried out, and what that is in each revision: a code and a status.

use serde_json::{Value, json};

use crate::mcp::answer::Code;
use crate::mcp::version::Version;
use crate::tools::Capability;

/// A request that was not carried out, and why.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// There is no such method in this revision.
    UnknownMethod(String),
    /// The params do not fit.
    Params(String),
    /// A request without what every request of its revision must have.
    Incomplete(String),
    /// There is no such resource.
    UnknownResource(String),
    /// What a header says is not what the body says.
    Header(String),
    /// The client did not say that it can do what this needs.
    Capability(Capability),
    /// The revision is not served.
    Version(String),
    /// It failed on our side.
    Internal(String),
    /// Too much is asked at once.
    Overloaded(String),
    /// An error of an extension, with its own code.
    Other { code: i32, message: String, data: Option<Value> },
}

impl Fault {
    /// Cleans what a client wrote before it is repeated.
    pub(super) fn unknown_method(method: &str) -> Self {
        Self::UnknownMethod(method.chars().filter(|c| !c.is_control()).take(64).collect())
    }

    pub(super) fn code(&self, version: Version) -> i32 {
        let code = match self {
            Self::UnknownMethod(_) => Code::MethodNotFound,
            Self::Params(_) | Self::Incomplete(_) => Code::InvalidParams,
            Self::UnknownResource(_) if version.is_stateless() => Code::InvalidParams,
            Self::UnknownResource(_) => Code::ResourceNotFound,
            Self::Header(_) => Code::HeaderMismatch,
            Self::Capability(_) => Code::MissingCapability,
            Self::Version(_) => Code::UnsupportedVersion,
            Self::Overloaded(_) if !version.is_stateless() => Code::Overloaded,
            Self::Internal(_) | Self::Overloaded(_) => Code::Internal,
            Self::Other { code, .. } => return *code,
        };
        code as i32
    }

    pub(super) fn status(&self, version: Version) -> u16 {
        match self {
            Self::Overloaded(_) => 503,
            Self::UnknownMethod(_) if version.is_stateless() => 404,
            Self::Incomplete(_) | Self::Header(_) | Self::Capability(_) | Self::Version(_) => 400,
            _ => 200,
        }
    }

    pub(super) fn message(&self) -> String {
        match self {
            Self::UnknownMethod(method) => format!("unknown method {method}"),
            Self::UnknownResource(uri) => {
                format!("there is no resource {uri}; resources/list names some that there are")
            }
            Self::Params(why)
            | Self::Incomplete(why)
            | Self::Header(why)
            | Self::Internal(why)
            | Self::Overloaded(why)
            | Self::Other { message: why, .. } => why.clone(),
            Self::Capability(capability) => {
                format!("this needs a client that can {capability}; declare it with this request")
            }
            Self::Version(_) => format!("this revision is not served; served are {}", served()),
        }
    }

    pub(super) fn data(&self) -> Option<Value> {
        match self {
            Self::UnknownResource(uri) => Some(json!({ "uri": uri })),
            Self::Capability(capability) => {
                Some(json!({ "requiredCapabilities": declared(*capability) }))
            }
            Self::Version(requested) => {
                let supported = Version::ALL.map(Version::as_str);
                Some(json!({ "supported": supported, "requested": requested }))
            }
            Self::Other { data, .. } => data.clone(),
            _ => None,
        }
    }
}

/// How a client declares a capability.
fn declared(capability: Capability) -> Value {
    match capability {
        Capability::Elicitation => json!({ "elicitation": {} }),
        Capability::Sampling => json!({ "sampling": {} }),
        Capability::Roots => json!({ "roots": {} }),
        Capability::Tasks => json!({ "extensions": { super::TASKS: {} } }),
    }
}

fn served() -> String {
    Version::ALL.map(Version::as_str).join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mcp::answer::answer;

    #[test]
    fn each_fault_has_the_code_and_the_status_of_its_revision() {
        let (old, new) = (Version::V20251125, Version::V20260728);
        let uri = || Fault::UnknownResource("job://x".to_owned());
        for (version, fault, status, code) in [
            (old, Fault::unknown_method("x"), 200, -32601),
            (new, Fault::unknown_method("x"), 404, -32601),
            (old, uri(), 200, -32002),
            (new, uri(), 200, -32602),
            (new, Fault::Params("p".to_owned()), 200, -32602),
            (new, Fault::Incomplete("p".to_owned()), 400, -32602),
            (new, Fault::Header("h".to_owned()), 400, -32020),
            (new, Fault::Capability(Capability::Tasks), 400, -32021),
            (new, Fault::Version("x".to_owned()), 400, -32022),
            (old, Fault::Overloaded("o".to_owned()), 503, -32003),
            (new, Fault::Overloaded("o".to_owned()), 503, -32603),
        ] {
            let answer = answer(version, "1", Err(fault.clone()));
            let body: Value = serde_json::from_slice(&answer.body.into_bytes()).unwrap();
            assert_eq!(
                (answer.status, &body["error"]["code"]),
                (status, &json!(code)),
                "{fault:?}"
            );
            assert_eq!(body["id"], 1);
        }
    }
}
