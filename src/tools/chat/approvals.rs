//! `list_approvals`, `decide_approval`, `answer_question`: what conversations ask people.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::chat::{Approval, Decision};
use crate::ids::{ApprovalId, ConversationId};
use crate::mcp_servers::ElicitationAnswer;
use crate::tools::chat::door;
use crate::tools::{Call, Effect, Reply, Role, Tool, ToolError};

/// A call that waits for somebody's approval.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Asked {
    approval_id: String,
    conversation_id: String,
    /// The server whose tool it is.
    server: String,
    tool: String,
    /// What the tool is to be given.
    arguments: Map<String, Value>,
    /// Why it is asked.
    reason: String,
    created_at: String,
    expires_at: String,
}

/// A question, as answers show it.
pub(super) fn asked(approval: &Approval) -> Asked {
    let row = &approval.row;
    let arguments = match approval.arguments() {
        Value::Object(arguments) => arguments,
        _ => Map::new(),
    };
    Asked {
        approval_id: row.id.clone(),
        conversation_id: row.conversation_id.clone(),
        server: row.server.clone(),
        tool: row.tool.clone(),
        arguments,
        reason: row.reason.clone(),
        created_at: row.created_at.clone(),
        expires_at: row.expires_at.clone(),
    }
}

pub(super) struct ListApprovals;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct ListArguments {
    /// Only of this conversation.
    #[schemars(with = "Option<String>", regex(pattern = r"^[A-Za-z0-9_.:-]{1,128}$"))]
    conversation_id: Option<ConversationId>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ListAnswer {
    approvals: Vec<Asked>,
}

#[async_trait]
impl Tool for ListApprovals {
    const NAME: &'static str = "list_approvals";
    const TITLE: &'static str = "List calls that wait for approval";
    const DESCRIPTION: &'static str = "Lists the calls of tools that conversations want to make and \
        somebody has to allow, of all conversations, the oldest first; at most 200. Needs a key \
        that may operate, as it shows what those calls would do.";
    const EFFECT: Effect = Effect::Reads;
    type Arguments = ListArguments;
    type Answer = ListAnswer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: ListArguments,
    ) -> Result<Reply<ListAnswer>, ToolError> {
        if caller.role != Role::Operate {
            let why = "list_approvals needs a key with the role operate; this key may only read";
            return Err(ToolError::Refused(why.to_owned()));
        }
        let found = door(doors)?.approvals(arguments.conversation_id.as_ref(), 200).await?;
        let approvals = found.iter().map(asked).collect();
        Ok(Reply::Answer(ListAnswer { approvals }))
    }
}

pub(super) struct DecideApproval;

/// What somebody says to a question.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Said {
    Once,
    Always,
    Deny,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DecideArguments {
    /// The question, as `list_approvals` names it.
    #[schemars(with = "String", regex(pattern = r"^ap_[A-Za-z0-9_-]{1,64}$"))]
    approval_id: ApprovalId,
    /// `once` for this call, `always` for the tool in the rest of this conversation, or `deny`.
    decision: Said,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct DecideAnswer {
    approval_id: String,
    conversation_id: String,
    /// `allowed` or `denied`.
    status: &'static str,
    /// Whether it holds for the rest of the conversation.
    always: bool,
    decided_by: Option<String>,
}

#[async_trait]
impl Tool for DecideApproval {
    const NAME: &'static str = "decide_approval";
    const TITLE: &'static str = "Allow or deny a call";
    const DESCRIPTION: &'static str = "Says whether a conversation may make a call of a tool. The \
        answer is recorded with who gave it, and is final.";
    const EFFECT: Effect = Effect::Changes;
    type Arguments = DecideArguments;
    type Answer = DecideAnswer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: DecideArguments,
    ) -> Result<Reply<DecideAnswer>, ToolError> {
        let decision = match arguments.decision {
            Said::Once => Decision::Once,
            Said::Always => Decision::Always,
            Said::Deny => Decision::Deny,
        };
        let chat = door(doors)?;
        let decided = chat.decide(&caller.principal, &arguments.approval_id, decision).await?;
        let row = decided.row;
        Ok(Reply::Answer(DecideAnswer {
            approval_id: row.id,
            conversation_id: row.conversation_id,
            status: row.status.as_str(),
            always: row.always,
            decided_by: row.decided_by,
        }))
    }
}

pub(super) struct AnswerQuestion;

/// What the user does with a question of a server.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Action {
    Accept,
    Decline,
    Cancel,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct AnswerArguments {
    /// The conversation.
    #[schemars(with = "String", regex(pattern = r"^[A-Za-z0-9_.:-]{1,128}$"))]
    conversation_id: ConversationId,
    /// The question, as the conversation's frames name it.
    elicitation_id: String,
    /// `accept`, `decline` or `cancel`.
    action: Action,
    /// What is answered, by the schema of the question.
    content: Option<Map<String, Value>>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AnswerAnswer {
    elicitation_id: String,
    /// Always true: the server has the answer.
    answered: bool,
}

#[async_trait]
impl Tool for AnswerQuestion {
    const NAME: &'static str = "answer_question";
    const TITLE: &'static str = "Answer a question of a server";
    const DESCRIPTION: &'static str = "Answers what another server asks the user of a conversation \
        in the middle of a call.";
    const EFFECT: Effect = Effect::Adds;
    type Arguments = AnswerArguments;
    type Answer = AnswerAnswer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: AnswerArguments,
    ) -> Result<Reply<AnswerAnswer>, ToolError> {
        let answer = match arguments.action {
            Action::Accept => ElicitationAnswer::Accept(arguments.content.unwrap_or_default()),
            Action::Decline => ElicitationAnswer::Decline,
            Action::Cancel => ElicitationAnswer::Cancel,
        };
        let (id, elicitation_id) = (arguments.conversation_id, arguments.elicitation_id);
        door(doors)?.answer(&caller.principal, &id, &elicitation_id, answer).await?;
        Ok(Reply::Answer(AnswerAnswer { elicitation_id, answered: true }))
    }
}
