//! What does asking a model cost the request that it is for, whatever comes of it?
//!
//! How much is about to be sent is written down before it is, so that who comes after a crash knows
//! what to pay for. What went out is paid for whether an answer came or not: by what the provider
//! says where that can be believed, and else by what is counted here.

use tracing::warn;

use crate::adapters::llm::{Sends, Usage};
use crate::chat::event::Cost;
use crate::chat::ledger;
use crate::chat::record::{self, Asked};
use crate::chat::tokens::Tokenizer;
use crate::chat::turn::TurnRun;
use crate::store::chat::turns;
use crate::store::chat::usage::Purpose;

impl TurnRun {
    /// Notes that a model is about to be sent so many tokens.
    pub(super) async fn note_asked(&mut self, prompt_tokens: u64) {
        let number = self.turn.number;
        self.turn.asked_tokens = i64::try_from(prompt_tokens).unwrap_or(i64::MAX);
        let tokens = self.turn.asked_tokens;
        self.commit(move |transaction, _| {
            turns::note_asked(transaction, number, tokens)?;
            Ok(Vec::new())
        })
        .await;
    }

    /// The tokens of the descriptions of the tools that the model is told of. They are long, and the
    /// same for most requests, so that they are counted once.
    pub(super) async fn tokens_of_tools(&self) -> u64 {
        if self.offered.is_empty() {
            return 0;
        }
        let model = self.provider().model();
        let counted = Tokenizer::of(model).among(self.offered.tokens());
        let count = || self.deps.count_message(model, self.offered.described());
        counted.get_or_init(count).await.to_owned().into()
    }

    /// What asking cost; `None` if nothing went out. Every time but the last was in vain.
    pub(super) fn cost_of_asking(
        &self,
        sends: &Sends,
        reported: Option<Usage>,
        counted: Usage,
        has_answer: bool,
    ) -> Option<Cost> {
        let times = if has_answer { sends.count().max(1) } else { sends.count() };
        let in_vain = times.checked_sub(1)?;
        let provider = self.chosen();
        let believed = reported.filter(|reported| ledger::is_believable(*reported, counted));
        if let (Some(reported), None) = (reported, believed) {
            let name = self.provider().provider();
            warn!(
                provider = name,
                ?reported,
                ?counted,
                "what it says that it took is not believed"
            );
            self.deps.statistics.disbelieve(name);
        }
        let once = ledger::cost(believed, counted, provider.prices);
        let prompt = ledger::counted(counted.prompt_tokens, 0);
        let lost = ledger::cost(None, prompt, provider.prices);
        Some((0..in_vain).fold(once, |cost, _| cost.plus(lost)))
    }

    /// Who is asked, for the ledger.
    pub(super) fn asked(&self, purpose: Purpose) -> Asked {
        Asked::of(self.chosen(), purpose, &self.deps)
    }

    /// Writes down what was paid for and gave nothing to be written down.
    pub(super) async fn charge_only(&mut self, purpose: Purpose, cost: Cost) {
        let (turn, asked) = (self.turn.clone(), self.asked(purpose));
        self.commit(move |transaction, _| {
            record::charge(transaction, &turn, &asked, cost)?;
            Ok(Vec::new())
        })
        .await;
        self.turn.asked_tokens = 0;
    }
}
