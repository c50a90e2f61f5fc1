//! Telling whoever started the daemon how it is: systemd by its socket, PM2 by its channel.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::{PidfdFlags, PidfdGetfdFlags, pidfd_getfd, pidfd_open};
use sd_notify::NotifyState;
use tracing::{info, warn};

use crate::canaries::Canaries;
use crate::events::Hub;
use crate::jobs::Jobs;
use crate::store::Store;

/// How long an actor may take to answer the watchdog.
const PATIENCE: Duration = Duration::from_secs(5);

/// Says that requests are welcome.
pub(super) fn ready(address: SocketAddr) {
    info!(%address, "ready");
    tell_systemd(&[NotifyState::Ready]);
    if let Ok(channel) = std::env::var("NODE_CHANNEL_FD")
        && let Err(error) = tell_pm2(&channel)
    {
        warn!(%error, "the process manager was not told that the daemon is ready");
    }
}

/// Says that the daemon goes down.
pub(super) fn stopping() {
    tell_systemd(&[NotifyState::Stopping]);
}

fn tell_systemd(state: &[NotifyState<'_>]) {
    // Without a socket there is nobody to tell, which is no error.
    if let Err(error) = sd_notify::notify(state) {
        warn!(%error, "systemd was not told");
    }
}

/// Writes `"ready"` to the channel that a Node parent left open, as its `process.send` would.
fn tell_pm2(channel: &str) -> std::io::Result<()> {
    let number = channel.parse().map_err(|_| std::io::Error::other("the channel is no number"))?;
    // A second handle on the descriptor, got without claiming to own the first.
    let this = pidfd_open(rustix::process::getpid(), PidfdFlags::empty())?;
    let channel = pidfd_getfd(this, number, PidfdGetfdFlags::empty())?;
    rustix::io::write(&channel, b"\"ready\"\n")?;
    Ok(())
}

/// Feeds systemd's watchdog for as long as the actors that everything rests on answer.
pub(super) async fn watchdog((store, events, jobs, canaries): (Store, Arc<Hub>, Jobs, Canaries)) {
    let Some(limit) = sd_notify::watchdog_enabled() else { return };
    let mut beat = tokio::time::interval(limit / 3);
    loop {
        beat.tick().await;
        let alive = async {
            store.ping().await.is_ok()
                && events.ping().await.is_ok()
                && jobs.ping().await.is_ok()
                && canaries.ping().await.is_ok()
        };
        if tokio::time::timeout(PATIENCE, alive).await == Ok(true) {
            tell_systemd(&[NotifyState::Watchdog]);
        } else {
            warn!("an actor does not answer; the watchdog is not fed");
        }
    }
}
