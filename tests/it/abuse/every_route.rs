//! O14, and A3, A6, A9 and A11 on every method of every route: a check that one of them forgot is no
//! check.

use lukhas_mcp::http::ROUTES;
use serde_json::json;

use crate::abuse::wire::{Answer, raw};
use crate::abuse::{KEY, OTHER, Target, call, code, every_path, everything_on};

/// A method of a route.
struct Door {
    method: &'static str,
    path: &'static str,
    access: String,
}

fn doors() -> Vec<Door> {
    let routes = ROUTES.iter().zip(every_path());
    let doors = routes.flat_map(|(route, path)| {
        let access = format!("{:?}", route.access);
        route.allow.split(", ").map(move |method| Door { method, path, access: access.clone() })
    });
    let nothing = |method| Door { method, path: "/nothing", access: "Key".to_owned() };
    doors.chain(["GET", "POST"].map(nothing)).collect()
}

/// What stands in a query and in headers, and what that is answered with.
type Row<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], u16);

/// A daemon that serves every route.
async fn target() -> Target {
    Target::start_in(everything_on()).await
}

impl Door {
    /// Sends what would be done here if it were let in.
    fn knock(&self, target: &Target, query: &str, headers: &[(&str, &str)]) -> Answer {
        let eval = json!({ "taskId": "quick", "configId": "default" });
        let (body, content) = match (self.method, self.path) {
            ("POST", "/mcp") => (call(1, "run_eval", &eval), "application/json"),
            ("POST", "/sse/ticket" | "/oauth/register" | "/v1/chat/completions" | "/nothing") => {
                ("{}".to_owned(), "application/json")
            }
            ("POST", _) => ("a=b".to_owned(), "application/x-www-form-urlencoded"),
            _ => (String::new(), ""),
        };
        let (path, length) = (self.path, body.len().to_string());
        let topic = if path == "/sse" { "topic=jobs" } else { "" };
        let line = format!("{} {path}?{topic}{query} HTTP/1.1", self.method);
        let mut all = headers.to_vec();
        let has = |name| headers.iter().any(|(known, _)| *known == name);
        if !has("Host") {
            all.push(("Host", "localhost:8766"));
        }
        if !body.is_empty() {
            all.push(("Content-Length", &length));
            if !has("Content-Type") {
                all.push(("Content-Type", content));
            }
        }
        let mut wire = target.connect();
        wire.send(&raw(&line, &all, body.as_bytes()));
        wire.head().unwrap_or_else(|| panic!("{line}: no answer"))
    }
}

#[tokio::test]
async fn foreign_pages_get_nothing_by_any_method_with_a_key_or_without() {
    let mut target = target().await;
    let (local, evil) = (("Host", "localhost:8766"), ("Host", "evil.example"));
    let foreign = ("Origin", "http://evil.example");
    let rows: [(&str, &[(&str, &str)]); 8] = [
        ("O14 O1", &[evil, foreign]),
        ("O14 O1 without Origin", &[evil]),
        ("O14 O2", &[evil, ("X-Forwarded-Host", "localhost"), ("Forwarded", "host=localhost")]),
        ("O14 O3", &[local, foreign]),
        ("O14 O4", &[local, ("Origin", "null")]),
        ("O14 O5", &[local, foreign, ("Content-Type", "text/plain")]),
        ("O14 O6", &[local, foreign, ("Content-Type", "application/x-www-form-urlencoded")]),
        ("O14 O7", &[local, ("Sec-Fetch-Site", "cross-site"), ("Sec-Fetch-Mode", "no-cors")]),
    ];
    let mut checked = 0;
    for (name, headers) in rows {
        for door in doors() {
            for key in [&[("X-API-Key", KEY)][..], &[]] {
                let name = format!("{name}: {} {} {}", door.method, door.path, key.len());
                let answer = door.knock(&target, "", &[headers, key].concat());
                // The one that is for every page, and says nothing but who is there.
                let is_for_all = door.path == "/mcp/server-card"
                    && matches!(door.method, "GET" | "HEAD")
                    && headers.contains(&local);
                let (status, to) = if is_for_all { (200, Some("*")) } else { (403, None) };
                assert_eq!(answer.status, status, "{name}");
                assert_eq!(answer.header("access-control-allow-origin"), to, "{name}");
                target.tells_nothing(&name, &answer);
                checked += 1;
            }
        }
        assert_eq!(target.jobs().await, 0, "{name}: it was done");
        target.is_well_after(name);
    }
    assert_eq!(checked, 8 * 2 * doors().len());
    target.leaks_nothing().await;
}

#[tokio::test]
async fn no_method_of_a_route_takes_what_is_no_key() {
    let mut target = target().await;
    let part = &KEY[..KEY.len() - 1];
    let bearer = |text: &str| format!("Bearer {text}");
    let (wrong, basic, nested) =
        (bearer("lk_at_wrong"), format!("Basic {KEY}"), bearer(&bearer(KEY)));
    let in_query = format!("&key={KEY}");
    let as_token = format!("&access_token={KEY}&api_key={KEY}&X-API-Key={KEY}");
    let rows: [Row<'_>; 12] = [
        ("A3 nothing", "", &[], 401),
        ("A3 an empty key", "", &[("X-API-Key", "")], 401),
        ("A3 Bearer and nothing", "", &[("Authorization", "Bearer ")], 401),
        ("A6 two keys", "", &[("X-API-Key", KEY), ("X-API-Key", OTHER)], 400),
        ("A7 a list of keys", "", &[("X-API-Key", &format!("{KEY},{OTHER}"))], 401),
        ("A9 a wrong key", "", &[("X-API-Key", "wrong")], 401),
        ("A9 the beginning of a key", "", &[("X-API-Key", part)], 401),
        ("A9 a wrong token", "", &[("Authorization", &wrong)], 401),
        ("A4 Basic", "", &[("Authorization", &basic)], 401),
        ("A4 a scheme twice", "", &[("Authorization", &nested)], 401),
        ("A11 a key in the query", &in_query, &[], 401),
        ("A11 a key in the query by another name", &as_token, &[], 401),
    ];
    for door in doors() {
        let is_public = door.access == "Public";
        let open = door.knock(&target, "", &[]).status;
        for (name, query, headers, status) in rows {
            let name = format!("{name}: {} {}", door.method, door.path);
            let answer = door.knock(&target, query, headers);
            let may_have_it_in_the_query = door.access == "KeyOrQuery" && query == in_query;
            let expected = match () {
                // The query says nothing there.
                () if is_public => open,
                () if may_have_it_in_the_query => 200,
                () => status,
            };
            assert_eq!(answer.status, expected, "{name}");
            if answer.status == 401 {
                let challenge = answer.header("www-authenticate").unwrap();
                assert!(challenge.starts_with("Bearer"), "{name}: {challenge}");
            }
            target.tells_nothing(&name, &answer);
        }
        assert_ne!(door.knock(&target, "", &[]).status, if is_public { 401 } else { 200 });
        if !is_public && (door.method, door.path) != ("POST", "/mcp") {
            let keyed = door.knock(&target, "", &[("X-API-Key", KEY)]).status;
            assert!(![401, 403].contains(&keyed), "{} {}: {keyed}", door.method, door.path);
        }
        assert_eq!(target.jobs().await, 0, "{} {}", door.method, door.path);
        target.is_well_after(door.path);
    }
    let refused = target.send(&raw("POST /mcp HTTP/1.1", &[("Host", "localhost")], b"")).unwrap();
    assert_eq!(code(&refused.json()), -32000);
    target.leaks_nothing().await;
}
