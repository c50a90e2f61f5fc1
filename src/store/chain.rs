//! The audit chain, wherever its rows come from: what follows from what, and where it breaks.

use serde::{Deserialize, Serialize};

use crate::store::audits::AuditRow;
use crate::store::checkpoints::Checkpoint;

/// The hash before the first row.
pub const GENESIS: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// A link of the chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChainHead {
    /// The row's place; 0 before the first.
    pub id: i64,
    /// The row's hash.
    pub hash: String,
}

impl ChainHead {
    /// The link before the first row.
    pub fn genesis() -> Self {
        Self { id: 0, hash: GENESIS.to_owned() }
    }
}

/// Where the chain does not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the audit chain is broken at row {id}: {what}")]
pub struct BrokenChain {
    /// The row at which it shows.
    pub id: i64,
    /// What is wrong there.
    pub what: &'static str,
}

/// A walk along the chain, row by row, past the checkpoints that were made of it.
#[derive(Debug)]
pub struct ChainWalk<'a> {
    head: ChainHead,
    ahead: &'a [Checkpoint],
}

impl<'a> ChainWalk<'a> {
    /// Begins after a row. Checkpoints, in their order, that lie before it are passed already.
    ///
    /// # Errors
    /// A checkpoint of that very row says otherwise.
    pub fn after(head: ChainHead, checkpoints: &'a [Checkpoint]) -> Result<Self, BrokenChain> {
        let passed = checkpoints.iter().take_while(|checkpoint| checkpoint.size < head.id).count();
        let mut walk = Self { head, ahead: checkpoints.get(passed..).unwrap_or_default() };
        walk.pass_checkpoint()?;
        Ok(walk)
    }

    /// Takes the next row.
    ///
    /// # Errors
    /// It does not follow, is not as it was written, or is not what a checkpoint saw.
    pub fn follow(&mut self, row: &AuditRow) -> Result<(), BrokenChain> {
        let broken = |what| Err(BrokenChain { id: row.id, what });
        if row.id <= self.head.id {
            return broken("it is out of its order");
        }
        if row.id != self.head.id + 1 {
            return broken("a row before it is missing");
        }
        if row.prev_hash != self.head.hash {
            return broken("it does not follow from the row before it");
        }
        if row.hash != row.expected_hash() {
            return broken("it is not as it was written");
        }
        self.head = ChainHead { id: row.id, hash: row.hash.clone() };
        self.pass_checkpoint()
    }

    fn pass_checkpoint(&mut self) -> Result<(), BrokenChain> {
        let Some((next, rest)) = self.ahead.split_first() else { return Ok(()) };
        if next.size != self.head.id {
            return Ok(());
        }
        self.ahead = rest;
        if next.head == self.head.hash {
            Ok(())
        } else {
            let what = "it is not the row of which a checkpoint was made";
            Err(BrokenChain { id: next.size, what })
        }
    }

    /// Where the walk is.
    pub fn head(&self) -> &ChainHead {
        &self.head
    }

    /// Ends the walk at the last row there is.
    ///
    /// # Errors
    /// A checkpoint was made of a later one.
    pub fn end(self) -> Result<ChainHead, BrokenChain> {
        match self.ahead.first() {
            None => Ok(self.head),
            Some(next) => Err(BrokenChain {
                id: next.size,
                what: "it is missing with all rows since the last, and a checkpoint was made of it",
            }),
        }
    }
}
