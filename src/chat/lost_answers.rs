//! Answers that an earlier run of the daemon did not get whole: asked for again, paid for, and given
//! up in the end.

use crate::chat::event::{Body, Cost, Ending, Finish};
use crate::chat::ledger;
use crate::chat::patience;
use crate::chat::record;
use crate::chat::turn::TurnRun;
use crate::store::chat::usage::Purpose;
use crate::store::chat::{partials, turns};
use crate::supervision::crash;

/// How often the model is asked for the same answer again, or a call is made again, where the
/// daemon ended meanwhile.
const ATTEMPTS: i32 = 3;

impl TurnRun {
    /// Whether the model is not asked once more.
    pub(super) fn was_asked_too_often(&self) -> bool {
        ATTEMPTS < self.turn.attempts
    }

    /// Whether a call is not made once more.
    pub(super) fn was_tried_too_often(&self) -> bool {
        ATTEMPTS <= self.turn.attempts
    }

    /// Ends a request whose answer an earlier run did not get again and again, with what came of
    /// the last.
    pub(super) async fn give_up(&mut self, hop: u32) {
        let ending = Ending::Error {
            code: "interrupted".to_owned(),
            message: "the daemon ended again and again while this was being answered; ask again"
                .to_owned(),
            retryable: true,
        };
        let text = self.lost().await;
        let tokens = self.tokens_of(&text, &[]).await;
        let cost = self.cost_of_lost(tokens);
        if text.is_empty() {
            return match cost {
                Some(cost) => self.broke_off(Vec::new(), cost, ending).await,
                None => self.end(Vec::new(), ending).await,
            };
        }
        let cost = cost.unwrap_or_default();
        let (finish, model) = (Finish::Interrupted, Some(self.provider().model().to_owned()));
        let calls = Vec::new();
        let body = Body::AssistantMessage { text, calls, finish, model, cost, hop };
        self.broke_off(vec![(body, tokens)], cost, ending).await;
    }

    /// What was sent by an earlier run cost, with so many tokens of an answer; `None` if nothing is
    /// to be paid for any more.
    fn cost_of_lost(&self, completion_tokens: u32) -> Option<Cost> {
        let asked = u64::try_from(self.turn.asked_tokens).ok().filter(|asked| 0 < *asked)?;
        let usage = ledger::counted(asked, completion_tokens.into());
        Some(ledger::cost(None, usage, self.chosen().prices))
    }

    /// What an earlier run has of the answer that is to come next.
    async fn lost(&self) -> String {
        let (id, seq) = (self.journal.conversation_id.clone(), self.journal.last_seq + 1);
        let conversation = id.clone();
        let read = move |conn: &mut _| partials::text(conn, &id, seq);
        match patience::read(&self.deps.store, &conversation, read).await {
            Ok(text) => text,
            Err(error) => crash(format!("a part of an answer could not be read: {error}")),
        }
    }

    /// Pays for what an earlier run sent and did not get the whole answer of, once.
    pub(super) async fn charge_lost(&mut self) {
        if self.turn.asked_tokens == 0 {
            return;
        }
        let text = self.lost().await;
        let tokens = self.tokens_of(&text, &[]).await;
        let Some(cost) = self.cost_of_lost(tokens) else { return };
        let (turn, asked) = (self.turn.clone(), self.asked(Purpose::Answer));
        self.commit(move |transaction, journal| {
            record::charge(transaction, &turn, &asked, cost)?;
            partials::clear(transaction, &journal.conversation_id)?;
            Ok(Vec::new())
        })
        .await;
        self.turn.asked_tokens = 0;
    }

    /// Notes that the model is asked once more for what an earlier run did not get.
    pub(super) async fn note_attempt(&mut self) {
        self.turn.attempts += 1;
        let (number, attempts) = (self.turn.number, self.turn.attempts);
        self.commit(move |transaction, _| {
            turns::note_attempts(transaction, number, attempts)?;
            Ok(Vec::new())
        })
        .await;
    }
}
