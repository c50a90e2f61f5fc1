//! Is this token good? Pure: the key and the time are passed in.

use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde::Deserialize;

use crate::oauth::issuer::signature;
use crate::oauth::{Access, Scope, principal};

/// The longest token, in bytes.
const LONGEST: usize = 16 * 1024;

/// How far the issuer's clock may be from ours, in seconds.
const LEEWAY: f64 = 30.0;

/// Whose tokens are good, and for whom they must be.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    pub(super) issuer: String,
    pub(super) audience: String,
}

/// What is wrong with a token, in words that its sender may read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// It is no signed JSON web token.
    #[error("the token is not a signed JSON web token")]
    Malformed,
    /// Its header says that it is another kind of token.
    #[error("the token is of another type than an access token")]
    Type,
    /// It asks for something that is not understood here.
    #[error("the token names extensions that are critical and not known here")]
    Critical,
    /// It is signed in a way that is not accepted, or with a key for another one.
    #[error("the token must be signed with RS256, PS256, ES256 or EdDSA, by a key that is for it")]
    Algorithm,
    /// The issuer has no such key.
    #[error("the token is signed with a key that the issuer does not publish")]
    UnknownKey,
    /// The signature is not that of the key.
    #[error("the signature of the token is wrong")]
    Signature,
    /// It lacks what every token must say, or says it in another form.
    #[error("the token must have the claims iss, sub, aud and exp, in their proper forms")]
    Claims,
    /// Somebody else issued it.
    #[error("the token is of another issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("the token is for another audience")]
    Audience,
    /// Its time is over.
    #[error("the token has expired")]
    Expired,
    /// Its time has not come.
    #[error("the token is not valid yet")]
    NotYet,
    /// It was never given out here, or was revoked.
    #[error("the token was not given out here, or was revoked")]
    NotOurs,
}

/// What a token's header says.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) key: Option<String>,
    pub(super) algorithm: Algorithm,
}

/// Reads the header of a token, of which nothing is believed yet.
pub(super) fn named(token: &str) -> Result<Named, Fault> {
    let is_plain = token.len() <= LONGEST
        && token.bytes().filter(|byte| *byte == b'.').count() == 2
        && token.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    if !is_plain {
        return Err(Fault::Malformed);
    }
    let header = decode_header(token).map_err(|error| match error.kind() {
        // An algorithm that nobody knows, such as `none`, is no variant of the library's.
        ErrorKind::Json(why) if why.to_string().contains("unknown variant") => Fault::Algorithm,
        _ => Fault::Malformed,
    })?;
    if header.crit.is_some() {
        return Err(Fault::Critical);
    }
    if !header.typ.as_deref().is_none_or(is_access_token) {
        return Err(Fault::Type);
    }
    if !signature::ALLOWED.contains(&header.alg) {
        return Err(Fault::Algorithm);
    }
    Ok(Named { key: header.kid, algorithm: header.alg })
}

/// Whether tokens for access are of this type: RFC 9068's, or the one that says nothing.
fn is_access_token(kind: &str) -> bool {
    ["jwt", "at+jwt", "application/at+jwt"].iter().any(|known| known.eq_ignore_ascii_case(kind))
}

#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    exp: f64,
    #[serde(default)]
    nbf: Option<f64>,
    #[serde(default)]
    scope: Option<Scopes>,
    /// What some issuers call `scope`.
    #[serde(default)]
    scp: Option<Scopes>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Scopes {
    List(String),
    Each(Vec<String>),
}

impl Scopes {
    fn broadest(&self) -> Option<Scope> {
        match self {
            Self::List(list) => Scope::broadest(list),
            Self::Each(names) => names.iter().filter_map(|name| Scope::broadest(name)).max(),
        }
    }
}

/// Judges a token. `now` is in seconds since 1970.
pub(super) fn judge(
    token: &str,
    named: &Named,
    key: &DecodingKey,
    expected: &Expected,
    now: i64,
) -> Result<Access, Fault> {
    let mut rules = Validation::new(named.algorithm);
    rules.set_required_spec_claims(&["iss", "sub", "aud", "exp"]);
    rules.set_issuer(&[&expected.issuer]);
    rules.set_audience(&[&expected.audience]);
    // The library asks the machine's clock; what time it is, is passed in here.
    (rules.validate_exp, rules.validate_nbf) = (false, false);
    signature::install();
    let claims: Claims = decode(token, key, &rules).map_err(|error| fault(error.kind()))?.claims;
    if claims.iss != expected.issuer || claims.sub.is_empty() {
        return Err(Fault::Claims);
    }
    #[expect(clippy::cast_precision_loss, reason = "seconds since 1970 are exact for ages")]
    let now = now as f64;
    if claims.exp + LEEWAY <= now {
        return Err(Fault::Expired);
    }
    if claims.nbf.is_some_and(|begin| now + LEEWAY < begin) {
        return Err(Fault::NotYet);
    }
    let scopes = [claims.scope, claims.scp];
    let scope = scopes.iter().flatten().filter_map(Scopes::broadest).max();
    Ok(Access { principal: principal::of_subject(&claims.sub), scope })
}

fn fault(kind: &ErrorKind) -> Fault {
    match kind {
        ErrorKind::InvalidSignature => Fault::Signature,
        ErrorKind::InvalidIssuer => Fault::Issuer,
        ErrorKind::InvalidAudience => Fault::Audience,
        ErrorKind::InvalidAlgorithm | ErrorKind::UnsupportedAlgorithm => Fault::Algorithm,
        ErrorKind::MissingRequiredClaim(_)
        | ErrorKind::InvalidClaimFormat(_)
        | ErrorKind::Json(_) => Fault::Claims,
        _ => Fault::Malformed,
    }
}
