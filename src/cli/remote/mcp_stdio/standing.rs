//! How does the client hear what the daemon tells outside of any request?

use std::convert::Infallible;
use std::future::pending;

use tokio::time::sleep;

use super::bridge::Bridge;
use super::message;
use crate::cli::remote::session::say;
use crate::client::{Content, pause_after};

/// Reads the stream of whichever session there is, for as long as it is polled.
pub(super) async fn read(bridge: &Bridge) -> Infallible {
    loop {
        tokio::select! {
            () = follow(bridge) => {}
            () = bridge.changed.notified() => {}
        }
    }
}

/// Reads the stream of the session over lost connections, until the session is another one.
async fn follow(bridge: &Bridge) {
    let Some((said, generation)) = listening(bridge) else { return pending().await };
    let (mut last, mut failures) = (None::<String>, 0);
    loop {
        match bridge.daemon.open_messages(&said, last.as_deref()).await.map(|reply| reply.content) {
            Ok(Content::Stream(mut stream)) => {
                while let Ok(Some(message)) = stream.next().await {
                    failures = 0;
                    if let Some(line) = message::one_line(&message) {
                        bridge.tell(line).await;
                    }
                }
                last = stream.last_event_id().map(str::to_owned).or(last);
            }
            Ok(Content::Refused { status: 404, .. }) => match bridge.renew(generation).await {
                Ok(()) => return,
                Err(trouble) if failures == 0 => say(&trouble.sentence()),
                Err(_as_before) => {}
            },
            // There is none, and there will be none.
            Ok(Content::Refused { status: 405, .. }) => return pending().await,
            Ok(Content::Refused { why, .. }) if failures == 0 => {
                say(&format!("the daemon tells nothing outside of answers: {why}"));
            }
            Ok(_) => {}
            Err(error) if failures == 0 => say(&format!("{error} Trying again.")),
            Err(_as_before) => {}
        }
        failures += 1;
        sleep(pause_after(failures)).await;
    }
}

/// The headers of the session, if there is one and its client is ready to hear.
fn listening(bridge: &Bridge) -> Option<(Vec<(&'static str, String)>, u64)> {
    let handshake = bridge.handshake();
    (handshake.has_session() && handshake.was_ready()).then(|| handshake.headers())
}
