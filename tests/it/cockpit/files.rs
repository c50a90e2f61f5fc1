//! The files of the page, as a browser gets them.

use std::io::Read as _;

use flate2::read::GzDecoder;
use lukhas_mcp::repo::ContentDigest;
use reqwest::header::{ACCEPT, ACCEPT_ENCODING, IF_NONE_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Client, Response};

use crate::harness::Home;

const FILES: [(&str, &str); 5] = [
    ("/cockpit.html", "text/html; charset=utf-8"),
    ("/cockpit.css", "text/css; charset=utf-8"),
    ("/cockpit.js", "text/javascript; charset=utf-8"),
    ("/cockpit-chat.css", "text/css; charset=utf-8"),
    ("/cockpit-chat.js", "text/javascript; charset=utf-8"),
];

fn header<'a>(answer: &'a Response, name: &str) -> &'a str {
    answer.headers().get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

#[tokio::test]
async fn the_page_needs_no_key_and_is_kept_from_everything_else() {
    let home = Home::new().with("LUKHAS_MCP_API_KEYS", "a-key-of-this-test");
    let daemon = home.start().await;
    for (path, kind) in FILES {
        let answer = daemon.get(path).send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path}");
        let policy = "default-src 'none'; script-src 'self'; style-src 'self'; \
             img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; \
             frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
        for (name, value) in [
            ("content-type", kind),
            ("content-security-policy", policy),
            ("x-content-type-options", "nosniff"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-cache"),
            ("vary", "Accept-Encoding"),
            ("content-encoding", ""),
        ] {
            assert_eq!(header(&answer, name), value, "{path}: {name}");
        }
    }
}

#[tokio::test]
async fn a_file_comes_compressed_to_who_accepts_that_and_once_to_who_remembers_it() {
    let home = Home::new();
    let daemon = home.start().await;
    for (path, _) in FILES {
        let plain = daemon.get(path).send().await.unwrap();
        let plain_tag = header(&plain, "etag").to_owned();
        let plain = plain.bytes().await.unwrap();
        let asked = daemon.get(path).header(ACCEPT_ENCODING, "gzip, deflate, br, zstd");
        let packed = asked.send().await.unwrap();
        assert_eq!(header(&packed, "content-encoding"), "gzip", "{path}");
        let packed_tag = header(&packed, "etag").to_owned();
        let packed = packed.bytes().await.unwrap();
        let mut unpacked = Vec::new();
        GzDecoder::new(&packed[..]).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, plain, "{path}");
        for (tag, bytes, encoding) in
            [(plain_tag, &plain, "identity"), (packed_tag, &packed, "gzip")]
        {
            assert_eq!(tag, format!("\"{}\"", ContentDigest::of(bytes)), "{path}");
            let again = daemon.get(path).header(ACCEPT_ENCODING, encoding);
            let again = again.header(IF_NONE_MATCH, format!("\"other\", W/{tag}"));
            let again = again.send().await.unwrap();
            assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, &*tag), "{path}");
            assert_eq!(again.bytes().await.unwrap(), "", "{path}");
        }
        let head = Client::new().head(format!("{}{path}", daemon.url)).send().await.unwrap();
        assert_eq!(header(&head, "content-length"), plain.len().to_string(), "{path}");
        assert_eq!(head.bytes().await.unwrap(), "", "{path}");
    }
}

#[tokio::test]
async fn the_root_leads_a_browser_to_the_page_and_tells_programs_what_there_is() {
    let home = Home::new();
    let daemon = home.start().await;
    let client = Client::builder().redirect(Policy::none()).build().unwrap();
    let ask = |accept: &'static str| client.get(&daemon.url).header(ACCEPT, accept).send();
    let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";
    let led = ask(browser).await.unwrap();
    assert_eq!((led.status().as_u16(), header(&led, "location")), (302, "/cockpit.html"));
    assert_eq!(header(&led, "vary"), "Accept");
    for accept in ["*/*", "application/json"] {
        let told = ask(accept).await.unwrap();
        assert_eq!(told.status(), 200, "{accept}");
        let told: serde_json::Value = told.json().await.unwrap();
        assert_eq!(told["cockpit"], "/cockpit.html", "{accept}");
    }
}
