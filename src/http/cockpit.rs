//! `GET /cockpit.html`, `/cockpit.css` and `/cockpit.js`: the page, as three files of the binary, and
//! two more that it loads where there are conversations.
//!
//! # Invariants
//!
//! 1. The page holds no data and no key, and everybody may have it.
//! 2. Nothing is loaded but these files, no text becomes markup, and nothing runs that is not in
//!    `/cockpit.js` and `/cockpit-chat.js`: the policy in the headers has the browser see to it.
//! 3. Nothing is put together or compressed while the daemon runs: `build.rs` did.

use std::sync::LazyLock;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;

use crate::http::answers;
use crate::repo::ContentDigest;

/// What the page may do.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'",
);

/// A file as the build made it of the parts in `assets/cockpit`.
struct Source {
    text: &'static str,
    compressed: &'static [u8],
}

macro_rules! built {
    ($name:literal) => {
        Source {
            text: include_str!(concat!(env!("OUT_DIR"), "/", $name)),
            compressed: include_bytes!(concat!(env!("OUT_DIR"), "/", $name, ".gz")),
        }
    };
}

const PAGE: Source = built!("cockpit.html");
const STYLE: Source = built!("cockpit.css");
const SCRIPT: Source = built!("cockpit.js");
const CHAT_STYLE: Source = built!("cockpit-chat.css");
const CHAT_SCRIPT: Source = built!("cockpit-chat.js");

/// A file as it is sent.
struct Served {
    kind: &'static str,
    plain: Form,
    compressed: Form,
}

/// One of the forms of a file, with its own tag.
struct Form {
    bytes: Bytes,
    tag: String,
}

impl Form {
    fn of(bytes: &'static [u8]) -> Self {
        let tag = format!("\"{}\"", ContentDigest::of(bytes));
        Self { bytes: Bytes::from_static(bytes), tag }
    }
}

impl Served {
    fn of(source: &Source, kind: &'static str) -> Self {
        let plain = Form::of(source.text.as_bytes());
        Self { kind, plain, compressed: Form::of(source.compressed) }
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let is_compressed = accepts_gzip(request.headers());
        let form = if is_compressed { &self.compressed } else { &self.plain };
        let is_known = answers::is_known(request, &form.tag);
        let mut answer = if is_known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        answer
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-cache")))
            .insert_header((header::VARY, HeaderValue::from_static("Accept-Encoding")))
            .insert_header((header::ETAG, form.tag.as_str()));
        if is_known {
            return answer.finish();
        }
        if is_compressed {
            answer.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        answer.content_type(self.kind).body(form.bytes.clone())
    }
}

/// Whether an answer may be compressed: `gzip` or `*` is named, and not with the weight 0.
fn accepts_gzip(headers: &HeaderMap) -> bool {
    let codings = headers.get_all(header::ACCEPT_ENCODING).filter_map(|value| value.to_str().ok());
    let mut weights = codings.flat_map(|value| value.split(',')).filter_map(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, "q=1"));
        let name = name.trim();
        let is_meant = name.eq_ignore_ascii_case("gzip") || name == "*";
        let weight = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse::<f32>().ok());
        // The exact name goes before the star.
        is_meant.then_some((name == "*", weight.unwrap_or(0.0)))
    });
    let first = weights.next();
    let chosen = weights.fold(first, |best, next| match best {
        Some(best) if best.0 <= next.0 => Some(best),
        _ => Some(next),
    });
    chosen.is_some_and(|(_, weight)| 0.0 < weight)
}

static SERVED_PAGE: LazyLock<Served> =
    LazyLock::new(|| Served::of(&PAGE, "text/html; charset=utf-8"));
static SERVED_STYLE: LazyLock<Served> =
    LazyLock::new(|| Served::of(&STYLE, "text/css; charset=utf-8"));
static SERVED_SCRIPT: LazyLock<Served> =
    LazyLock::new(|| Served::of(&SCRIPT, "text/javascript; charset=utf-8"));

static SERVED_CHAT_STYLE: LazyLock<Served> =
    LazyLock::new(|| Served::of(&CHAT_STYLE, "text/css; charset=utf-8"));
static SERVED_CHAT_SCRIPT: LazyLock<Served> =
    LazyLock::new(|| Served::of(&CHAT_SCRIPT, "text/javascript; charset=utf-8"));

/// Where the page is.
pub(super) const PATH: &str = "/cockpit.html";

pub(super) async fn page(request: HttpRequest) -> HttpResponse {
    SERVED_PAGE.answer(&request)
}

pub(super) async fn style(request: HttpRequest) -> HttpResponse {
    SERVED_STYLE.answer(&request)
}

pub(super) async fn script(request: HttpRequest) -> HttpResponse {
    SERVED_SCRIPT.answer(&request)
}

pub(super) async fn chat_style(request: HttpRequest) -> HttpResponse {
    SERVED_CHAT_STYLE.answer(&request)
}

pub(super) async fn chat_script(request: HttpRequest) -> HttpResponse {
    SERVED_CHAT_SCRIPT.answer(&request)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use regex::Regex;

    use super::*;

    fn assets() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/cockpit")
    }

    /// The parts of the page, in the order of their names.
    fn parts() -> Vec<String> {
        let mut parts = vec!["cockpit.html".to_owned()];
        for directory in ["css", "js", "chat/css", "chat/js"] {
            for entry in std::fs::read_dir(assets().join(directory)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                parts.push(format!("{directory}/{name}"));
            }
        }
        parts.sort();
        parts
    }

    /// Of every line that is sent, the order included.
    #[test]
    fn every_part_is_sent_once_and_in_order() {
        for (source, of) in [
            (PAGE, "cockpit.html"),
            (STYLE, "css/"),
            (SCRIPT, "js/"),
            (CHAT_STYLE, "chat/css/"),
            (CHAT_SCRIPT, "chat/js/"),
        ] {
            let mut sent = source.text.lines();
            for part in parts().iter().filter(|part| part.starts_with(of)) {
                let text = std::fs::read_to_string(assets().join(part)).unwrap();
                for line in text.lines().map(str::trim_start) {
                    let is_left_out =
                        line.is_empty() || line.starts_with("//") || line.starts_with("/*");
                    if !is_left_out {
                        assert_eq!(sent.next(), Some(line), "{part}");
                    }
                }
            }
            assert_eq!(sent.next(), None);
        }
    }

    #[test]
    fn the_page_is_small() {
        let of_chat = |part: &&String| part.starts_with("chat/");
        let read = |part: &String| std::fs::read(assets().join(part)).unwrap().len();
        let parts = parts();
        let page: usize = parts.iter().filter(|part| !of_chat(part)).map(read).sum();
        let chat: usize = parts.iter().filter(of_chat).map(read).sum();
        for (what, files, raw, most) in [
            ("the page", &[PAGE, STYLE, SCRIPT][..], page, (92_000, 28_000)),
            ("what is for conversations", &[CHAT_STYLE, CHAT_SCRIPT], chat, (36_000, 12_000)),
        ] {
            let sent: usize = files.iter().map(|file| file.compressed.len()).sum();
            assert!(raw <= most.0, "{what}: {raw} bytes, and {} are allowed", most.0);
            assert!(sent <= most.1, "{what}: {sent} bytes compressed, and {} are allowed", most.1);
        }
    }

    /// What is left out of the lines must not be part of a text or of a comment that goes on.
    #[test]
    fn nothing_goes_over_the_end_of_a_line() {
        for part in parts() {
            let text = std::fs::read_to_string(assets().join(&part)).unwrap();
            for (number, line) in (1..).zip(text.lines()) {
                // A grave accent that is a text of its own begins none.
                let accents = line.replace("'`'", "").matches('`').count();
                assert!(accents % 2 == 0, "{part}:{number}: {line}");
                let comments = [line.matches("/*").count(), line.matches("*/").count()];
                assert!(!part.contains("css/") || comments[0] == comments[1], "{part}:{number}");
            }
        }
    }

    #[test]
    fn no_text_becomes_markup_and_nothing_comes_from_elsewhere() {
        // The name of SVG's elements looks like an address and is none.
        let namespace = "http://www.w3.org/2000/svg";
        for (pattern, of) in [
            (
                r"(?i)innerHTML|outerHTML|insertAdjacentHTML|document\.write|createContextualFragment",
                "",
            ),
            (r"\beval\(|\bnew Function\b|setTimeout\(\s*[\x22']|javascript:", ""),
            (r#"(?i)setAttribute\(\s*["'](style|on)"#, ".js"),
            (r#"(?i)\s(style|on[a-z]+)\s*=\s*["']"#, ".html"),
            (r"(?i)<style|<script[^>]*>[^<]", ".html"),
            (r#"(?i)\b(https?|wss?|ftp):|["'(]//|@import"#, ""),
        ] {
            let pattern = Regex::new(pattern).unwrap();
            for part in parts().iter().filter(|part| part.ends_with(of)) {
                let text = std::fs::read_to_string(assets().join(part)).unwrap();
                for (number, line) in (1..).zip(text.replace(namespace, "").lines()) {
                    assert!(!pattern.is_match(line), "{part}:{number}: {line}");
                }
            }
        }
    }

    #[test]
    fn what_is_accepted_is_read_from_the_header() {
        for (accepted, expected) in [
            (&[][..], false),
            (&["gzip, deflate, br, zstd"], true),
            (&["br, GZIP;q=0.5"], true),
            (&["br", "gzip"], true),
            (&["*"], true),
            (&["gzip;q=0, *"], false),
            (&["*, gzip;q=0"], false),
            (&["*;q=0, gzip"], true),
            (&["identity"], false),
            (&["gzip;q=0.000"], false),
            (&["gzip;q=x"], false),
            (&[""], false),
        ] {
            let mut headers = HeaderMap::new();
            for value in accepted {
                headers.append(header::ACCEPT_ENCODING, HeaderValue::from_static(value));
            }
            assert_eq!(accepts_gzip(&headers), expected, "{accepted:?}");
        }
    }
}
