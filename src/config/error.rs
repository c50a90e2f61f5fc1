//! Why the settings cannot be used.

use std::io;
use std::net::IpAddr;

/// What is wrong with the settings, in a sentence for whoever wrote them.
///
/// Neither secrets nor paths are part of it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A value is not what its setting may be.
    #[error("{setting} ({place}) {problem}")]
    Invalid {
        /// The setting's name in the file.
        setting: &'static str,
        /// Where the value came from.
        place: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// The file has a key that no setting has.
    #[error("{place}: unknown key {key:?}; the nearest known one is {nearest:?}")]
    UnknownKey {
        /// The file and its line.
        place: String,
        /// The key as written.
        key: String,
        /// A key there is.
        nearest: String,
    },
    /// The file has a value where a table belongs.
    #[error("{place}: {table:?} is a table; write its settings below a line [{table}]")]
    NotATable {
        /// The file and its line.
        place: String,
        /// The table's name.
        table: &'static str,
    },
    /// A variable begins like ours and sets nothing.
    #[error("unknown environment variable {name}; the nearest known one is {nearest}")]
    UnknownVariable {
        /// The variable as written.
        name: String,
        /// A variable there is.
        nearest: String,
    },
    /// A variable's value is not text.
    #[error("the environment variable {name} is not valid UTF-8; write it anew")]
    NotUtf8 {
        /// The variable.
        name: String,
    },
    /// Two spellings of one setting differ.
    #[error("{first} and {second} are two names of {setting} and differ; set only one of them")]
    Disagreement {
        /// The setting's name in the file.
        setting: &'static str,
        /// One variable.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A secret is given both directly and by file.
    #[error("{variable} and {file_variable} are both set; set only one of them")]
    GivenTwice {
        /// The variable with the value.
        variable: &'static str,
        /// The variable with the file's name.
        file_variable: String,
    },
    /// A file that was named is not there.
    #[error("{what} does not exist; create it, or name another")]
    Missing {
        /// How the file was named.
        what: String,
    },
    /// A file cannot be read.
    #[error("{what} cannot be read; check that it is a file, and its permissions")]
    Unreadable {
        /// How the file was named.
        what: String,
        /// Why not.
        #[source]
        source: io::Error,
    },
    /// A file is too long to be what it should be.
    #[error("{what} is longer than {limit} bytes; is it the right file?")]
    TooLong {
        /// How the file was named.
        what: String,
        /// The most that is read.
        limit: u64,
    },
    /// The file is not TOML.
    #[error("{place} is not valid TOML: {problem}")]
    Syntax {
        /// The file and its line.
        place: String,
        /// What the parser says.
        problem: String,
    },
    /// Everybody could enter.
    #[error(
        "listening on {listen} without API keys lets everybody in: set LUKHAS_MCP_API_KEYS, or \
         listen on 127.0.0.1, or set LUKHAS_MCP_ALLOW_ANONYMOUS=true if that is meant"
    )]
    Open {
        /// The address.
        listen: IpAddr,
    },
    /// A key is given both roles.
    #[error(
        "auth.api_keys and auth.read_keys have a key in common; a key may either change things or \
         only read, so take it out of one of LUKHAS_MCP_API_KEYS and LUKHAS_MCP_READ_API_KEYS"
    )]
    TwoRoles,
    /// Webhooks are set, and no key that signs what is sent there.
    #[error(
        "notifications.webhooks needs a key to sign with: set LUKHAS_MCP_WEBHOOK_SIGNING_KEYS, such as \
         to the output of `openssl rand -hex 32`"
    )]
    Unsigned,
    /// A file of the chat says something that cannot be.
    #[error("{place}: {problem}")]
    Chat {
        /// The file, and its line where one is at fault.
        place: String,
        /// What is wrong, and what is allowed.
        problem: String,
    },
    /// The chat would listen where everybody could talk to it.
    #[error(
        "chat.websocket.host is {listen}, and without API keys everybody could talk to the chat: \
         set LUKHAS_MCP_API_KEYS, or set the host to localhost, or set \
         LUKHAS_MCP_ALLOW_ANONYMOUS=true if that is meant"
    )]
    OpenChat {
        /// The address.
        listen: IpAddr,
    },
    /// Tokens are to be accepted, and nobody knows whom they must be for.
    #[error(
        "oauth.issuer needs the address that clients reach the daemon at: set MCP_PUBLIC_BASE_URL"
    )]
    NoPublicAddress,
    /// The daemon is to give out tokens and has nothing to go by.
    #[error(
        "oauth.built_in needs keys to consent with and an https address for it: set \
         LUKHAS_MCP_API_KEYS, and MCP_PUBLIC_BASE_URL to an https URL (http on a loopback address \
         only)"
    )]
    NoConsent,
}
