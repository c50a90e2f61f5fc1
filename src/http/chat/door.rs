//! What the routes of the chat share, and the numbers of it.

use std::net::SocketAddr;
use std::sync::Arc;

use super::places::{NoPlace, Place, Places};
use crate::chat::Chat;
use crate::clock::{Clock, Timestamp};
use crate::events::Hub;
use crate::http::gate::Admitted;

/// What the routes of the chat need from the rest of the daemon; one for all workers.
pub struct ChatDoor {
    chat: Option<Chat>,
    pub(super) events: Arc<Hub>,
    places: Arc<Places>,
    /// Where else it is listened for sockets.
    listeners: Vec<SocketAddr>,
    clock: Arc<dyn Clock>,
    /// Since when there is a chat.
    pub(super) began: Timestamp,
}

impl ChatDoor {
    /// A door to the chat, if there is one. `listeners` are the addresses that are for sockets.
    pub fn new(
        chat: Option<Chat>,
        events: Arc<Hub>,
        clock: Arc<dyn Clock>,
        listeners: Vec<SocketAddr>,
    ) -> Self {
        let (places, began) = (Arc::default(), clock.now());
        Self { chat, events, places, listeners, clock, began }
    }

    pub(super) fn chat(&self) -> Option<&Chat> {
        self.chat.as_ref()
    }

    /// What time it is.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// How many sockets are open.
    pub fn sockets(&self) -> usize {
        self.places.open()
    }

    /// Whether this is an address that is for sockets.
    pub(in crate::http) fn is_for_sockets(&self, address: SocketAddr) -> bool {
        self.listeners.contains(&address)
    }

    /// A place for a socket. Where there are several principals, none may have more than half.
    pub(super) fn place(&self, admitted: &Admitted, most: usize) -> Result<Place, NoPlace> {
        let most_of_one = if admitted.is_open() { most } else { most.div_ceil(2) };
        self.places.take(&admitted.caller.principal, (most, most_of_one))
    }

    /// Waits until the daemon goes down.
    pub(super) fn ended(&self) -> impl Future<Output = ()> + Send + use<> {
        self.events.ended()
    }
}
