//! The repository's tools as a client sees them, in a repository of their own.

mod authoring;
mod commits;
mod files;
mod names;
mod patches;
mod searching;
mod served;

use std::path::Path;

use lukhas_mcp::repo::ContentDigest;
use serde_json::{Value, json};

use crate::harness::{Daemon, Home};

/// How a call ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// With this object.
    Answered(Value),
    /// With a result that is an error, and this sentence.
    Refused(String),
    /// With the error for arguments that do not fit, and this sentence.
    Invalid(String),
}

impl Outcome {
    #[track_caller]
    pub fn answered(self) -> Value {
        match self {
            Self::Answered(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub fn refused(self) -> String {
        match self {
            Self::Refused(why) => why,
            other => panic!("{other:?}"),
        }
    }

    #[track_caller]
    pub fn invalid(self) -> String {
        match self {
            Self::Invalid(why) => why,
            other => panic!("{other:?}"),
        }
    }

    /// The sentence of a call that was not answered.
    #[track_caller]
    pub fn said(self) -> String {
        match self {
            Self::Refused(why) | Self::Invalid(why) => why,
            Self::Answered(answer) => panic!("{answer}"),
        }
    }
}

/// A daemon over a git repository.
pub struct Site {
    pub home: Home,
    pub daemon: Daemon,
}

impl Site {
    pub async fn start() -> Self {
        Self::start_in(Home::new()).await
    }

    pub async fn start_in(home: Home) -> Self {
        git2::Repository::init(home.path()).unwrap();
        let daemon = home.start().await;
        Self { home, daemon }
    }

    /// Calls a tool. Whatever it says, it names no place of this machine.
    pub async fn call(&self, tool: &str, arguments: Value) -> Outcome {
        let shown = format!("{tool} {arguments}");
        let params = json!({ "name": tool, "arguments": arguments });
        let answer = self.daemon.rpc("tools/call", params).await;
        let text = answer.to_string();
        let home = self.home.path().to_str().unwrap();
        assert!(!text.contains(home) && !text.contains("panicked"), "{shown}: {text}");
        if let Some(error) = answer.get("error") {
            assert_eq!(error["code"], -32602, "{shown}: {answer}");
            return Outcome::Invalid(error["message"].as_str().unwrap().to_owned());
        }
        let result = &answer["result"];
        let said = result["content"][0]["text"].as_str().unwrap();
        if result["isError"] == true {
            return Outcome::Refused(said.to_owned());
        }
        let object = &result["structuredContent"];
        assert_eq!(serde_json::from_str::<Value>(said).unwrap(), *object, "{shown}");
        Outcome::Answered(object.clone())
    }

    /// Puts a file there without the daemon.
    pub fn put(&self, path: &str, bytes: impl AsRef<[u8]>) -> String {
        let file = self.home.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, bytes.as_ref()).unwrap();
        sha256(bytes)
    }

    /// What a file holds.
    pub fn bytes(&self, path: &str) -> Vec<u8> {
        std::fs::read(self.home.path().join(path)).unwrap()
    }

    pub fn text(&self, path: &str) -> String {
        String::from_utf8(self.bytes(path)).unwrap()
    }

    pub fn is_there(&self, path: &str) -> bool {
        self.home.path().join(path).symlink_metadata().is_ok()
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }
}

pub fn sha256(bytes: impl AsRef<[u8]>) -> String {
    ContentDigest::of(bytes.as_ref()).to_string()
}

/// The id of a file.
pub fn id_of(path: &str) -> String {
    use base64::Engine as _;
    format!("lukhas-path:{}", base64::engine::general_purpose::STANDARD.encode(path))
}

/// Something that is nobody's SHA-256.
pub const NO_SHA: &str = "0000000000000000000000000000000000000000000000000000000000000000";
