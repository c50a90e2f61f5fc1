//! By what name is a request told from all others, in answers and in the log?

use std::sync::atomic::{AtomicU64, Ordering};

use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderValue;

/// Draws request ids: unlike those of another run of the daemon, and cheap.
pub(super) struct RequestIds {
    run: String,
    next: AtomicU64,
}

impl Default for RequestIds {
    fn default() -> Self {
        Self { run: nanoid::nanoid!(8), next: AtomicU64::new(1) }
    }
}

impl RequestIds {
    /// The id that a proxy in front gave the request, if it is harmless; else a new one.
    pub(super) fn id_of(&self, request: &ServiceRequest) -> HeaderValue {
        let harmless = |value: &&HeaderValue| {
            let bytes = value.as_bytes();
            (1..=64).contains(&bytes.len())
                && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(b))
        };
        if let Some(given) = request.headers().get("x-request-id").filter(harmless) {
            return given.clone();
        }
        let id = format!("{}-{:x}", self.run, self.next.fetch_add(1, Ordering::Relaxed));
        HeaderValue::try_from(id).expect("letters, digits and dashes are a header value")
    }
}
