//! The chat over a real listener, with a model that says what it is told to.

mod answers;
mod broken;
mod completions;
mod entrance;
mod limits;
mod resuming;
mod stream;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::place::SocketPlace;
use super::{ChatDoor, complete, follow, model as one_model, models, open};
use crate::audit::Refusals;
use crate::chat::tests::Bench;
use crate::chat::tests::fake_model::FakeModel;
use crate::clock::SystemClock;
use crate::config::chat::ChatSettings;
use crate::events::{Hub, HubDeps, Limits, Outlet, Resume};
use crate::http::{Gate, GateSettings, Hosts, Keys, RateLimiter, Tickets};
use crate::supervision::{RestartPolicy, Supervision};

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(20);

/// Somebody who may do everything, somebody else, and somebody who may only read.
const KEY: &str = "key-of-anna";
const OTHER: &str = "key-of-bert";
const READER: &str = "key-of-carl";

/// A daemon's chat, listening.
pub(super) struct House {
    pub(super) bench: Bench,
    pub(super) address: SocketAddr,
    pub(super) hub: Arc<Hub>,
    pub(super) door: web::Data<ChatDoor>,
    server: ServerHandle,
}

impl House {
    pub(super) async fn new(model: Arc<FakeModel>) -> Self {
        Self::with(model, 100_000, |_| ()).await
    }

    /// One whose settings are changed, and whose bucket has so many requests.
    pub(super) async fn with(
        model: Arc<FakeModel>,
        bucket: u32,
        change: impl FnOnce(&mut ChatSettings),
    ) -> Self {
        let bench = Bench::with(model, change).await;
        let supervision = Supervision::new(RestartPolicy::default());
        let hub = Hub::start(HubDeps {
            store: bench.store.clone(),
            outlet: Outlet::default(),
            supervision,
            arbiter: actix::Arbiter::new().handle(),
            limits: Limits { readers_per_principal: 2, ..Limits::default() },
            on_end: Box::new(|_| ()),
        });
        let hub = hub.await.unwrap();
        let place = SocketPlace::of(&bench.chat.settings().websocket, Vec::new());
        let gate = Gate::new(GateSettings {
            hosts: Hosts::new([127, 0, 0, 1].into(), Vec::new(), None).with_socket(place),
            keys: Keys::new(&[KEY.into(), OTHER.into()], &[READER.into()]),
            limiter: RateLimiter::new(bucket, Duration::from_secs(10)),
            log: None,
            clock: Arc::new(SystemClock),
            refusals: Arc::<Refusals>::default(),
            tickets: Tickets::default(),
            oauth: None,
        });
        let chat = Some(bench.chat.clone());
        let door = ChatDoor::new(chat, Arc::clone(&hub), Arc::new(SystemClock), Vec::new());
        let door = web::Data::new(door);
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let for_app = door.clone();
        let server = HttpServer::new(move || {
            App::new()
                .wrap(gate.clone())
                .app_data(for_app.clone())
                .route("/ws/chat", web::get().to(open))
                .route("/sse", web::get().to(stream_of))
                .route("/v1/chat/completions", web::post().to(complete))
                .route("/v1/models", web::get().to(models))
                .route("/v1/models/{id:.*}", web::get().to(one_model))
        })
        .workers(1)
        .h1_allow_half_closed(false)
        .disable_signals()
        .listen(listener)
        .unwrap()
        .run();
        let handle = server.handle();
        actix::spawn(server);
        Self { bench, address, hub, door, server: handle }
    }

    pub(super) async fn client(&self) -> Client {
        self.client_of(KEY).await
    }

    pub(super) async fn client_of(&self, key: &str) -> Client {
        self.try_client(&[("x-api-key", key)]).await.expect("the socket opens")
    }

    /// Opens a socket with these headers, or says which status refused it.
    pub(super) async fn try_client(&self, headers: &[(&str, &str)]) -> Result<Client, u16> {
        self.try_at("/ws/chat", headers).await
    }

    pub(super) async fn try_at(&self, path: &str, headers: &[(&str, &str)]) -> Result<Client, u16> {
        let mut request = format!("ws://{}{path}", self.address).into_client_request().unwrap();
        for (name, value) in headers {
            let name = name.parse::<tokio_tungstenite::tungstenite::http::HeaderName>().unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        match connect_async(request).await {
            Ok((socket, response)) => {
                let protocol = response.headers().get("sec-websocket-protocol");
                let protocol = protocol.map(|value| value.to_str().unwrap().to_owned());
                Ok(Client { socket, protocol })
            }
            Err(Error::Http(response)) => {
                let body = response.body().as_deref().unwrap_or_default();
                let body: Value = serde_json::from_slice(body).expect("a refusal has a JSON body");
                assert!(body.is_object());
                Err(response.status().as_u16())
            }
            Err(other) => panic!("{other}"),
        }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until something is so.
    pub(super) async fn until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let began = tokio::time::Instant::now();
        while began.elapsed() < PATIENCE {
            if is_so(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        panic!("{what} never came true");
    }
}

impl Drop for House {
    fn drop(&mut self) {
        let stop = self.server.stop(false);
        drop(actix::spawn(stop));
    }
}

/// The stream as `/sse` opens it, without what that needs for other topics.
async fn stream_of(
    request: HttpRequest,
    door: web::Data<ChatDoor>,
    query: actix_web_lab::extract::Query<Vec<(String, String)>>,
) -> HttpResponse {
    let topics = query.iter().filter(|(name, _)| name == "topic");
    let topics: Vec<String> = topics.map(|(_, topic)| topic.clone()).collect();
    let has = request.headers().get("last-event-id").map(|id| id.to_str().unwrap());
    let has = has.map_or(Resume::Live, |id| Resume::parse(id).unwrap());
    follow(&request, &door, &topics, has).await
}

/// A client of everything else.
pub(super) fn http_client() -> reqwest::Client {
    // It may be installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::Client::new()
}

/// A client of the socket.
pub(super) struct Client {
    pub(super) socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    /// The protocol that was agreed on.
    pub(super) protocol: Option<String>,
}

impl Client {
    pub(super) async fn send(&mut self, message: &Value) {
        self.send_text(&message.to_string()).await;
    }

    pub(super) async fn send_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// Asks something in a conversation, or in the socket's own.
    pub(super) async fn ask(&mut self, conversation: Option<&str>, request_id: &str, text: &str) {
        let payload = json!({ "text": text, "conversation_id": conversation });
        self.send(&json!({ "action": "chat", "request_id": request_id, "payload": payload })).await;
    }

    pub(super) async fn act(&mut self, action: &str, payload: Value) -> Value {
        let id = format!("act-{action}");
        self.send(&json!({ "action": action, "request_id": id, "payload": payload })).await;
        loop {
            let frame = self.next().await;
            if frame["action"] == action {
                assert_eq!(frame["request_id"], id);
                return frame;
            }
        }
    }

    /// The next frame.
    pub(super) async fn next(&mut self) -> Value {
        match self.next_or_end().await {
            Ok(frame) => frame,
            Err(end) => panic!("the socket ended: {end:?}"),
        }
    }

    /// The next frame, or how the socket ended.
    pub(super) async fn next_or_end(&mut self) -> Result<Value, Option<CloseFrame>> {
        loop {
            let next = tokio::time::timeout(PATIENCE, self.socket.next()).await;
            match next.expect("nothing comes") {
                Some(Ok(Message::Text(text))) => return Ok(serde_json::from_str(&text).unwrap()),
                Some(Ok(Message::Close(why))) => return Err(why),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => return Err(None),
            }
        }
    }

    /// The code with which the socket ends, whatever comes before.
    pub(super) async fn end(&mut self) -> Option<u16> {
        loop {
            match self.next_or_end().await {
                Ok(_) => {}
                Err(why) => return why.map(|why| why.code.into()),
            }
        }
    }

    /// The frames of a request until its end.
    pub(super) async fn until_over(&mut self, request_id: &str) -> Vec<Value> {
        let mut frames = Vec::new();
        loop {
            let frame = self.next().await;
            if frame["request_id"] != request_id || frame.get("action").is_some() {
                continue;
            }
            let is_last = frame["status"] == "complete" || frame["status"] == "error";
            frames.push(frame);
            if is_last {
                return frames;
            }
        }
    }
}

/// The words of frames, as a client puts them together: a replay stands for all of its answer.
pub(super) fn words(frames: &[Value]) -> String {
    let mut said = std::collections::BTreeMap::<i64, String>::new();
    for frame in frames.iter().filter(|frame| frame["status"] == "chunk") {
        let text = frame["chunk"]["data"].as_str().unwrap();
        let answer = said.entry(frame["seq"].as_i64().unwrap()).or_default();
        if frame["chunk"]["metadata"]["type"] == "delta" {
            answer.push_str(text);
        } else {
            text.clone_into(answer);
        }
    }
    said.into_values().collect()
}
