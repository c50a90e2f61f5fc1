//! Who may open a stream, and how much memory all of them may cost.

/// The bounds of the event stream.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Streams that may be open at once. Each costs a file descriptor and about 11 KiB.
    pub readers: usize,
    /// Streams that may be open at once for one principal.
    pub readers_per_principal: usize,
    /// Events that are kept in memory for each topic of many things; a topic of one thing keeps an
    /// eighth of that, and only while somebody follows it.
    pub ring_events: usize,
    /// Bytes that are kept in memory for each topic of many things; an eighth for one thing.
    pub ring_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            readers: 512,
            readers_per_principal: 32,
            ring_events: 1024,
            ring_bytes: 4 * 1024 * 1024,
        }
    }
}

/// Why no stream was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubscribeError {
    /// The server goes down.
    #[error("the server is going down; connect again in a moment")]
    Draining,
    /// As many streams are open as there may be.
    #[error("too many event streams are open; try again later")]
    Full,
    /// This principal has as many streams open as it may.
    #[error(
        "this client has {0} event streams open, which is as many as it may; close one, or follow \
         several topics in one stream"
    )]
    PrincipalFull(usize),
}

impl SubscribeError {
    /// After how many seconds another try makes sense.
    pub fn retry_after_seconds(self) -> u32 {
        match self {
            Self::Draining => 2,
            // By then, those who left without a word were noticed.
            Self::Full | Self::PrincipalFull(_) => 15,
        }
    }
}
