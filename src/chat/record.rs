//! What each transaction of a conversation holds.

use std::sync::Arc;

use serde_json::json;

use crate::adapters::llm::Usage;
use crate::chat::deps::{ChatDeps, Provider};
use crate::chat::event::{Body, Cost, Ending, Event, Note};
use crate::chat::forgetting;
use crate::chat::statistics::Statistics;
use crate::config::chat::RetentionPolicy;
use crate::ids::ApprovalId;
use crate::store::chat::approvals::{self, ApprovalRow, ApprovalStatus};
use crate::store::chat::events;
use crate::store::chat::turns::{self, TurnCharge, TurnRow, TurnStatus};
use crate::store::chat::usage::{self, Purpose, UsageEntry};
use crate::store::chat::{conversations, partials};
use crate::store::{StoreError, Subject, Transaction};

/// The longest title, in characters.
const TITLE: usize = 80;

/// What is to be added to a journal: what happened, and how many tokens it has.
pub(super) type Addition = (Body, u32);

/// Where something is added.
#[derive(Debug, Clone)]
pub(super) struct Journal {
    /// The conversation.
    pub(super) conversation_id: String,
    /// Its last event.
    pub(super) last_seq: i64,
}

/// Adds events at the end of a conversation.
///
/// # Errors
/// [`StoreError::Stale`] if somebody else did; else the store's.
pub(super) fn append(
    transaction: &mut Transaction<'_>,
    journal: &Journal,
    additions: &[Addition],
) -> Result<Vec<Event>, StoreError> {
    let id = &journal.conversation_id;
    let mut added = Vec::with_capacity(additions.len());
    for (body, tokens) in additions {
        let seq = journal.last_seq + 1 + i64::try_from(added.len()).unwrap_or(0);
        let at = transaction.stamp().to_owned();
        let event = Event { seq, at, tokens: *tokens, body: body.clone() };
        let event_id = transaction.id_prefix().draw_id("evt");
        events::append(transaction, &event.to_row(event_id, id))?;
        added.push(event);
    }
    if let Some(last) = added.last() {
        conversations::advance(transaction, id, (journal.last_seq, last.seq))?;
    }
    Ok(added)
}

/// Begins a request with what the user said.
pub(super) fn begin(
    transaction: &mut Transaction<'_>,
    journal: &Journal,
    turn: &TurnRow,
    (text, tokens): (&str, u32),
) -> Result<Vec<Event>, StoreError> {
    let body =
        Body::UserMessage { request_id: Some(turn.request_id.clone()), text: text.to_owned() };
    let added = append(transaction, journal, &[(body, tokens)])?;
    turns::begin(transaction, turn.number, journal.last_seq + 1)?;
    let id = &journal.conversation_id;
    let known = conversations::find(transaction.reader(), id)?;
    if known.is_some_and(|conversation| conversation.title.is_empty()) {
        conversations::entitle(transaction, id, &title(text))?;
    }
    Ok(added)
}

/// What a conversation that begins with `text` is called.
pub(super) fn title(text: &str) -> String {
    let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut title: String = words.chars().filter(|c| !c.is_control()).take(TITLE).collect();
    if title.len() < words.len() {
        title.push('…');
    }
    title
}

/// Who was asked, for the ledger.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    /// The provider.
    pub(super) provider: String,
    /// The model.
    pub(super) model: String,
    /// What for.
    pub(super) purpose: Purpose,
    /// Where it is counted besides.
    pub(super) statistics: Arc<Statistics>,
}

impl Asked {
    /// Who is asked where this provider is.
    pub(super) fn of(provider: &Provider, purpose: Purpose, deps: &ChatDeps) -> Self {
        Self {
            provider: provider.model.provider().to_owned(),
            model: provider.model.model().to_owned(),
            purpose,
            statistics: Arc::clone(&deps.statistics),
        }
    }
}

/// Writes down what asking cost, in the ledger, the conversation and the request.
pub(super) fn charge(
    transaction: &mut Transaction<'_>,
    turn: &TurnRow,
    asked: &Asked,
    cost: Cost,
) -> Result<(), StoreError> {
    let whole = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let at = transaction.stamp().to_owned();
    let entry = UsageEntry {
        conversation_id: turn.conversation_id.clone(),
        request_id: turn.request_id.clone(),
        principal: turn.principal.clone(),
        day: at.get(..10).unwrap_or_default().to_owned(),
        at,
        provider: asked.provider.clone(),
        model: asked.model.clone(),
        purpose: asked.purpose,
        prompt_tokens: whole(cost.usage.prompt_tokens),
        completion_tokens: whole(cost.usage.completion_tokens),
        cached_tokens: whole(cost.usage.cached_tokens),
        cost_micros: whole(cost.cost_micros),
        is_estimate: cost.is_estimate,
    };
    usage::append(transaction, &entry)?;
    let (statistics, provider) = (Arc::clone(&asked.statistics), asked.provider.clone());
    transaction.after_commit(move || statistics.charge(&provider, cost));
    let of_turn = TurnCharge {
        prompt_tokens: entry.prompt_tokens,
        completion_tokens: entry.completion_tokens,
        total_tokens: whole(cost.usage.total_tokens),
        cached_tokens: entry.cached_tokens,
        cost_micros: entry.cost_micros,
        is_estimate: entry.is_estimate,
    };
    turns::charge(transaction, turn.number, of_turn)?;
    let sums = (entry.prompt_tokens, entry.completion_tokens, entry.cost_micros);
    conversations::charge(transaction, &turn.conversation_id, sums)
}

/// Writes down what the model answered, and what that cost.
pub(super) fn answered(
    transaction: &mut Transaction<'_>,
    journal: &Journal,
    (turn, asked, cost): (&TurnRow, &Asked, Cost),
    additions: &[Addition],
) -> Result<Vec<Event>, StoreError> {
    let added = append(transaction, journal, additions)?;
    partials::clear(transaction, &journal.conversation_id)?;
    if 0 < turn.attempts {
        turns::note_attempts(transaction, turn.number, 0)?;
    }
    charge(transaction, turn, asked, cost)?;
    Ok(added)
}

/// A question that is to be asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    /// What goes into the table, without an id.
    pub(super) row: ApprovalRow,
    /// What the call is to be given.
    pub(super) arguments: serde_json::Value,
}

/// Asks whether calls are allowed, and writes down what became of others.
pub(super) fn ask(
    transaction: &mut Transaction<'_>,
    journal: &Journal,
    questions: &[Question],
    resolved: &[Addition],
) -> Result<Vec<Event>, StoreError> {
    let mut additions = resolved.to_vec();
    for Question { row, arguments } in questions {
        let id = ApprovalId::generate(transaction.id_prefix()).to_string();
        let row = ApprovalRow {
            id: id.clone(),
            created_at: transaction.stamp().to_owned(),
            ..row.clone()
        };
        approvals::insert(transaction, &row)?;
        let told = json!({
            "approvalId": id, "server": row.server, "tool": row.tool, "arguments": arguments,
            "reason": row.reason, "expiresAt": row.expires_at,
        });
        let message = format!(
            "Asked whether {} of {} may be called, because {}.",
            row.tool, row.server, row.reason
        );
        let actor = principal(&journal.conversation_id);
        let subject = Subject::Conversation(&journal.conversation_id);
        transaction.audit_subject((&actor, "approval_requested"), subject, &told, message)?;
        let note = Note::ApprovalRequested {
            approval_id: id,
            call_id: row.call_id.clone(),
            name: crate::chat::event::ToolName {
                server: row.server.clone(),
                tool: row.tool.clone(),
            },
            arguments: arguments.clone(),
            reason: row.reason.clone(),
            expires_at: row.expires_at.clone(),
        };
        additions.push((Body::Note { note, text: None }, 0));
    }
    append(transaction, journal, &additions)
}

/// In whose name a conversation calls tools.
pub(super) fn principal(conversation_id: &str) -> String {
    format!("chat:{conversation_id}")
}

/// What somebody said to a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said<'a> {
    /// What.
    pub(super) status: ApprovalStatus,
    /// Whether it holds for the rest of the conversation.
    pub(super) always: bool,
    /// Who.
    pub(super) by: &'a str,
}

/// Writes down what somebody said to a question.
///
/// # Errors
/// [`StoreError::Stale`] if somebody said something before; else the store's.
pub(super) fn decide(
    transaction: &mut Transaction<'_>,
    row: &ApprovalRow,
    said: Said<'_>,
) -> Result<(), StoreError> {
    approvals::decide(transaction, &row.id, (said.status, said.always), said.by)?;
    let (action, words) = match (said.status, said.always) {
        (ApprovalStatus::Allowed, true) => {
            ("approval_given", "Allowed for the rest of the conversation")
        }
        (ApprovalStatus::Allowed, false) => ("approval_given", "Allowed once"),
        (ApprovalStatus::Expired, _) => ("approval_expired", "Nobody answered in time"),
        (ApprovalStatus::Withdrawn, _) => ("approval_withdrawn", "No longer needed"),
        (ApprovalStatus::Denied | ApprovalStatus::Pending, _) => ("approval_denied", "Not allowed"),
    };
    let told = json!({
        "approvalId": row.id, "server": row.server, "tool": row.tool,
        "decision": said.status.as_str(), "always": said.always,
    });
    let message = format!("{words}: {} of {}.", row.tool, row.server);
    let subject = Subject::Conversation(&row.conversation_id);
    transaction.audit_subject((said.by, action), subject, &told, message)?;
    Ok(())
}

/// What a request took, all of it.
fn taken(transaction: &mut Transaction<'_>, turn: &TurnRow) -> Result<Cost, StoreError> {
    let (id, request) = (&turn.conversation_id, &turn.request_id);
    let Some(turn) = turns::find(transaction.reader(), id, request)? else {
        return Err(StoreError::NotFound);
    };
    let whole = |n: i64| u64::try_from(n).unwrap_or(0);
    let usage = Usage {
        prompt_tokens: whole(turn.prompt_tokens),
        completion_tokens: whole(turn.completion_tokens),
        total_tokens: whole(turn.total_tokens),
        cached_tokens: whole(turn.cached_tokens),
    };
    Ok(Cost { usage, cost_micros: whole(turn.cost_micros), is_estimate: turn.is_estimate })
}

/// Ends a request, with what comes before its end, and forgets what is not to be kept.
pub(super) fn end(
    transaction: &mut Transaction<'_>,
    journal: &Journal,
    turn: &TurnRow,
    (additions, ending): (&[Addition], &Ending),
    retention: RetentionPolicy,
) -> Result<Vec<Event>, StoreError> {
    let of_turn = (journal.conversation_id.as_str(), turn.number);
    let asked = approvals::of_turn(transaction.reader(), of_turn)?;
    forgetting::withdraw(transaction, asked)?;
    let cost = taken(transaction, turn)?;
    let note = Note::TurnEnd { request_id: turn.request_id.clone(), ending: ending.clone(), cost };
    let mut additions = additions.to_vec();
    additions.push((Body::Note { note, text: None }, 0));
    let added = append(transaction, journal, &additions)?;
    let status = match ending {
        Ending::Complete { .. } => TurnStatus::Complete,
        Ending::Error { .. } => TurnStatus::Error,
        Ending::Cancelled { .. } => TurnStatus::Cancelled,
    };
    let last_seq = added.last().map_or(journal.last_seq, |event| event.seq);
    turns::end(transaction, turn.number, (status, last_seq))?;
    partials::clear(transaction, &journal.conversation_id)?;
    forgetting::forget(transaction, &journal.conversation_id, retention)?;
    Ok(added)
}
