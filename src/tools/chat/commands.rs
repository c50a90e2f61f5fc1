//! `cancel_message`, `rename_conversation`, `fork_conversation`, `remove_conversation`.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::ids::ConversationId;
use crate::tools::chat::conversations::{Conversation, shown};
use crate::tools::chat::door;
use crate::tools::{Call, Effect, Reply, Tool, ToolError};

pub(super) struct CancelMessage;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CancelArguments {
    /// The conversation.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,128}$"))]
    conversation_id: ConversationId,
    /// The request in it.
    request_id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct CancelAnswer {
    conversation_id: String,
    request_id: String,
    /// Always true: the request ends, and what was said so far is kept.
    cancelled: bool,
}

#[async_trait]
impl Tool for CancelMessage {
    const NAME: &'static str = "cancel_message";
    const TITLE: &'static str = "End a request of a conversation";
    const DESCRIPTION: &'static str = "Ends the answer to a message: the model, and the call of a \
        tool that is under way, are stopped. What was said so far is kept.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = CancelArguments;
    type Answer = CancelAnswer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: CancelArguments,
    ) -> Result<Reply<CancelAnswer>, ToolError> {
        let CancelArguments { conversation_id, request_id } = arguments;
        door(doors)?.cancel(&caller.principal, &conversation_id, &request_id).await?;
        let conversation_id = conversation_id.to_string();
        Ok(Reply::Answer(CancelAnswer { conversation_id, request_id, cancelled: true }))
    }
}

pub(super) struct RenameConversation;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RenameArguments {
    /// The conversation.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,128}$"))]
    conversation_id: ConversationId,
    /// What lists call it from now on; cut after 80 characters.
    #[schemars(length(min = 1, max = 1_000))]
    title: String,
}

#[async_trait]
impl Tool for RenameConversation {
    const NAME: &'static str = "rename_conversation";
    const TITLE: &'static str = "Rename a conversation";
    const DESCRIPTION: &'static str = "Calls a conversation by another title. What was said in it \
        stays as it is.";
    const EFFECT: Effect = Effect::Sets;
    type Arguments = RenameArguments;
    type Answer = Conversation;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        RenameArguments { conversation_id, title }: RenameArguments,
    ) -> Result<Reply<Conversation>, ToolError> {
        let (chat, principal) = (door(doors)?, &caller.principal);
        chat.entitle(principal, &conversation_id, &title).await?;
        Ok(Reply::Answer(shown(chat.find(principal, &conversation_id).await?)))
    }
}

pub(super) struct ForkConversation;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ForkArguments {
    /// The conversation.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,128}$"))]
    conversation_id: ConversationId,
    /// The last event that the new one has.
    #[schemars(range(min = 1))]
    seq: i64,
}

#[async_trait]
impl Tool for ForkConversation {
    const NAME: &'static str = "fork_conversation";
    const TITLE: &'static str = "Fork a conversation";
    const DESCRIPTION: &'static str = "Begins a conversation that went as another did up to an \
        event, and goes its own way from there.";
    const EFFECT: Effect = Effect::Adds;
    type Arguments = ForkArguments;
    type Answer = Conversation;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: ForkArguments,
    ) -> Result<Reply<Conversation>, ToolError> {
        let ForkArguments { conversation_id, seq } = arguments;
        let row = door(doors)?.fork(&caller.principal, &conversation_id, seq).await?;
        Ok(Reply::Answer(shown(row)))
    }
}

pub(super) struct RemoveConversation;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct RemoveArguments {
    /// The conversation.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,128}$"))]
    conversation_id: ConversationId,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct RemoveAnswer {
    conversation_id: String,
    /// Always true.
    removed: bool,
}

#[async_trait]
impl Tool for RemoveConversation {
    const NAME: &'static str = "remove_conversation";
    const TITLE: &'static str = "Remove a conversation";
    const DESCRIPTION: &'static str = "Removes a conversation with all that was said in it. What \
        its tools did, and what it cost, stays recorded.";
    const EFFECT: Effect = Effect::Ends;
    type Arguments = RemoveArguments;
    type Answer = RemoveAnswer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        RemoveArguments { conversation_id }: RemoveArguments,
    ) -> Result<Reply<RemoveAnswer>, ToolError> {
        door(doors)?.clear(&caller.principal, &conversation_id).await?;
        let conversation_id = conversation_id.to_string();
        Ok(Reply::Answer(RemoveAnswer { conversation_id, removed: true }))
    }
}
