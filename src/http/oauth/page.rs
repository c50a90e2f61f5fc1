//! What does somebody see who is asked to consent? Pure: text in, HTML out.
//!
//! The page has no script, loads nothing, and sends its form to the daemon alone.

use std::fmt::Write as _;
use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha2::{Digest as _, Sha256};

use crate::oauth::Scope;
use crate::oauth::server::{Asked, RedirectUri};

const STYLE: &str = "\
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}\
body{max-width:34rem;margin:3rem auto;padding:0 1rem}\
h1{font-size:1.3rem}\
dt{font-weight:600}dd{margin:0 0 .8rem;overflow-wrap:anywhere}\
fieldset{border:1px solid;border-radius:.4rem;margin:1rem 0}\
label{display:block;margin:.3rem 0}\
input[type=password]{font:inherit;width:100%;box-sizing:border-box;padding:.4rem}\
button{font:inherit;padding:.5rem 1.2rem;margin:1rem .6rem 0 0}\
.warning{border-left:.3rem solid;padding:.2rem .8rem}";

/// Which style is allowed: this one, by its digest.
static STYLE_SOURCE: LazyLock<String> =
    LazyLock::new(|| format!("'sha256-{}'", BASE64.encode(Sha256::digest(STYLE))));

/// The policy of a page whose form may lead on to `next`.
pub(super) fn policy(next: Option<&str>) -> String {
    let style = &*STYLE_SOURCE;
    // Browsers hold the answer to a form, which leads to the client, to this as well.
    let form = next.map_or("'none'".to_owned(), |next| format!("'self' {next}"));
    format!(
        "default-src 'none'; style-src {style}; form-action {form}; base-uri 'none'; \
         frame-ancestors 'none'"
    )
}

fn whole(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <meta name=\"robots\" content=\"noindex\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n{body}\
         </main>\n</body>\n</html>\n"
    )
}

/// The page that asks for consent. `sealed` is what comes back; `note` is what went wrong the last
/// time.
pub(super) fn consent(asked: &Asked, sealed: &str, note: Option<&str>) -> String {
    let redirect = asked.redirect_uri();
    let host = redirect.as_ref().map_or("", RedirectUri::host);
    let mut body = format!(
        "<h1>Let {name} use lukhas-mcp?</h1>\n<dl>\n\
         <dt>The client calls itself</dt><dd>{name}</dd>\n\
         <dt>You are sent back to</dt><dd><strong>{host}</strong></dd>\n\
         <dt>Its id</dt><dd>{id}</dd>\n</dl>\n",
        name = escaped(&asked.client_name),
        host = escaped(host),
        id = escaped(&asked.client_id),
    );
    if redirect.is_some_and(|uri| uri.is_loopback()) {
        body.push_str(
            "<p class=\"warning\">The answer goes to a program on the machine that runs this \
             browser, and any program there may have asked. Go on only if you started this \
             yourself just now.</p>\n",
        );
    } else {
        body.push_str(
            "<p class=\"warning\">Anybody may take any name. What counts is where you are sent \
             back to: go on only if you came from there.</p>\n",
        );
    }
    if let Some(note) = note {
        // Writing to a string cannot fail.
        let _ = writeln!(body, "<p class=\"warning\" role=\"alert\">{}</p>", escaped(note));
    }
    let operate = if asked.scope() == Scope::Operate {
        "<label><input type=\"radio\" name=\"scope\" value=\"operate\" checked> \
         <b>operate</b>: everything, such as running evals, moving models and changing files</label>\n\
         <label><input type=\"radio\" name=\"scope\" value=\"read\"> \
         <b>read</b>: see everything and change nothing</label>\n"
    } else {
        "<label><input type=\"radio\" name=\"scope\" value=\"read\" checked> \
         <b>read</b>: see everything and change nothing</label>\n"
    };
    let _ = write!(
        body,
        "<form method=\"post\" action=\"authorize\">\n\
         <input type=\"hidden\" name=\"transaction\" value=\"{sealed}\">\n\
         <fieldset><legend>It may</legend>\n{operate}</fieldset>\n\
         <label>Your API key; the client does not get it, and may do no more than it\n\
         <input type=\"password\" name=\"key\" autocomplete=\"off\" autofocus required></label>\n\
         <button name=\"decision\" value=\"allow\">Allow</button>\n\
         <button name=\"decision\" value=\"deny\" formnovalidate>Deny</button>\n</form>\n",
        sealed = escaped(sealed),
    );
    whole("Consent - lukhas-mcp", &body)
}

/// The page that says why nothing can be asked.
pub(super) fn refusal(why: &str) -> String {
    let why = escaped(why);
    let body = format!(
        "<h1>This cannot be done</h1>\n<p>{why}.</p>\n\
         <p>Go back to the client that sent you here. Nothing was granted.</p>\n"
    );
    whole("Refused - lukhas-mcp", &body)
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(name: &str, redirect_uri: &str, operate: bool) -> Asked {
        serde_json::from_value(serde_json::json!({
            "client_id": "client_a", "client_name": name, "redirect_uri": redirect_uri,
            "state": null, "challenge": "c", "operate": operate,
        }))
        .unwrap()
    }

    #[test]
    fn nothing_that_a_client_says_becomes_markup() {
        let hostile = "\"><img src=x onerror=alert(1)></title><script>&'";
        let page = consent(&asked(hostile, "https://a.example/cb", true), "s", Some(hostile));
        for markup in ["<img", "<script", "\"><", "</title><script"] {
            assert!(!page.contains(markup), "{markup}: {page}");
        }
        assert!(page.contains("&lt;img src=x onerror=alert(1)&gt;"));
        assert!(!refusal(hostile).contains("<img"));
    }

    #[test]
    fn a_page_says_where_one_is_sent_back_to_and_offers_what_was_asked_for() {
        let page = consent(&asked("A", "https://a.example/cb", true), "sealed", None);
        assert!(page.contains("<strong>a.example</strong>") && page.contains("value=\"operate\""));
        assert!(page.contains("name=\"transaction\" value=\"sealed\""));
        let page = consent(&asked("A", "http://127.0.0.1:4711/cb", false), "sealed", None);
        assert!(page.contains("any program there") && !page.contains("value=\"operate\""));
    }

    #[test]
    fn the_policy_allows_one_style_one_form_and_nothing_else() {
        let policy = policy(Some("https://a.example"));
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");
        assert!(policy.contains("form-action 'self' https://a.example;"), "{policy}");
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        assert!(super::policy(None).contains("form-action 'none'"));
    }
}
