//! The one way to call another server.
//!
//! An [`Outbound`] calls one address and nothing else. Whatever stands there may be
//! slow, broken or hostile: a call ends in time, its answer is bounded, and it is never led
//! elsewhere.
//!
//! # Invariants
//!
//! 1. A call goes to the origin of the configured address, and to no proxy.
//! 2. A call ends within its timeout, however slowly the answer drips, and holds no more of it than
//!    its limit.
//! 3. A redirect is an error. No header is sent to where it leads.
//! 4. Secrets are in headers that no log shows, and never in an error.
//! 5. A server that keeps failing is left alone for a while.
//! 6. An address that a client named is called through an [`OpenOutbound`], which connects to public
//!    addresses only, whatever a name was resolved to before.

mod breaker;
mod call;
mod client;
mod error;
mod open;
mod reach;
mod record;
mod streaming;

pub use self::breaker::BreakerState;
pub(in crate::adapters) use self::call::secret_value;
pub use self::call::{Call, Credentials};
pub use self::client::{Answer, Outbound, OutboundOptions};
pub(in crate::adapters) use self::client::{bounded, build};
pub use self::error::OutboundError;
pub use self::open::OpenOutbound;
pub use self::reach::Reach;
pub use self::record::ServerState;
pub use self::streaming::{Opened, Verdict};
