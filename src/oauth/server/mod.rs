//! A small authorization server, for clients that know nothing but OAuth.
//!
//! Somebody who has an API key consents, on a page of the daemon's own, that a client acts for the
//! holder of that key. Access tokens are random and looked up by their digests: revoked is revoked
//! at once, there is no key that could be stolen to make more of them, and the lookup costs less
//! than checking a signature.
//!
//! # Invariants
//!
//! 1. Codes and tokens are in the database as digests, and in no log.
//! 2. A code and a refresh token are good once; a second use ends all that came of the first.
//! 3. A token allows no more than the key does by which somebody consented, and nothing once that
//!    key is gone.
//! 4. What strangers can ask for without a key is bounded: clients that registered, documents that
//!    are read. What they look at is kept nowhere.

mod board;
mod client;
mod documents;
mod error;
mod grants;
mod redirect;
mod request;
mod seal;
mod secret;
mod story;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use url::Url;

use self::board::{Board, Good};
pub use self::client::Client;
use self::client::{ClientId, Metadata};
use self::documents::Documents;
pub use self::error::Denied;
pub use self::grants::{Bounds, Issued, Lives};
use self::grants::{Hands, Redeemed};
pub use self::redirect::RedirectUri;
pub use self::request::{Asked, Params};
use self::seal::Seal;
pub use self::seal::Transaction;
use crate::adapters::outbound::Reach;
use crate::clock::{Clock, Timestamp};
use crate::oauth::{Access, Fault, Scope};
use crate::store::oauth::grants::GrantRow;
use crate::store::oauth::secrets::SecretKind;
use crate::store::oauth::{clients, grants as rows, secrets};
use crate::store::{Store, StoreError};

/// How long a client is remembered that registered and was never used, and one that was.
const CLIENT_LIVES: (time::Duration, time::Duration) =
    (time::Duration::days(1), time::Duration::days(365));

/// How many grants one sweep removes in a transaction.
const SWEPT_AT_ONCE: i64 = 256;

/// What the server goes by.
pub struct ServerSettings {
    /// The database.
    pub store: Store,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where clients reach the daemon, without a slash at the end.
    pub base: String,
    /// The keys that are valid, by their names, and what each is good for.
    pub keys: BTreeMap<String, Scope>,
    /// How long things are good.
    pub lives: Lives,
    /// How much there may be.
    pub bounds: Bounds,
    /// How far documents of clients may be away.
    pub reach: Reach,
}

/// The server; cheap to clone.
#[derive(Clone)]
pub struct AuthorizationServer(Arc<Parts>);

struct Parts {
    store: Store,
    clock: Arc<dyn Clock>,
    base: String,
    keys: Arc<BTreeMap<String, Scope>>,
    hands: Hands,
    documents: Documents,
    seal: Seal,
}

impl AuthorizationServer {
    /// Starts with the grants of earlier runs.
    ///
    /// # Errors
    /// The store's.
    pub async fn start(settings: ServerSettings) -> Result<Self, StoreError> {
        let ServerSettings { store, clock, base, keys, lives, bounds, reach } = settings;
        let board = Board::default();
        let now = clock.now();
        let stamp = now.to_string();
        for (secret, grant) in store.read(move |conn| secrets::good_access(conn, &stamp)).await? {
            if let Some(good) = Good::of(&secret, &grant) {
                board.add(secret.digest, good, now);
            }
        }
        let seal = Seal::new();
        let hands = Hands { board: Arc::new(board), lives, bounds };
        let documents = Documents::new(reach);
        let keys = Arc::new(keys);
        Ok(Self(Arc::new(Parts { store, clock, base, keys, hands, documents, seal })))
    }

    /// Its own name, as metadata and answers have it.
    pub fn issuer(&self) -> &str {
        &self.0.base
    }

    /// Registers a client by what it says of itself.
    ///
    /// # Errors
    /// That cannot be used, or there is no room.
    pub async fn register(&self, metadata: &[u8]) -> Result<Client, Denied> {
        let client = Metadata::read(metadata)?.registered()?;
        let row = client.row(&self.0.clock.now().to_string());
        let most = self.0.hands.bounds.clients;
        let add = self.0.store.write(move |tx| clients::add(tx, &row, most));
        match add.await {
            Ok(()) => Ok(client),
            Err(StoreError::Overloaded) => Err(Denied::Busy("there are too many clients already")),
            Err(error) => Err(error.into()),
        }
    }

    /// Reads a request to consent to, and seals it for the page.
    ///
    /// # Errors
    /// It is not one that can be granted.
    pub async fn ask(&self, params: &Params) -> Result<(Asked, String), Denied> {
        let client = self.client(params.needed("client_id")?).await?;
        let asked = Asked::read(params, &client, &self.0.base)?;
        let sealed = self.0.seal.close(asked.clone(), self.now());
        Ok((asked, sealed))
    }

    async fn client(&self, id: &str) -> Result<Client, Denied> {
        let why = "client_id must be one that was registered here, or the https address of the \
                   client's metadata";
        let unknown = || Denied::InvalidClient(why.to_owned());
        match ClientId::read(id).ok_or_else(unknown)? {
            ClientId::Document(url) => self.0.documents.read(&url).await,
            ClientId::Registered(id) => {
                let row = self.0.store.read(move |conn| clients::find(conn, &id)).await?;
                row.and_then(Client::of_row).ok_or_else(unknown)
            }
        }
    }

    /// The request that comes back from the page; `None` if it is too old, was answered, or is none.
    pub fn reopen(&self, sealed: &str) -> Option<Transaction> {
        self.0.seal.open(sealed, self.now())
    }

    /// Grants a request in the name of a key, as far as the key goes, and returns where its client
    /// waits for the code.
    ///
    /// # Errors
    /// It was answered already, or the database failed.
    pub async fn grant(
        &self,
        transaction: &Transaction,
        (key_name, most): (&str, Scope),
    ) -> Result<String, Denied> {
        let asked = &transaction.asked;
        let (Some(redirect), true) =
            (asked.redirect_uri(), self.0.seal.consume(transaction, self.now()))
        else {
            let why = "this was answered already; go back to the client and begin anew";
            return Err(Denied::InvalidRequest(why.to_owned()));
        };
        let code = secret::draw(SecretKind::Code);
        let grant = GrantRow {
            id: format!("grant_{}", nanoid::nanoid!()),
            client_id: asked.client_id.clone(),
            client_name: asked.client_name.clone(),
            key_name: key_name.to_owned(),
            principal: principal(key_name, &asked.client_id, &redirect),
            scope: asked.scope().min(most).as_list().to_owned(),
            resource: format!("{}/mcp", self.0.base),
            redirect_uri: redirect.as_str().to_owned(),
            challenge: asked.challenge.clone(),
            // The transaction fills these in.
            created_at: String::new(),
            expires_at: String::new(),
        };
        let (hands, digest) = (self.0.hands.clone(), secret::digest(&code));
        self.0.store.write(move |tx| hands.give(tx, &grant, &digest)).await?;
        Ok(self.answer(asked, &redirect, &[("code", &code)]))
    }

    /// Refuses a request, and returns where its client waits for the answer.
    pub fn deny(&self, transaction: &Transaction) -> Option<String> {
        let redirect = transaction.asked.redirect_uri()?;
        Some(self.answer(&transaction.asked, &redirect, &[("error", "access_denied")]))
    }

    fn answer(&self, asked: &Asked, redirect: &RedirectUri, told: &[(&str, &str)]) -> String {
        let state = asked.state.as_deref().map(|state| ("state", state));
        let all: Vec<_> =
            told.iter().copied().chain(state).chain([("iss", self.issuer())]).collect();
        redirect.with(&all)
    }

    /// Gives out tokens for a code or a refresh token.
    ///
    /// # Errors
    /// The request is not one, or what it presents is not good.
    pub async fn exchange(&self, params: &Params) -> Result<Issued, Denied> {
        let (kind, name) = match params.needed("grant_type")? {
            "authorization_code" => (SecretKind::Code, "code"),
            "refresh_token" => (SecretKind::Refresh, "refresh_token"),
            _ => return Err(Denied::UnsupportedGrant),
        };
        let client_id = params.needed("client_id")?.to_owned();
        let presented = params.needed(name)?.to_owned();
        request::check_resource(params, &self.0.base)?;
        let how = if kind == SecretKind::Code {
            let verifier = params.needed("code_verifier")?.to_owned();
            let redirect_uri = params.get("redirect_uri").map(str::to_owned);
            Redeemed::Code { redirect_uri, verifier }
        } else {
            Redeemed::Refresh
        };
        if !secret::may_be(kind, &presented) {
            return Err(Denied::InvalidGrant(
                "the code or token is not one that was given out here",
            ));
        }
        let (hands, keys) = (self.0.hands.clone(), Arc::clone(&self.0.keys));
        let redeem = self.0.store.write(move |tx| {
            let has_key = |name: &str| keys.contains_key(name);
            hands.redeem(tx, (&presented, &client_id), &how, has_key)
        });
        redeem.await?.map_err(Denied::InvalidGrant)
    }

    /// Ends what a token was given out for. That a token is none is no error.
    ///
    /// # Errors
    /// There is no token in the request, or the database failed.
    pub async fn revoke(&self, params: &Params) -> Result<(), Denied> {
        let token = params.needed("token")?.to_owned();
        let client_id = params.get("client_id").map(str::to_owned);
        let hands = self.0.hands.clone();
        let revoke = self.0.store.write(move |tx| hands.revoke(tx, &token, client_id.as_deref()));
        Ok(revoke.await?)
    }

    /// Whether a text may be a token of this server, so that nobody else need be asked.
    pub fn may_be_ours(token: &str) -> bool {
        secret::may_be(SecretKind::Access, token)
    }

    /// Judges a token.
    ///
    /// # Errors
    /// It was not given out here, is over, was revoked, or its key is gone.
    pub fn judge(&self, token: &str, now: Timestamp) -> Result<Access, Fault> {
        let good = self.0.hands.board.find(&secret::digest(token), now).ok_or(Fault::NotOurs)?;
        let most = self.0.keys.get(&good.key_name).ok_or(Fault::NotOurs)?;
        if good.resource != format!("{}/mcp", self.0.base) {
            return Err(Fault::Audience);
        }
        Ok(Access { principal: good.principal, scope: Some(good.scope.min(*most)) })
    }

    /// Removes what is over: grants, codes and tokens, and clients that nobody uses.
    ///
    /// # Errors
    /// The store's; what was removed before stays removed.
    pub async fn sweep(&self) -> Result<usize, StoreError> {
        let now = self.0.clock.now();
        let before = |life: time::Duration| now.plus(-life).to_string();
        let (registered, used) = (before(CLIENT_LIVES.0), before(CLIENT_LIVES.1));
        let mut swept = 0;
        loop {
            let (registered, used) = (registered.clone(), used.clone());
            let sweep = self.0.store.record(move |tx| {
                let over = rows::over(tx, SWEPT_AT_ONCE)?;
                for id in &over {
                    rows::end(tx, id)?;
                }
                let secrets = secrets::remove_over(tx)?;
                let clients = clients::remove_unused(tx, &registered, &used)?;
                Ok((over.len(), over.len() + secrets + clients))
            });
            let (grants, all) = sweep.await?;
            swept += all;
            if i64::try_from(grants).unwrap_or(i64::MAX) < SWEPT_AT_ONCE {
                return Ok(swept);
            }
        }
    }

    fn now(&self) -> i64 {
        self.0.clock.now().unix_seconds()
    }
}

/// Whom the tokens of a grant name: the key that consented, and the host that vouches for the client.
/// It stays the same when the same client comes again.
fn principal(key_name: &str, client_id: &str, redirect: &RedirectUri) -> String {
    let document = Url::parse(client_id).ok();
    let host = match document.as_ref().and_then(Url::host_str) {
        Some(host) => host,
        None if redirect.is_loopback() => "loopback",
        None => redirect.host(),
    };
    format!("oauth:{}/{host}", key_name.strip_prefix("key:").unwrap_or(key_name))
}
