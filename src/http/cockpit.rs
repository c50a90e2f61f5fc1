//! `GET /cockpit.html`, `/cockpit.css` and `/cockpit.js`: the page, as three files of the binary.
//!
//! # Invariants
//!
//! 1. The page holds no data and no key, and everybody may have it.
//! 2. Nothing is loaded but these three files, no text becomes markup, and nothing runs that is not
//!    in `/cockpit.js`: the policy in the headers has the browser see to it.
//! 3. Each file is compressed once. It is sent without what only its readers in the source need:
//!    indentation, and lines that are nothing but a comment.

use std::io::Write as _;
use std::sync::LazyLock;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::http::answers;
use crate::repo::ContentDigest;

/// What the page may do.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; \
     require-trusted-types-for 'script'; trusted-types 'none'",
);

/// Some files of `assets/cockpit`, joined in this order.
macro_rules! joined {
    ($($name:literal),+ $(,)?) => {
        Source {
            #[cfg(test)]
            parts: &[$($name),+],
            text: concat!($(include_str!(concat!("../../assets/cockpit/", $name)), "\n"),+),
        }
    };
}

/// What a file is made of.
struct Source {
    #[cfg(test)]
    parts: &'static [&'static str],
    text: &'static str,
}

impl Source {
    /// The file without indentation, and without lines that are nothing but a comment. No text of
    /// the page goes over the end of a line, which a test sees to.
    fn sent(&self) -> String {
        let is_comment =
            |line: &str| line.starts_with("//") || (line.starts_with("/*") && line.ends_with("*/"));
        let lines = self.text.lines().map(str::trim_start);
        lines.filter(|line| !line.is_empty() && !is_comment(line)).collect::<Vec<_>>().join("\n")
    }
}

const PAGE: Source = joined!["cockpit.html"];

const STYLE: Source = joined![
    "css/10-tokens.css",
    "css/20-shell.css",
    "css/30-work.css",
    "css/40-detail.css",
    "css/50-views.css",
    "css/70-modes.css",
];

/// All parts share the scope of one module.
const SCRIPT: Source = joined![
    "js/00-page.js",
    "js/10-words.js",
    "js/20-store.js",
    "js/30-stream.js",
    "js/35-calls.js",
    "js/40-list.js",
    "js/45-log.js",
    "js/50-chart.js",
    "js/60-form.js",
    "js/70-dialogs.js",
    "js/75-detail.js",
    "js/76-canary.js",
    "js/77-job.js",
    "js/80-models.js",
    "js/85-supervision.js",
    "js/90-main.js",
];

/// A file as it is sent.
struct Served {
    kind: &'static str,
    plain: Form,
    compressed: Option<Form>,
}

/// One of the forms of a file, with its own tag.
struct Form {
    bytes: Bytes,
    tag: String,
}

impl Form {
    fn of(bytes: Bytes) -> Self {
        let tag = format!("\"{}\"", ContentDigest::of(&bytes));
        Self { bytes, tag }
    }
}

impl Served {
    fn of(source: &Source, kind: &'static str) -> Self {
        let text = source.sent();
        // Nothing fails that only writes to memory; if it did, the file would be sent as it is.
        let compressed = gzip(text.as_bytes()).ok().map(|bytes| Form::of(bytes.into()));
        Self { kind, plain: Form::of(text.into()), compressed }
    }

    fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let compressed = self.compressed.as_ref().filter(|_| accepts_gzip(request.headers()));
        let form = compressed.unwrap_or(&self.plain);
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
        if compressed.is_some() {
            answer.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static("gzip")));
        }
        answer.content_type(self.kind).body(form.bytes.clone())
    }
}

fn gzip(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use regex::Regex;

    use super::*;

    fn assets() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/cockpit")
    }

    fn parts() -> impl Iterator<Item = &'static str> {
        [PAGE, STYLE, SCRIPT].into_iter().flat_map(|source| source.parts).copied()
    }

    /// A part that is not in the list would be tested by whoever wrote it, and be missing for all
    /// others.
    #[test]
    fn every_part_is_served_once() {
        let mut there = BTreeSet::from(["cockpit.html".to_owned()]);
        for directory in ["css", "js"] {
            for entry in std::fs::read_dir(assets().join(directory)).unwrap() {
                let name = entry.unwrap().file_name().into_string().unwrap();
                there.insert(format!("{directory}/{name}"));
            }
        }
        let listed: BTreeSet<_> = parts().map(str::to_owned).collect();
        assert_eq!(listed, there);
        assert_eq!(listed.len(), parts().count(), "one is there twice");
        assert!(STYLE.parts.is_sorted() && SCRIPT.parts.is_sorted(), "by number");
    }

    #[test]
    fn the_page_is_small() {
        let raw: usize = [PAGE, STYLE, SCRIPT].iter().map(|source| source.text.len()).sum();
        let sent: usize = [PAGE, STYLE, SCRIPT]
            .iter()
            .map(|source| gzip(source.sent().as_bytes()).unwrap().len())
            .sum();
        assert!(raw <= 90_000, "{raw} bytes, and 90,000 are allowed");
        assert!(sent <= 28_000, "{sent} bytes compressed, and 28,000 are allowed");
    }

    /// What is left out of the lines must not be part of a text or of a comment that goes on.
    #[test]
    fn nothing_goes_over_the_end_of_a_line() {
        for part in parts() {
            let text = std::fs::read_to_string(assets().join(part)).unwrap();
            for (number, line) in (1..).zip(text.lines()) {
                // A grave accent that is a text of its own begins none.
                let accents = line.replace("'`'", "").matches('`').count();
                assert!(accents % 2 == 0, "{part}:{number}: {line}");
                let comments = [line.matches("/*").count(), line.matches("*/").count()];
                assert!(part.ends_with(".js") || comments[0] == comments[1], "{part}:{number}");
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
            for part in parts().filter(|part| part.ends_with(of)) {
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
