//! What time does to codes, tokens, grants and clients, and how many of them there may be.

use std::sync::Mutex;

use actix::prelude::*;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64URL;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use time::Duration;
use time::macros::datetime;
use url::form_urlencoded::Serializer;

use super::*;
use crate::store::{Database, StoreDeps, audits};
use crate::supervision::{RestartPolicy, Supervision};

const VERIFIER: &str = "a-verifier-that-is-at-least-43-characters-long";
const CALLBACK: &str = "https://a.example/cb";

/// How many clients and grants there may be here.
const MOST: i64 = 20;

/// A clock that is moved by hand.
struct Hand(Mutex<Timestamp>);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

struct Bench {
    server: AuthorizationServer,
    store: Store,
    clock: Arc<Hand>,
    _directory: TempDir,
}

impl Bench {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let database = Database::at(&directory.path().join("state.db")).unwrap();
        Store::prepare(&database).unwrap();
        let now = Timestamp::new(datetime!(2026-11-21 12:00:00 UTC));
        let clock = Arc::new(Hand(Mutex::new(now)));
        let store = Store::start(
            database,
            StoreDeps {
                clock: clock.clone(),
                publish: Arc::new(|_| ()),
                supervision: Supervision::new(RestartPolicy::default()),
                arbiter: Arbiter::new().handle(),
                on_end: Box::new(|_| ()),
            },
        );
        let server = Self::server(&store, &clock).await;
        Self { server, store, clock, _directory: directory }
    }

    async fn server(store: &Store, clock: &Arc<Hand>) -> AuthorizationServer {
        let keys = [("key:0a0b0c0d".to_owned(), Scope::Operate)];
        let lives = Lives {
            code: Duration::minutes(1),
            access: Duration::hours(1),
            grant: Duration::days(30),
        };
        AuthorizationServer::start(ServerSettings {
            store: store.clone(),
            clock: clock.clone(),
            base: "https://mcp.example".to_owned(),
            keys: keys.into_iter().collect(),
            lives,
            bounds: Bounds { clients: MOST, grants: MOST },
            reach: Reach::Public,
        })
        .await
        .unwrap()
    }

    fn passes(&self, time: Duration) {
        let mut now = self.clock.0.lock().unwrap();
        *now = now.plus(time);
    }

    async fn client(&self) -> String {
        let metadata = json!({ "redirect_uris": [CALLBACK] }).to_string();
        self.server.register(metadata.as_bytes()).await.unwrap().id
    }

    async fn code(&self, client: &str) -> String {
        let challenge = BASE64URL.encode(Sha256::digest(VERIFIER));
        let params = params(&[
            ("client_id", client),
            ("response_type", "code"),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        let (_, sealed) = self.server.ask(&params).await.unwrap();
        let transaction = self.server.reopen(&sealed).unwrap();
        let to = self.server.grant(&transaction, ("key:0a0b0c0d", Scope::Operate)).await.unwrap();
        let to = Url::parse(&to).unwrap();
        to.query_pairs().find(|(name, _)| name == "code").unwrap().1.into_owned()
    }

    async fn redeem(&self, client: &str, code: &str) -> Result<Issued, Denied> {
        let form = [
            ("grant_type", "authorization_code"),
            ("client_id", client),
            ("code", code),
            ("code_verifier", VERIFIER),
        ];
        self.server.exchange(&params(&form)).await
    }

    async fn refresh(&self, client: &str, token: &str) -> Result<Issued, Denied> {
        let form =
            [("grant_type", "refresh_token"), ("client_id", client), ("refresh_token", token)];
        self.server.exchange(&params(&form)).await
    }

    fn is_good(&self, token: &str) -> bool {
        self.server.judge(token, self.clock.now()).is_ok()
    }
}

fn params(pairs: &[(&str, &str)]) -> Params {
    let text = Serializer::new(String::new()).extend_pairs(pairs).finish();
    Params::read(text.as_bytes()).unwrap()
}

#[actix::test]
async fn a_code_is_good_for_a_minute_and_an_access_token_for_its_hour() {
    let bench = Bench::new().await;
    let client = bench.client().await;
    let late = bench.code(&client).await;
    bench.passes(Duration::seconds(60));
    assert!(matches!(bench.redeem(&client, &late).await, Err(Denied::InvalidGrant(_))));
    let code = bench.code(&client).await;
    bench.passes(Duration::seconds(59));
    let first = bench.redeem(&client, &code).await.unwrap();
    assert!(bench.is_good(&first.access));
    bench.passes(Duration::minutes(60) - Duration::milliseconds(1));
    assert!(bench.is_good(&first.access));
    bench.passes(Duration::milliseconds(1));
    assert!(!bench.is_good(&first.access));
    let second = bench.refresh(&client, &first.refresh).await.unwrap();
    assert!(bench.is_good(&second.access));
}

#[actix::test]
async fn a_grant_lasts_while_it_is_refreshed_and_ends_when_it_is_not() {
    let bench = Bench::new().await;
    let client = bench.client().await;
    let code = bench.code(&client).await;
    let mut tokens = bench.redeem(&client, &code).await.unwrap();
    for _ in 0..5 {
        bench.passes(Duration::days(29));
        tokens = bench.refresh(&client, &tokens.refresh).await.unwrap();
        bench.server.sweep().await.unwrap();
    }
    bench.passes(Duration::days(30));
    let late = bench.refresh(&client, &tokens.refresh).await;
    assert!(matches!(late, Err(Denied::InvalidGrant(_))));
    assert!(0 < bench.server.sweep().await.unwrap());
    assert_eq!(bench.server.sweep().await.unwrap(), 0);
    assert!(bench.server.client(&client).await.is_ok(), "a client that was used is remembered");
    bench.passes(Duration::days(365));
    assert_eq!(bench.server.sweep().await.unwrap(), 1);
    assert!(bench.server.client(&client).await.is_err());
}

#[actix::test]
async fn a_client_that_nobody_used_is_forgotten_after_a_day() {
    let bench = Bench::new().await;
    let (unused, consented) = (bench.client().await, bench.client().await);
    bench.passes(Duration::hours(24));
    bench.code(&consented).await;
    bench.passes(Duration::milliseconds(1));
    bench.server.sweep().await.unwrap();
    assert!(bench.server.client(&unused).await.is_err());
    assert!(bench.server.client(&consented).await.is_ok());
}

#[actix::test]
async fn a_flood_of_registrations_drives_out_itself_and_no_client_in_use() {
    let bench = Bench::new().await;
    let used = bench.client().await;
    let code = bench.code(&used).await;
    bench.redeem(&used, &code).await.unwrap();
    bench.passes(Duration::seconds(1));
    let first = bench.client().await;
    bench.passes(Duration::seconds(1));
    for _ in 0..MOST {
        bench.client().await;
    }
    assert!(bench.server.client(&first).await.is_err());
    assert!(bench.server.client(&used).await.is_ok());
}

#[actix::test]
async fn the_grant_that_was_used_longest_ago_makes_room() {
    let bench = Bench::new().await;
    let client = bench.client().await;
    let code = bench.code(&client).await;
    let oldest = bench.redeem(&client, &code).await.unwrap();
    bench.passes(Duration::seconds(1));
    let mut newest = None;
    for _ in 0..MOST {
        let code = bench.code(&client).await;
        newest = Some(bench.redeem(&client, &code).await.unwrap());
    }
    assert!(!bench.is_good(&oldest.access));
    assert!(bench.is_good(&newest.unwrap().access));
    let facts = bench.store.read(audits::last).await.unwrap();
    assert_eq!(facts, MOST + 2, "each consent, and one end");
}

#[actix::test]
async fn of_many_who_present_one_refresh_token_one_has_the_next_and_then_nobody() {
    let bench = Bench::new().await;
    let client = bench.client().await;
    let code = bench.code(&client).await;
    let tokens = bench.redeem(&client, &code).await.unwrap();
    let all = (0..10).map(|_| bench.refresh(&client, &tokens.refresh));
    let outcomes = futures_util::future::join_all(all).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 1);
    let next = outcomes.into_iter().find_map(Result::ok).unwrap();
    assert!(!bench.is_good(&next.access), "the others had it as well, so it ended");
    assert!(bench.refresh(&client, &next.refresh).await.is_err());
}

#[actix::test]
async fn a_grant_has_few_access_tokens_at_once_and_a_restart_knows_them() {
    let bench = Bench::new().await;
    let client = bench.client().await;
    let code = bench.code(&client).await;
    let mut tokens = vec![bench.redeem(&client, &code).await.unwrap()];
    for _ in 0..5 {
        bench.passes(Duration::seconds(1));
        let next = bench.refresh(&client, &tokens.last().unwrap().refresh).await.unwrap();
        tokens.push(next);
    }
    let restarted = Bench::server(&bench.store, &bench.clock).await;
    for server in [&bench.server, &restarted] {
        for (n, issued) in tokens.iter().enumerate() {
            let is_good = server.judge(&issued.access, bench.clock.now()).is_ok();
            assert_eq!(is_good, 2 <= n, "{n}");
        }
    }
}
