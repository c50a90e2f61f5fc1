//! What a good token is, one row a way of not being one.

use serde_json::{Value, json};

use super::super::key_set::{KeySet, Lookup, UnusableSet};
use super::super::token::{Expected, Fault, judge, named};
use super::mint::SigningKey;
use crate::oauth::{Access, Scope};

const NOW: i64 = 1_795_000_000;

fn expected() -> Expected {
    Expected {
        issuer: "https://id.example/realms/ops".to_owned(),
        audience: "https://mcp.example/mcp".to_owned(),
    }
}

fn claims() -> Value {
    json!({
        "iss": "https://id.example/realms/ops", "sub": "ops@example.org", "exp": NOW + 300,
        "aud": "https://mcp.example/mcp", "scope": "openid read",
    })
}

fn with(changes: &Value) -> Value {
    let mut claims = claims();
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    claims
}

fn without(name: &str) -> Value {
    let mut claims = claims();
    claims.as_object_mut().unwrap().remove(name);
    claims
}

fn judged(token: &str, keys: &KeySet) -> Result<Access, Fault> {
    let named = named(token)?;
    match keys.find(named.key.as_deref(), named.algorithm) {
        Lookup::Found(key) => judge(token, &named, key, &expected(), NOW),
        Lookup::Unknown => Err(Fault::UnknownKey),
        Lookup::Unfit => Err(Fault::Algorithm),
    }
}

fn set(keys: &[Value]) -> KeySet {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).unwrap()
}

#[test]
fn each_kind_of_signature_is_checked() {
    let (rsa, p256, ed) = (SigningKey::rsa(), SigningKey::p256(), SigningKey::ed25519());
    let keys = set(&[rsa.published("r"), p256.published("p"), ed.published("e")]);
    let good = Access { principal: "oauth:ops@example.org".to_owned(), scope: Some(Scope::Read) };
    for (algorithm, key, id) in
        [("RS256", &rsa, "r"), ("PS256", &rsa, "r"), ("ES256", &p256, "p"), ("EdDSA", &ed, "e")]
    {
        let token = key.sign(&json!({ "alg": algorithm, "kid": id }), &claims());
        assert_eq!(judged(&token, &keys).as_ref(), Ok(&good), "{algorithm}");
        let unnamed = key.sign(&json!({ "alg": algorithm, "typ": "at+jwt" }), &claims());
        assert_eq!(judged(&unnamed, &keys).as_ref(), Ok(&good), "{algorithm} without kid");
        let another = match algorithm {
            "ES256" => SigningKey::p256(),
            "EdDSA" => SigningKey::ed25519(),
            _ => continue,
        };
        let forged = another.sign(&json!({ "alg": algorithm, "kid": id }), &claims());
        assert_eq!(judged(&forged, &keys), Err(Fault::Signature), "{algorithm}");
    }
    let two = set(&[ed.published("a"), SigningKey::ed25519().published("b")]);
    let unnamed = ed.sign(&json!({ "alg": "EdDSA" }), &claims());
    assert_eq!(judged(&unnamed, &two), Err(Fault::Algorithm), "nobody says which");
}

#[test]
fn a_token_with_another_header_is_refused() {
    let (ed, p256) = (SigningKey::ed25519(), SigningKey::p256());
    let keys = set(&[ed.published("e"), p256.published("p")]);
    for (header, fault) in [
        (json!({ "alg": "none", "kid": "e" }), Fault::Algorithm),
        (json!({ "alg": "None", "kid": "e" }), Fault::Algorithm),
        (json!({ "alg": "HS256", "kid": "e" }), Fault::Algorithm),
        (json!({ "alg": "HS512", "kid": "e" }), Fault::Algorithm),
        (json!({ "alg": "RS512", "kid": "e" }), Fault::Algorithm),
        (json!({ "alg": "ES384", "kid": "p" }), Fault::Algorithm),
        (json!({ "alg": "ES256", "kid": "e" }), Fault::Algorithm),
        (json!({ "alg": "RS256", "kid": "e" }), Fault::Algorithm),
        (json!({ "kid": "e" }), Fault::Malformed),
        (json!({ "alg": "EdDSA", "kid": "x" }), Fault::UnknownKey),
        (json!({ "alg": "EdDSA", "kid": "e", "typ": "logout+jwt" }), Fault::Type),
        (json!({ "alg": "EdDSA", "kid": "e", "typ": "dpop+jwt" }), Fault::Type),
        (json!({ "alg": "EdDSA", "kid": "e", "crit": ["b64"], "b64": false }), Fault::Critical),
        (json!({ "alg": "EdDSA", "kid": "e", "crit": [] }), Fault::Critical),
    ] {
        let token = ed.sign(&header, &claims());
        assert_eq!(judged(&token, &keys), Err(fault), "{header}");
    }
    // A key that comes along with the token is not believed.
    let own = SigningKey::ed25519();
    let header = json!({ "alg": "EdDSA", "kid": "e", "jwk": own.published("e") });
    assert_eq!(judged(&own.sign(&header, &claims()), &keys), Err(Fault::Signature));
    for kind in ["JWT", "jwt", "at+jwt", "AT+JWT", "application/at+jwt"] {
        let token = ed.sign(&json!({ "alg": "EdDSA", "kid": "e", "typ": kind }), &claims());
        assert!(judged(&token, &keys).is_ok(), "{kind}");
    }
}

#[test]
fn a_token_with_other_claims_is_refused() {
    let key = SigningKey::ed25519();
    let keys = set(&[key.published("e")]);
    for (claims, fault) in [
        (without("iss"), Fault::Claims),
        (without("sub"), Fault::Claims),
        (without("aud"), Fault::Claims),
        (without("exp"), Fault::Claims),
        (with(&json!({ "iss": "https://id.example/realms/ops/" })), Fault::Issuer),
        (with(&json!({ "iss": "https://ID.example/realms/ops" })), Fault::Issuer),
        (with(&json!({ "iss": "https://evil.example" })), Fault::Issuer),
        (with(&json!({ "iss": ["https://id.example/realms/ops"] })), Fault::Claims),
        (with(&json!({ "aud": "https://mcp.example" })), Fault::Audience),
        (with(&json!({ "aud": "https://mcp.example/mcp/" })), Fault::Audience),
        (with(&json!({ "aud": ["https://other.example/mcp"] })), Fault::Audience),
        (with(&json!({ "aud": [] })), Fault::Audience),
        (with(&json!({ "aud": 7 })), Fault::Claims),
        (with(&json!({ "sub": "" })), Fault::Claims),
        (with(&json!({ "sub": 7 })), Fault::Claims),
        (with(&json!({ "exp": NOW - 30 })), Fault::Expired),
        (with(&json!({ "exp": 0 })), Fault::Expired),
        (with(&json!({ "exp": -1 })), Fault::Claims),
        (with(&json!({ "exp": (NOW + 300).to_string() })), Fault::Claims),
        (with(&json!({ "exp": null })), Fault::Claims),
        (with(&json!({ "nbf": NOW + 31 })), Fault::NotYet),
        (with(&json!({ "nbf": (NOW + 31).to_string() })), Fault::Claims),
        (with(&json!({ "nbf": true })), Fault::Claims),
        (with(&json!({ "scope": 7 })), Fault::Claims),
        (json!([]), Fault::Claims),
        (json!("text"), Fault::Claims),
    ] {
        let token = key.sign(&json!({ "alg": "EdDSA", "kid": "e" }), &claims);
        assert_eq!(judged(&token, &keys), Err(fault), "{claims}");
    }
}

#[test]
fn clocks_may_differ_a_little_and_scopes_be_written_in_three_ways() {
    let key = SigningKey::ed25519();
    let keys = set(&[key.published("e")]);
    for (changes, scope) in [
        (json!({ "exp": NOW - 29 }), Some(Scope::Read)),
        (json!({ "exp": 4e9 }), Some(Scope::Read)),
        (json!({ "nbf": NOW + 30 }), Some(Scope::Read)),
        (json!({ "nbf": null }), Some(Scope::Read)),
        (json!({ "aud": ["https://a.example", "https://mcp.example/mcp"] }), Some(Scope::Read)),
        (json!({ "scope": "openid" }), None),
        (json!({ "scope": null }), None),
        (json!({ "scope": "operate" }), Some(Scope::Operate)),
        (json!({ "scope": ["read", "operate"] }), Some(Scope::Operate)),
        (json!({ "scope": null, "scp": ["operate"] }), Some(Scope::Operate)),
        (json!({ "scope": null, "scp": "read" }), Some(Scope::Read)),
    ] {
        let token = key.sign(&json!({ "alg": "EdDSA", "kid": "e" }), &with(&changes));
        assert_eq!(judged(&token, &keys).map(|access| access.scope), Ok(scope), "{changes}");
    }
}

#[test]
fn what_is_not_a_signed_token_is_refused_at_once() {
    let key = SigningKey::ed25519();
    let keys = set(&[key.published("e")]);
    let good = key.sign(&json!({ "alg": "EdDSA", "kid": "e" }), &claims());
    let parts: Vec<&str> = good.split('.').collect();
    let (head, body, signature) = (parts[0], parts[1], parts[2]);
    for token in [
        String::new(),
        "..".to_owned(),
        "a.b.c".to_owned(),
        format!("{head}.{body}"),
        format!("{head}.{body}."),
        format!("{good}.{signature}"),
        format!("{head}.{body}.{signature}="),
        format!(" {good}"),
        format!("{head}\n.{body}.{signature}"),
        format!("{head}.{body}.{}", "A".repeat(20_000)),
        format!("{}.{body}.{signature}", "A".repeat(40)),
    ] {
        let fault = judged(&token, &keys).unwrap_err();
        assert!(matches!(fault, Fault::Malformed | Fault::Signature), "{token:?}: {fault:?}");
    }
    // Any change of what was signed.
    let other = key.sign(&json!({ "alg": "EdDSA", "kid": "e" }), &with(&json!({ "sub": "root" })));
    let other: Vec<&str> = other.split('.').collect();
    let mixed = format!("{head}.{}.{signature}", other[1]);
    assert_eq!(judged(&mixed, &keys), Err(Fault::Signature));
}

#[test]
fn a_set_is_read_for_its_keys_that_sign() {
    let (rsa, p256) = (SigningKey::rsa(), SigningKey::p256());
    let marked = |id: &str, name: &str, value: Value| {
        let mut key = rsa.published(id);
        key[name] = value;
        key
    };
    let keys = set(&[
        marked("encrypts", "use", json!("enc")),
        marked("wraps", "key_ops", json!(["wrapKey"])),
        marked("pss", "alg", json!("PS256")),
        marked("oaep", "alg", json!("RSA-OAEP")),
        json!({ "kty": "oct", "kid": "shared", "k": "c2VjcmV0" }),
        json!({ "kty": "EC", "crv": "P-384", "kid": "p384", "x": "AA", "y": "AA" }),
        json!({ "kty": "new", "kid": "new" }),
        json!("nonsense"),
        marked("signs", "use", json!("sig")),
        p256.published("p"),
    ]);
    let algorithm = |name: &str| name.parse().unwrap();
    for (id, checked, found) in [
        ("encrypts", "RS256", "unknown"),
        ("wraps", "RS256", "unknown"),
        ("oaep", "RS256", "unknown"),
        ("shared", "HS256", "unknown"),
        ("p384", "ES256", "unknown"),
        ("new", "RS256", "unknown"),
        ("pss", "RS256", "unfit"),
        ("pss", "PS256", "found"),
        ("signs", "RS256", "found"),
        ("signs", "PS256", "found"),
        ("signs", "ES256", "unfit"),
        ("p", "ES256", "found"),
    ] {
        let lookup = match keys.find(Some(id), algorithm(checked)) {
            Lookup::Found(_) => "found",
            Lookup::Unknown => "unknown",
            Lookup::Unfit => "unfit",
        };
        assert_eq!(lookup, found, "{id} {checked}");
    }
    let refused = |text: &str| KeySet::read(text.as_bytes()).unwrap_err();
    for text in ["", "[]", "{}", r#"{"keys":{}}"#, "<html>"] {
        assert_eq!(refused(text), UnusableSet::NotASet, "{text}");
    }
    assert_eq!(refused(r#"{"keys":[]}"#), UnusableSet::NoKey);
    assert_eq!(refused(r#"{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}"#), UnusableSet::NoKey);
    let many = json!({ "keys": vec![p256.published("p"); 65] }).to_string();
    assert_eq!(refused(&many), UnusableSet::TooMany);
}
