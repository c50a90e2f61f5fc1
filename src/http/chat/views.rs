//! How does what there is of the chat look on the wire? Pure.

use serde_json::{Value, json};

use crate::chat::{Approval, OfferedPrompt, OfferedResource};
use crate::mcp_servers::{PromptArgument, ResourceDefinition};
use crate::store::chat::conversations::ConversationRow;
use crate::store::chat::events::Hit;
use crate::store::chat::turns::TurnRow;

/// A conversation.
pub(super) fn conversation(row: &ConversationRow) -> Value {
    let mut view = json!({
        "conversation_id": row.id,
        "title": row.title,
        "origin": row.origin.as_str(),
        "created_at": row.created_at,
        "updated_at": row.updated_at,
        "last_seq": row.last_seq,
        "usage": {
            "prompt_tokens": row.prompt_tokens,
            "completion_tokens": row.completion_tokens,
            "total_tokens": row.prompt_tokens.saturating_add(row.completion_tokens),
        },
        "is_kept": row.session.is_none(),
    });
    if let Some(parent) = &row.parent_id {
        view["parent_id"] = json!(parent);
        view["fork_seq"] = json!(row.fork_seq);
    }
    if 0 < row.cost_micros {
        #[expect(clippy::cast_precision_loss, reason = "a price for people to read")]
        let cost = row.cost_micros as f64 / 1e6;
        view["cost"] = json!(cost);
    }
    view
}

/// A request.
pub(super) fn turn(row: &TurnRow) -> Value {
    json!({
        "request_id": row.request_id, "status": row.status.as_str(), "first_seq": row.first_seq,
        "last_seq": row.last_seq, "created_at": row.created_at, "ended_at": row.ended_at,
    })
}

/// A question whether a call is allowed.
pub(super) fn approval(approval: &Approval) -> Value {
    let row = &approval.row;
    json!({
        "approval_id": row.id, "conversation_id": row.conversation_id, "call_id": row.call_id,
        "server": row.server, "tool": row.tool, "arguments": approval.arguments(),
        "reason": row.reason, "status": row.status.as_str(), "created_at": row.created_at,
        "expires_at": row.expires_at, "decided_by": row.decided_by,
    })
}

/// A place where something was said.
pub(super) fn hit(hit: &Hit) -> Value {
    json!({
        "conversation_id": hit.conversation_id, "title": hit.title, "seq": hit.seq,
        "timestamp": hit.timestamp, "role": hit.role, "snippet": hit.snippet,
    })
}

/// A prompt.
pub(super) fn prompt(OfferedPrompt { server, prompt }: &OfferedPrompt) -> Value {
    let argument = |PromptArgument { name, description, required }: &PromptArgument| json!({ "name": name, "description": description, "required": required });
    json!({
        "server": server, "name": prompt.name, "title": prompt.title,
        "description": prompt.description,
        "arguments": prompt.arguments.iter().map(argument).collect::<Value>(),
    })
}

/// A resource.
pub(super) fn resource(offered: &OfferedResource) -> Value {
    let OfferedResource { server, resource, is_template } = offered;
    let ResourceDefinition { uri, name, title, description, mime_type, size } = resource;
    json!({
        "server": server, "uri": uri, "is_template": is_template, "name": name, "title": title,
        "description": description, "mime_type": mime_type, "size": size,
    })
}
