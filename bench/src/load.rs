//! A plain load of a known number of requests, for what wrk cannot do: exact counts, and every
//! answer looked into.

use std::thread;

use anyhow::Result;

use crate::http::Connection;
use crate::rpc::{Access, Call};

/// Connections of a plain load.
const CONNECTIONS: u64 = 32;

/// Makes one call `count` times over several connections and checks each answer.
pub fn repeat(call: &Call, access: &Access, port: u16, count: u64) -> Result<()> {
    spread(port, count, |connection, id| call.make(connection, access, id).map(drop))
}

/// Makes so many calls over several connections.
pub fn spread(
    port: u16,
    count: u64,
    each: impl Fn(&mut Connection, u64) -> Result<()> + Sync,
) -> Result<()> {
    let each = &each;
    thread::scope(|scope| {
        let workers: Vec<_> = (0..CONNECTIONS)
            .map(|worker| {
                // The first ones make one more when the count does not divide.
                let share = count / CONNECTIONS + u64::from(worker < count % CONNECTIONS);
                scope.spawn(move || -> Result<()> {
                    let mut connection = Connection::open(port)?;
                    (1..=share).try_for_each(|id| each(&mut connection, id))
                })
            })
            .collect();
        workers.into_iter().try_for_each(|worker| {
            // A panic in a worker is a fault of this program: pass it on.
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        })
    })
}
