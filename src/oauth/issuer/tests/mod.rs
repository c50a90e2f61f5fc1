//! Tokens, good and forged, and an issuer that answers, is slow, or changes its keys.

mod fetching;
mod mint;
mod tokens;
