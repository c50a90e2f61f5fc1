//! Many sockets on few conversations, which lose their connection again and again in the middle of
//! answers: every one of them ends with the same text.
//!
//! `bench/chat/run` does the same with a thousand sockets on a hundred conversations.

use std::collections::BTreeMap;

use futures_util::future::join_all;
use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use super::provider::Provider;
use crate::harness::{Daemon, Home, PATIENCE};

const CONVERSATIONS: usize = 10;
const SOCKETS: usize = 100;

/// The requests in each conversation, one after the other.
const REQUESTS: usize = 2;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

async fn open(daemon: &Daemon) -> Socket {
    let url = daemon.url.replace("http://", "ws://");
    connect_async(format!("{url}/ws/chat")).await.unwrap().0
}

async fn next(socket: &mut Socket) -> Value {
    loop {
        let next = tokio::time::timeout(PATIENCE, socket.next()).await;
        if let Message::Text(text) = next.expect("nothing comes").unwrap().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

async fn tell(socket: &mut Socket, action: &str, id: &str, payload: Value) {
    let message = json!({ "action": action, "request_id": id, "payload": payload });
    socket.send(Message::text(message.to_string())).await.unwrap();
}

/// What a client remembers that keeps to the page about the chat.
#[derive(Default)]
struct Memory {
    answers: BTreeMap<i64, (Value, String)>,
    last: i64,
    over: usize,
}

impl Memory {
    fn take(&mut self, frame: &Value) {
        if frame.get("action").is_some() || frame["seq"] == 0 {
            return;
        }
        let (seq, about) = (frame["seq"].as_i64().unwrap(), &frame["chunk"]["metadata"]);
        if frame["status"] == "chunk" {
            let (attempt, answer) = self.answers.entry(seq).or_default();
            let goes_on = about["type"] == "delta" && about["start"] != 0;
            if !goes_on || *attempt != about["attempt"] {
                answer.clear();
            }
            *attempt = about["attempt"].clone();
            answer.push_str(frame["chunk"]["data"].as_str().unwrap());
            return;
        }
        assert!(self.last <= seq, "{seq} comes after {}", self.last);
        self.last = seq;
        assert_ne!(frame["status"], "error", "{frame}");
        self.over += usize::from(frame["status"] == "complete");
    }
}

/// Reads to the end, and hangs up after so many frames each time.
async fn read(daemon: &Daemon, conversation: &str, patience: usize) -> String {
    let mut memory = Memory::default();
    while memory.over < REQUESTS {
        let mut socket = open(daemon).await;
        let from = json!({ "conversation_id": conversation, "after_seq": memory.last });
        tell(&mut socket, "resume", "again", from).await;
        for _ in 0..patience {
            memory.take(&next(&mut socket).await);
            if memory.over == REQUESTS {
                break;
            }
        }
    }
    memory.answers.into_values().map(|(_, answer)| answer).collect()
}

#[tokio::test]
async fn a_hundred_sockets_that_come_and_go_read_the_same() {
    let provider = Provider::start().await;
    let more = "      concurrency: 16\n";
    let home: Home = super::home(&provider, more).with("MCP_RL_BUCKET", "1000000");
    let daemon = home.start().await;
    let names: Vec<String> = (0..CONVERSATIONS).map(|n| format!("storm-{n}")).collect();
    let mut asking: Vec<Socket> = join_all((0..REQUESTS).map(|_| open(&daemon))).await;
    let figures = daemon.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(figures.lines().any(|line| line == "lukhas_mcp_chat_sockets{} 2.0"), "{figures}");
    for (n, name) in names.iter().enumerate() {
        for (request, asking) in asking.iter_mut().enumerate() {
            let text = format!("{n} {request} é {}", "bon bon ".repeat(45));
            let payload = json!({ "conversation_id": name, "text": text, "streaming": true });
            tell(asking, "chat", &format!("r{n}-{request}"), payload).await;
        }
    }
    let mut begun = 0;
    while begun < CONVERSATIONS {
        let frame = next(&mut asking[0]).await;
        assert_ne!(frame["status"], "error", "{frame}");
        begun += usize::from(frame["chunk"]["metadata"]["user_message"].is_string());
    }
    // Some hang up every few frames, and some never.
    let read_by = |n: usize| read(&daemon, &names[n % CONVERSATIONS], 3 + n * n % 250);
    let texts = join_all((0..SOCKETS).map(read_by)).await;
    for (n, name) in names.iter().enumerate() {
        let call = json!({ "conversationId": name, "limit": 200 });
        let journal = daemon.ask("read_conversation", call).await;
        let events = journal["events"].as_array().unwrap();
        let said: String = events
            .iter()
            .filter(|event| event["type"] == "assistant_message")
            .map(|event| event["content"].as_str().unwrap())
            .collect();
        // Which of the two sockets came first is nobody's to say.
        for request in 0..REQUESTS {
            assert!(said.contains(&format!("You said: {n} {request} é bon")), "{said}");
        }
        for text in texts.iter().skip(n).step_by(CONVERSATIONS) {
            assert_eq!(*text, said, "of {name}");
        }
    }
}
