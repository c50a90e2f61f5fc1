//! The messages of Anthropic.

pub(crate) mod request;
pub(crate) mod stream;
