//! What comes of an action that is no request to the model?

use serde_json::{Value, json};

use super::message::Action;
use super::refusal::Refusal;
use super::views;
use crate::chat::{Chat, Event, Export};
use crate::ids::ConversationId;
use crate::tools::{Caller, Role};

/// The most questions that are listed.
const APPROVALS: u16 = 200;

/// Whether an action changes something, so that it takes more than a key for reading.
pub(super) fn is_change(action: &Action) -> bool {
    match action {
        Action::Chat(_)
        | Action::Cancel { .. }
        | Action::Approve { .. }
        | Action::Answer { .. }
        | Action::Fork { .. }
        | Action::Clear { .. }
        | Action::Rename { .. }
        | Action::ApplyPrompt { .. }
        | Action::Import { .. } => true,
        Action::Resume { .. }
        | Action::History { .. }
        | Action::Conversations { .. }
        | Action::Approvals { .. }
        | Action::Search { .. }
        | Action::Prompts
        | Action::Resources { .. }
        | Action::Export { .. }
        | Action::Providers => false,
    }
}

/// Does what a socket need not remember. `own` is the socket's own conversation.
pub(super) async fn perform(
    (chat, caller): (&Chat, &Caller),
    own: Option<ConversationId>,
    action: Action,
) -> Result<Value, Refusal> {
    let principal = caller.principal.as_str();
    let meant = |id: Option<ConversationId>| {
        let missing = || Refusal::invalid("payload.conversation_id is missing");
        id.or_else(|| own.clone()).ok_or_else(missing)
    };
    match action {
        Action::Approve { approval_id, decision } => {
            let approval = chat.decide(principal, &approval_id, decision).await?;
            Ok(views::approval(&approval))
        }
        Action::Answer { conversation_id, id, answer } => {
            chat.answer(principal, &meant(conversation_id)?, &id, answer).await?;
            Ok(json!({ "elicitation_id": id }))
        }
        Action::History { conversation_id, before, limit } => {
            history((chat, principal), &meant(conversation_id)?, before, limit).await
        }
        Action::Conversations { after, limit } => {
            let page = chat.conversations(principal, after, limit).await?;
            let last = page.rows.last().filter(|_| page.has_more);
            Ok(json!({
                "conversations": page.rows.iter().map(views::conversation).collect::<Value>(),
                "next": last.map(|last| format!("{} {}", last.updated_at, last.id)),
            }))
        }
        Action::Approvals { conversation_id } => approvals(chat, caller, conversation_id).await,
        Action::Fork { conversation_id, seq } => {
            let fork = chat.fork(principal, &conversation_id, seq).await?;
            Ok(views::conversation(&fork))
        }
        Action::Clear { conversation_id } => {
            let id = meant(conversation_id)?;
            chat.clear(principal, &id).await?;
            Ok(json!({ "conversation_id": id }))
        }
        Action::Rename { conversation_id, title } => {
            let id = meant(conversation_id)?;
            chat.entitle(principal, &id, &title).await?;
            Ok(views::conversation(&chat.find(principal, &id).await?))
        }
        Action::Search { query, conversation_id, limit } => {
            let hits = chat.search(principal, conversation_id.as_ref(), &query, limit).await?;
            Ok(json!({ "hits": hits.iter().map(views::hit).collect::<Value>() }))
        }
        Action::Prompts => {
            Ok(json!({ "prompts": chat.prompts().iter().map(views::prompt).collect::<Value>() }))
        }
        Action::ApplyPrompt { server, name, arguments } => {
            let text = chat.prompt_text(&server, &name, arguments).await?;
            Ok(json!({ "server": server, "name": name, "text": text }))
        }
        Action::Resources { of: None } => {
            let resources = chat.resources();
            Ok(json!({ "resources": resources.iter().map(views::resource).collect::<Value>() }))
        }
        Action::Resources { of: Some((server, uri)) } => {
            if caller.role == Role::Read {
                return Err(Refusal::read_only("have a resource of another server read"));
            }
            let text = chat.resource_text(&server, &uri).await?;
            Ok(json!({ "server": server, "uri": uri, "text": text }))
        }
        Action::Export { conversation_id, after_seq } => {
            let id = meant(conversation_id)?;
            let Export { lines, next } = chat.export(principal, &id, after_seq).await?;
            Ok(json!({ "conversation_id": id, "lines": lines, "next": next }))
        }
        Action::Import { lines } => Ok(views::conversation(&chat.import(principal, &lines).await?)),
        Action::Providers => Ok(providers(chat)),
        Action::Chat(_) | Action::Cancel { .. } | Action::Resume { .. } => {
            unreachable!("a socket does these itself")
        }
    }
}

async fn history(
    (chat, principal): (&Chat, &str),
    id: &ConversationId,
    before: Option<i64>,
    limit: u16,
) -> Result<Value, Refusal> {
    let view = chat.view(principal, id).await?;
    let page = chat.history(principal, id, before, limit).await?;
    let event = |event: &Event| event.to_json(None, id.as_str());
    Ok(json!({
        "conversation": views::conversation(&view.row),
        "requests": view.turns.iter().map(views::turn).collect::<Value>(),
        "events": page.events.iter().map(event).collect::<Value>(),
        "has_earlier": page.has_earlier,
    }))
}

/// The questions: of one's own conversation, or of all for who may answer them.
async fn approvals(
    chat: &Chat,
    caller: &Caller,
    conversation: Option<ConversationId>,
) -> Result<Value, Refusal> {
    if caller.role == Role::Read {
        let Some(id) = &conversation else {
            return Err(Refusal::read_only("see the questions about all conversations"));
        };
        chat.find(&caller.principal, id).await?;
    }
    let approvals = chat.approvals(conversation.as_ref(), APPROVALS).await?;
    Ok(json!({ "approvals": approvals.iter().map(views::approval).collect::<Value>() }))
}

fn providers(chat: &Chat) -> Value {
    let active = &chat.settings().llm.active;
    let provider = |(name, provider): (&str, &crate::chat::Provider)| json!({ "name": name, "model": provider.model.model(), "is_active": name == active });
    json!({ "providers": chat.providers().map(provider).collect::<Value>() })
}
