//! The body of an answer, of which the largest part may be shared with other answers.

use bytes::{BufMut as _, Bytes, BytesMut};

/// A body in two parts. What many answers have in common, such as a list of tools, is made once and
/// is never copied for one of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Body {
    /// What is this answer's own.
    pub own: Bytes,
    /// What follows, and is the same for others.
    pub shared: Bytes,
}

impl Body {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.own.is_empty() && self.shared.is_empty()
    }

    /// It in one piece; copied only if it is in two.
    pub fn into_bytes(self) -> Bytes {
        if self.shared.is_empty() {
            return self.own;
        }
        let mut whole = BytesMut::with_capacity(self.own.len() + self.shared.len());
        whole.put(self.own);
        whole.put(self.shared);
        whole.freeze()
    }
}

impl From<Bytes> for Body {
    fn from(own: Bytes) -> Self {
        Self { own, shared: Bytes::new() }
    }
}
