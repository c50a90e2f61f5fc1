//! What an answer means: the result that was asked for, or why there is none.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use reqwest::header::RETRY_AFTER;
use reqwest::{Response, StatusCode};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::client::ClientError;

/// The pause that an answer asks for; none if it asks for none.
pub(super) fn retry_after(response: &Response) -> Duration {
    let header = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
    header.and_then(|seconds| seconds.parse().ok()).map_or(Duration::ZERO, Duration::from_secs)
}

/// The result object of a call of a tool.
pub(super) async fn of_tool(response: Response) -> Result<Value, ClientError> {
    if response.status() != StatusCode::OK {
        return Err(refusal(response).await);
    }
    let body = response.json().await;
    let mut answer: Value = body.map_err(|error| ClientError::Strange(error.to_string()))?;
    if let Some(message) = answer["error"]["message"].as_str() {
        return Err(ClientError::Refused(message.to_owned()));
    }
    if answer["result"]["isError"] == true {
        let text = answer["result"]["content"][0]["text"].as_str().unwrap_or_default();
        return Err(ClientError::Refused(text.to_owned()));
    }
    Ok(answer["result"].take())
}

/// The bytes of a download, which are those that its digest tells of.
pub(super) async fn of_download(response: Response) -> Result<Vec<u8>, ClientError> {
    if response.status() != StatusCode::OK {
        return Err(refusal(response).await);
    }
    let declared = response.headers().get("repr-digest").and_then(|value| value.to_str().ok());
    let declared = declared.map(str::to_owned);
    let bytes = response.bytes().await.map_err(ClientError::Unreachable)?;
    match declared {
        Some(declared) if !is_digest_of(&declared, &bytes) => {
            let what = "what came is not what its Repr-Digest says".to_owned();
            Err(ClientError::Strange(what))
        }
        _ => Ok(bytes.to_vec()),
    }
}

/// Whether a `Repr-Digest` with a SHA-256, as RFC 9530 writes it, belongs to these bytes.
fn is_digest_of(declared: &str, bytes: &[u8]) -> bool {
    let digest = BASE64_STANDARD.encode(Sha256::digest(bytes));
    let wanted = format!("sha-256=:{digest}:");
    declared.split(',').any(|one| one.trim() == wanted)
}

/// Why an answer with another status than 200 was given: its own sentence, where it has one.
pub(super) async fn refusal(response: Response) -> ClientError {
    let status = response.status();
    // Without a readable body the status has to do.
    refused(status, &response.bytes().await.unwrap_or_default())
}

/// The same of a body that was read.
pub(super) fn refused(status: StatusCode, body: &[u8]) -> ClientError {
    if status == StatusCode::UNAUTHORIZED {
        return ClientError::Unauthorized;
    }
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let sentence = [&body["error"]["message"], &body["message"], &body["error"]];
    let Some(sentence) = sentence.into_iter().find_map(Value::as_str).map(str::to_owned) else {
        return ClientError::Status(status);
    };
    match status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            ClientError::Busy(sentence)
        }
        status if status.is_server_error() => ClientError::Status(status),
        _ => ClientError::Refused(sentence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_compared_as_the_standard_writes_it() {
        let empty = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
        assert!(is_digest_of(empty, b""));
        assert!(is_digest_of(&format!("sha-512=:AA==:, {empty}"), b""));
        assert!(!is_digest_of(empty, b"x"));
        assert!(!is_digest_of("", b""));
    }
}
