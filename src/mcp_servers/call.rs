//! How is a server asked for one thing, and what becomes of it if no answer comes?
//!
//! What was sent may have been done. So from that moment on, whatever goes wrong is told as not
//! known, unless the server itself says that it did not.

use std::sync::Arc;
use std::time::Duration;

use rmcp::model::{ClientRequest, InputRequest, InputRequiredResult, InputResponses, ServerResult};
use rmcp::service::{Peer, PeerRequestOptions, RequestHandle, RoleClient, ServiceError};
use rmcp::transport::streamable_http_client::StreamableHttpError;
use serde_json::Value;
use tokio::sync::{Notify, Semaphore};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::adapters::mcp_http;
use crate::mcp_servers::elicitation::{Elicitor, NobodyToAsk, put};
use crate::mcp_servers::error::{Lost, NotSent, ToolCallError};
use crate::mcp_servers::handler::QUESTION;
use crate::mcp_servers::in_flight::{Flight, InFlight, Progress};
use crate::mcp_servers::redact::Redactor;

/// How often a server may come back with another question.
const ROUNDS: u32 = 10;

/// How long it may take to tell a server that its answer is not waited for.
const TO_CANCEL: Duration = Duration::from_secs(2);

/// The longest thing that a server says of why it refused, in bytes.
const REFUSAL: usize = 2_000;

/// Takes the progress of a call. It must not block.
pub type OnProgress = Arc<dyn Fn(Progress) + Send + Sync>;

/// What a caller wants beside the call.
#[derive(Clone)]
pub struct CallOptions {
    /// Ends it.
    pub cancel: CancellationToken,
    /// Is told how far it is.
    pub progress: Option<OnProgress>,
    /// Asks the user, if the server may.
    pub elicitor: Arc<dyn Elicitor>,
}

impl Default for CallOptions {
    fn default() -> Self {
        Self { cancel: CancellationToken::new(), progress: None, elicitor: Arc::new(NobodyToAsk) }
    }
}

impl CallOptions {
    fn tell(&self, progress: Progress) {
        if let Some(tell) = &self.progress {
            tell(progress);
        }
    }
}

/// How long a call may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Without any progress.
    pub(super) idle: Duration,
    /// In all.
    pub(super) total: Duration,
}

/// A connection that stands; cheap to clone.
#[derive(Clone)]
pub(super) struct Session {
    pub(super) server: Arc<str>,
    pub(super) peer: Peer<RoleClient>,
    pub(super) in_flight: InFlight,
    /// Whether the user may be asked.
    pub(super) elicitation: bool,
    /// How many calls there may be at once.
    pub(super) places: Arc<Semaphore>,
    /// Rung when the connection may be gone.
    pub(super) suspect: Arc<Notify>,
    /// Cancelled when it is.
    pub(super) over: CancellationToken,
    /// Rung when the lists are to be read again.
    pub(super) changed: Arc<Notify>,
    pub(super) redactor: Redactor,
}

/// What the server is given when it is asked again.
#[derive(Default)]
pub(super) struct Answers {
    pub(super) responses: Option<InputResponses>,
    pub(super) state: Option<String>,
}

/// When a call takes too long. Time in which the user is asked does not count.
#[derive(Debug)]
struct Deadlines {
    limits: Limits,
    idle: Instant,
    total: Instant,
    asked_since: Option<Instant>,
}

impl Deadlines {
    fn new(now: Instant, limits: Limits) -> Self {
        Self { limits, idle: now + limits.idle, total: now + limits.total, asked_since: None }
    }

    fn progressed(&mut self, now: Instant) {
        self.idle = now + self.limits.idle;
    }

    fn asking(&mut self, is_asking: bool, now: Instant) {
        match (is_asking, self.asked_since) {
            (true, None) => self.asked_since = Some(now),
            (false, Some(since)) => {
                self.asked_since = None;
                self.total += now.saturating_duration_since(since);
                self.progressed(now);
            }
            _ => {}
        }
    }

    fn next(&self) -> Option<Instant> {
        self.asked_since.is_none().then(|| self.idle.min(self.total))
    }

    fn what_passed(&self, now: Instant) -> Lost {
        if self.total <= now {
            Lost::TookTooLong(self.limits.total)
        } else {
            Lost::TimedOut(self.limits.idle)
        }
    }
}

/// A request without an answer. The server is told when nobody waits for one any more, also when
/// the one who waited is just gone.
struct Pending(Option<RequestHandle<RoleClient>>);

impl Drop for Pending {
    fn drop(&mut self) {
        let (Some(handle), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let reason = Some("nobody waits for the answer any more".to_owned());
        runtime.spawn(async move { drop(timeout(TO_CANCEL, handle.cancel(reason)).await) });
    }
}

impl Session {
    /// Asks for one thing, which `request` makes of what the server was told before.
    pub(super) async fn ask(
        &self,
        request: impl Fn(Answers) -> ClientRequest,
        about: &str,
        limits: Limits,
        options: &CallOptions,
    ) -> Result<Value, ToolCallError> {
        let place = tokio::select! {
            place = timeout(limits.idle, Arc::clone(&self.places).acquire_owned()) => place,
            () = options.cancel.cancelled() => return Err(ToolCallError::Cancelled { sent: false }),
        };
        let Ok(Ok(_place)) = place else { return Err(ToolCallError::NotSent(NotSent::Busy)) };
        let mut flight = self.in_flight.begin(about, Arc::clone(&options.elicitor));
        let mut deadlines = Deadlines::new(Instant::now(), limits);
        let mut answers = Answers::default();
        for round in 0..ROUNDS {
            let request = request(std::mem::take(&mut answers));
            let is_first = round == 0;
            let result = self.once(request, is_first, &mut flight, &mut deadlines, options).await?;
            match result {
                ServerResult::InputRequiredResult(wanted) => {
                    let began = Instant::now();
                    deadlines.asking(true, began);
                    answers = self.input(wanted, round, &flight, options).await?;
                    deadlines.asking(false, Instant::now());
                }
                // It was not asked to go on by itself.
                ServerResult::CreateTaskResult(_) => {
                    return Err(ToolCallError::Unknown(Lost::Unreadable));
                }
                result => {
                    let value = serde_json::to_value(result);
                    return value.map_err(|_| ToolCallError::Unknown(Lost::Unreadable));
                }
            }
        }
        Err(ToolCallError::Unknown(Lost::AskedTooOften))
    }

    /// One request and its answer.
    async fn once(
        &self,
        request: ClientRequest,
        is_first: bool,
        flight: &mut Flight,
        deadlines: &mut Deadlines,
        options: &CallOptions,
    ) -> Result<ServerResult, ToolCallError> {
        if options.cancel.is_cancelled() {
            return Err(ToolCallError::Cancelled { sent: !is_first });
        }
        let not_sent = || {
            if is_first {
                ToolCallError::NotSent(NotSent::NotConnected)
            } else {
                ToolCallError::Unknown(Lost::Connection)
            }
        };
        if self.over.is_cancelled() {
            return Err(not_sent());
        }
        let sent = self.peer.send_cancellable_request(request, PeerRequestOptions::no_options());
        let handle = sent.await.map_err(|_closed| not_sent())?;
        flight.known_as(handle.id.clone(), handle.progress_token.clone());
        let mut pending = Pending(Some(handle));
        loop {
            let Some(handle) = pending.0.as_mut() else {
                return Err(ToolCallError::Unknown(Lost::Connection));
            };
            let deadline = deadlines.next();
            tokio::select! {
                biased;
                answer = &mut handle.rx => {
                    pending.0 = None;
                    while let Ok(progress) = flight.progress.try_recv() {
                        options.tell(progress);
                    }
                    return match answer {
                        Ok(Ok(result)) => Ok(result),
                        Ok(Err(ServiceError::TransportSend(error))) => {
                            self.suspect.notify_one();
                            Err(if never_left(&*error.error) {
                                not_sent()
                            } else {
                                ToolCallError::Unknown(Lost::Connection)
                            })
                        }
                        Ok(Err(error)) => Err(self.failure(error)),
                        Err(_dropped) => Err(ToolCallError::Unknown(Lost::Connection)),
                    };
                }
                () = options.cancel.cancelled() => {
                    return Err(ToolCallError::Cancelled { sent: true });
                }
                Some(progress) = flight.progress.recv() => {
                    deadlines.progressed(Instant::now());
                    options.tell(progress);
                }
                Ok(()) = flight.open_questions.changed() => {
                    let is_asking = *flight.open_questions.borrow_and_update() != 0;
                    deadlines.asking(is_asking, Instant::now());
                }
                () = self.over.cancelled() => {
                    return Err(ToolCallError::Unknown(Lost::Connection));
                }
                () = until(deadline) => {
                    self.suspect.notify_one();
                    let why = deadlines.what_passed(Instant::now());
                    return Err(ToolCallError::Unknown(why));
                }
            }
        }
    }

    fn failure(&self, error: ServiceError) -> ToolCallError {
        match error {
            ServiceError::McpError(error) => ToolCallError::Failed {
                code: error.code.0,
                message: self.redactor.line(&error.message, REFUSAL),
            },
            ServiceError::UnexpectedResponse => ToolCallError::Unknown(Lost::Unreadable),
            _ => ToolCallError::Unknown(Lost::Connection),
        }
    }

    /// Finds out what the server wants to know.
    async fn input(
        &self,
        wanted: InputRequiredResult,
        round: u32,
        flight: &Flight,
        options: &CallOptions,
    ) -> Result<Answers, ToolCallError> {
        let requests = wanted.input_requests.unwrap_or_default();
        if requests.is_empty() {
            // It wants time.
            let rest = Duration::from_millis(200 << round.min(5));
            tokio::time::sleep(rest).await;
            return Ok(Answers { responses: None, state: wanted.request_state });
        }
        let cancelled = || ToolCallError::Cancelled { sent: true };
        let mut responses = InputResponses::new();
        for (key, request) in requests {
            let InputRequest::Elicitation(request) = request else {
                let message = "the server wants what is not offered to it".to_owned();
                return Err(ToolCallError::Failed { code: -32601, message });
            };
            let nobody = NobodyToAsk;
            let elicitor = if self.elicitation { &*flight.asker.elicitor } else { &nobody };
            let asked = put(elicitor, (&self.server, &flight.asker.about), request.params);
            let answer = tokio::select! {
                answer = timeout(QUESTION, asked) => answer.map_err(|_late| cancelled())?,
                () = options.cancel.cancelled() => return Err(cancelled()),
            };
            let answer = serde_json::to_value(answer);
            responses.insert(key, answer.map_err(|_| ToolCallError::Unknown(Lost::Unreadable))?);
        }
        Ok(Answers { responses: Some(responses), state: wanted.request_state })
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// Whether an error says that the server cannot have got a request: a program's line was not
/// written to its end, or no connection came to stand.
fn never_left(error: &(dyn std::error::Error + Send + Sync + 'static)) -> bool {
    let over_http = error.downcast_ref::<StreamableHttpError<mcp_http::HttpError>>();
    let not_connected = over_http.is_some_and(|error| match error {
        StreamableHttpError::Client(error) => mcp_http::never_connected(error),
        _ => false,
    });
    not_connected || error.is::<std::io::Error>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_and_questions_give_time_but_not_for_ever() {
        let second = Duration::from_secs(1);
        let limits = Limits { idle: 10 * second, total: 60 * second };
        let begin = Instant::now();
        let mut deadlines = Deadlines::new(begin, limits);
        assert_eq!(deadlines.next(), Some(begin + 10 * second));
        for n in 1..=55 {
            deadlines.progressed(begin + n * second);
        }
        assert_eq!(deadlines.next(), Some(begin + 60 * second));
        assert_eq!(deadlines.what_passed(begin + 60 * second), Lost::TookTooLong(60 * second));
        deadlines.asking(true, begin + 58 * second);
        assert_eq!(deadlines.next(), None);
        deadlines.asking(false, begin + 158 * second);
        assert_eq!(deadlines.next(), Some(begin + 160 * second));
        let mut silent = Deadlines::new(begin, limits);
        silent.asking(false, begin);
        assert_eq!(silent.what_passed(begin + 10 * second), Lost::TimedOut(10 * second));
    }
}
