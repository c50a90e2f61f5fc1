//! Does a body ask for something that only the role operate may do? For callers whose tokens can be
//! had with more scopes, which are told so before anything is done.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::mcp::envelope::{Envelope, Message};
use crate::mcp::server::Server;
use crate::tools::Effect;

#[derive(Deserialize)]
struct Named<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
}

impl Server {
    /// Whether it does. Of what cannot be read, nothing is done anyhow.
    pub fn asks_for_change(&self, body: &[u8]) -> bool {
        if body.trim_ascii_start().starts_with(b"[") {
            let members = serde_json::from_slice::<Vec<&RawValue>>(body).unwrap_or_default();
            return members.iter().any(|member| self.changes(member.get()));
        }
        std::str::from_utf8(body).is_ok_and(|text| self.changes(text))
    }

    fn changes(&self, text: &str) -> bool {
        let message = Envelope::read(text).ok().and_then(|envelope| envelope.check().ok());
        let Some(Message::Request { method, params, .. }) = message else { return false };
        match &*method {
            "tools/call" => {
                let named = params.and_then(|params| serde_json::from_str(params.get()).ok());
                let effect = named.and_then(|Named { name }| self.registry.effect(&name));
                effect.is_some_and(|(_, effect)| effect != Effect::Reads)
            }
            // Ending work, and answering what it asks, is for who may begin it.
            "tasks/cancel" | "tasks/update" => true,
            _ => false,
        }
    }
}
