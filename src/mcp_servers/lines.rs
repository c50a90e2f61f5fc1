//! How are messages told from what else a program writes on its standard output?
//!
//! A message is a line. What is no message is logged a few times and skipped, and a line that does
//! not end is not kept: the one who waits for it is told so, if the line says who that is.

use std::io;
use std::sync::Arc;

use rmcp::RoleClient;
use rmcp::model::{ErrorData, JsonRpcMessage, RequestId};
use rmcp::service::{RxJsonRpcMessage, TxJsonRpcMessage};
use rmcp::transport::Transport;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::sync::Mutex;
use tracing::warn;

use crate::mcp_servers::redact::Redactor;

/// The longest line, in bytes.
pub(super) const LONGEST_LINE: usize = 4 << 20;

/// How much of a longer line is skipped until the program counts as broken.
const LONGEST_SKIPPED: usize = 256 << 20;

/// How much of a line is looked at for who waits for it.
const HEAD: usize = 512;

/// How many lines that are no messages are logged.
const LOGGED: u32 = 20;

/// The bytes of such a line that are.
const SHOWN: usize = 200;

/// Messages over a program's standard input and output.
pub(super) struct LineTransport<R, W> {
    read: BufReader<R>,
    line: Vec<u8>,
    /// How much of a line that is too long was skipped.
    skipping: Option<usize>,
    write: Arc<Mutex<Option<W>>>,
    server: Arc<str>,
    redactor: Redactor,
    noise: u32,
}

/// What was read.
enum Read {
    Line,
    TooLong,
    End,
}

impl<R: AsyncRead + Unpin, W> LineTransport<R, W> {
    pub(super) fn new((read, write): (R, W), server: Arc<str>, redactor: Redactor) -> Self {
        let (line, skipping, noise) = (Vec::new(), None, 0);
        let write = Arc::new(Mutex::new(Some(write)));
        Self { read: BufReader::new(read), line, skipping, write, server, redactor, noise }
    }

    /// Reads on until there is something to say. It may be dropped while it waits, and then goes on
    /// where it was.
    async fn read(&mut self) -> Read {
        loop {
            let available = match self.read.fill_buf().await {
                Ok([]) | Err(_) => return Read::End,
                Ok(available) => available,
            };
            let end = memchr::memchr(b'\n', available);
            let taken = end.map_or(available.len(), |end| end + 1);
            let read = match self.skipping {
                Some(skipped) => {
                    self.skipping = end.is_none().then_some(skipped + taken);
                    let is_endless = self.skipping.is_some_and(|all| LONGEST_SKIPPED < all);
                    is_endless.then_some(Read::End)
                }
                None if LONGEST_LINE < self.line.len() + taken => {
                    let room = HEAD.saturating_sub(self.line.len()).min(taken);
                    self.line.extend_from_slice(&available[..room]);
                    self.line.truncate(HEAD);
                    self.line.shrink_to(HEAD);
                    self.skipping = end.is_none().then_some(0);
                    Some(Read::TooLong)
                }
                None => {
                    self.line.extend_from_slice(&available[..taken]);
                    end.map(|_| Read::Line)
                }
            };
            self.read.consume(taken);
            if let Some(read) = read {
                return read;
            }
        }
    }

    fn note_noise(&mut self, what: &str) {
        self.noise = self.noise.saturating_add(1);
        let (server, count) = (&*self.server, self.noise);
        if count <= LOGGED {
            let head = String::from_utf8_lossy(&self.line[..self.line.len().min(SHOWN)]);
            let line = self.redactor.line(&head, SHOWN);
            warn!(server, line, "{what}");
        } else if count == LOGGED + 1 {
            warn!(server, "a server writes on what is no message; that is not logged any more");
        }
    }

    /// What a line says, if it is a message.
    fn message(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        if self.line.trim_ascii().is_empty() {
            return None;
        }
        let parsed = serde_json::from_slice(&self.line);
        if let Ok(message) = parsed {
            return Some(message);
        }
        self.note_noise("a server wrote a line that is no message; it is skipped");
        // One who waits is told, instead of waiting on for what will not come.
        let value: Value = serde_json::from_slice(&self.line).ok()?;
        let is_answer = value.get("result").is_some() || value.get("error").is_some();
        let id = value.get("id").filter(|_| is_answer)?;
        let id: RequestId = serde_json::from_value(id.clone()).ok()?;
        Some(unreadable("the server's answer is not one that the protocol has", id))
    }
}

fn unreadable(why: &'static str, id: RequestId) -> RxJsonRpcMessage<RoleClient> {
    JsonRpcMessage::error(ErrorData::internal_error(why, None), Some(id))
}

/// Who waits for the answer that begins like this.
fn asked(head: &[u8]) -> Option<RequestId> {
    let head = String::from_utf8_lossy(head);
    let before = [r#""result""#, r#""error""#].iter().filter_map(|name| head.find(name)).min()?;
    let (_, rest) = head[..before].split_once(r#""id""#)?;
    let rest = rest.trim_start().strip_prefix(':')?;
    let id = rest.split(',').next()?.trim();
    serde_json::from_str(id).ok()
}

impl<R, W> Transport<RoleClient> for LineTransport<R, W>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    type Error = io::Error;

    fn send(
        &mut self,
        item: TxJsonRpcMessage<RoleClient>,
    ) -> impl Future<Output = io::Result<()>> + Send + 'static {
        let write = Arc::clone(&self.write);
        async move {
            let mut line = serde_json::to_vec(&item)?;
            line.push(b'\n');
            let mut write = write.lock().await;
            let write = write.as_mut().ok_or(io::ErrorKind::NotConnected)?;
            write.write_all(&line).await?;
            write.flush().await
        }
    }

    async fn receive(&mut self) -> Option<RxJsonRpcMessage<RoleClient>> {
        loop {
            // Nothing is awaited between a line and its end, so none is read twice or lost.
            let message = match self.read().await {
                Read::End => return None,
                Read::Line => self.message(),
                Read::TooLong => {
                    self.note_noise("a server wrote a line that is too long; it is skipped");
                    asked(&self.line)
                        .map(|id| unreadable("the server's answer is longer than 4 MiB", id))
                }
            };
            self.line.clear();
            // One long line is no reason to keep so much room for the next.
            self.line.shrink_to(64 << 10);
            if message.is_some() {
                return message;
            }
        }
    }

    async fn close(&mut self) -> io::Result<()> {
        // Dropping it is what the program sees as the end of its input.
        self.write.lock().await.take();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use rmcp::model::NumberOrString;
    use tokio::io::sink;

    use super::*;

    async fn received(text: &[u8]) -> Vec<RxJsonRpcMessage<RoleClient>> {
        let mut transport = LineTransport::new(
            (Cursor::new(text.to_vec()), sink()),
            "test".into(),
            Redactor::default(),
        );
        let mut all = Vec::new();
        while let Some(message) = transport.receive().await {
            all.push(message);
        }
        all
    }

    fn answered(message: &RxJsonRpcMessage<RoleClient>) -> &RequestId {
        match message {
            JsonRpcMessage::Response(response) => &response.id,
            JsonRpcMessage::Error(error) => error.id.as_ref().unwrap(),
            other => panic!("{other:?}"),
        }
    }

    #[actix::test]
    async fn noise_is_skipped_and_messages_are_not() {
        let text =
            b"Starting up!\n\n\x1b[31m\xff\n{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}\r\n\
            {\"json\n{\"jsonrpc\":\"2.0\",\"id\":\"2\",\"result\":{\"content\":[]}}\ncut";
        let all = received(text).await;
        assert_eq!(all.len(), 2, "{all:?}");
        assert_eq!(answered(&all[0]), &NumberOrString::Number(1));
    }

    #[actix::test]
    async fn who_waits_for_a_line_that_is_too_long_is_told() {
        let mut text =
            br#"{"jsonrpc":"2.0","id":7,"result":{"content":[{"type":"text","text":""#.to_vec();
        text.resize(5 << 20, b'x');
        text.extend_from_slice(b"\"}]}}\n{\"jsonrpc\":\"2.0\",\"id\":8,\"result\":{}}\n");
        let all = received(&text).await;
        let JsonRpcMessage::Error(error) = &all[0] else { panic!("{:?}", all[0]) };
        assert!(error.error.message.contains("longer than 4 MiB"));
        assert_eq!(answered(&all[0]), &NumberOrString::Number(7));
        assert_eq!(answered(&all[1]), &NumberOrString::Number(8));
    }

    #[test]
    fn nobody_is_told_of_an_id_that_stands_in_something_else() {
        assert_eq!(
            asked(br#"{"jsonrpc":"2.0","id":"a","result":{"x"#),
            Some(NumberOrString::String("a".into()))
        );
        assert_eq!(asked(br#"{"result":{"id":3,"#), None);
        assert_eq!(asked(br#"{"method":"x","params":{"id":3"#), None);
        assert_eq!(asked(b"\xff\xfe"), None);
    }
}
