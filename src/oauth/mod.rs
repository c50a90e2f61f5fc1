//! Who may come in with a token instead of a key?
//!
//! [`Issuer`] judges the tokens of an authorization server elsewhere, [`server`] is one of the
//! daemon's own. Neither depends on the other, and what either is asked comes from `http::oauth`.
//!
//! # Invariants
//!
//! 1. What cannot be judged is not let in: a token without its key, an issuer that does not answer.
//! 2. A token is good for one audience, until it expires, and for the scopes that it names.
//! 3. A token never appears in a log line, an error or a table.

mod issuer;
mod principal;
mod scope;
pub mod server;

pub use self::issuer::{Fault, Issuer, IssuerSettings, Refused};
pub use self::scope::Scope;

/// What somebody may do who presented a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// Who it is, as audits and logs name them.
    pub principal: String,
    /// The most that the token is for; `None` when it is for nothing that there is.
    pub scope: Option<Scope>,
}
