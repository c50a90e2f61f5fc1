//! `why`: the story of a thing.

use async_trait::async_trait;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::audit::{line, prose};
use crate::ids::ConversationId;
use crate::repo::content::parse_file_id;
use crate::store::audits::AuditRow;
use crate::tools::schema::object;
use crate::tools::{Call, Caller, Doors, Effect, Reply, Role, Tool, ToolError};

/// As long as a path may be, and its base64.
const ID_LENGTH: usize = 4096 * 4 / 3 + 64;

pub(super) struct Why;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Arguments {
    /// The thing to ask about: a jobId, a canaryId, a modelId, a path of the repository or its
    /// `lukhas-path:` id, a commit, or the id of a conversation.
    id: String,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    id: String,
    entity_type: String,
    facts: Vec<Fact>,
}

/// A recorded fact, as it is told.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Fact {
    ts: String,
    actor: String,
    action: String,
    /// What else is known, by the kind of fact.
    #[schemars(schema_with = "object")]
    details: Box<RawValue>,
    message: String,
    hash: String,
}

impl TryFrom<AuditRow> for Fact {
    type Error = ToolError;

    fn try_from(row: AuditRow) -> Result<Self, ToolError> {
        let details = RawValue::from_string(row.payload_json);
        let details = details.map_err(|error| ToolError::Failed {
            what: format!("the details of fact {} are not JSON", row.id),
            source: error.into(),
        })?;
        let AuditRow { ts, actor, action, message, hash, .. } = row;
        Ok(Self { ts, actor, action, details, message, hash })
    }
}

/// All facts about a thing, oldest first; none if nothing is recorded.
///
/// # Errors
/// The store's.
pub async fn recorded(doors: &Doors, id: &str) -> Result<Vec<AuditRow>, ToolError> {
    if ID_LENGTH < id.len() {
        return Ok(Vec::new());
    }
    // A file is recorded under its path.
    Ok(match parse_file_id(id) {
        Some(Ok(path)) => doors.audit.about_repository(path.as_str()).await?,
        Some(Err(_)) | None => doors.audit.about(id).await?,
    })
}

/// All facts about a conversation, if that and nothing else has this id: for its owner, and for whoever
/// may say whether it may call a tool.
async fn about_conversation(
    doors: &Doors,
    caller: &Caller,
    id: &str,
) -> Result<Vec<AuditRow>, ToolError> {
    let Ok(conversation) = ConversationId::parse(id) else { return Ok(Vec::new()) };
    let is_owner = match &doors.chat {
        Some(chat) => chat.find(&caller.principal, &conversation).await.is_ok(),
        None => false,
    };
    if !(is_owner || caller.role == Role::Operate) || !doors.audit.about(id).await?.is_empty() {
        return Ok(Vec::new());
    }
    Ok(doors.audit.about_conversation(id).await?)
}

/// All facts about a thing, of which there must be some.
pub(super) async fn facts_about(doors: &Doors, id: &str) -> Result<Vec<AuditRow>, ToolError> {
    let rows = recorded(doors, id).await?;
    if rows.is_empty() {
        let shown: String = id.chars().filter(|c| !c.is_control()).take(64).collect();
        return Err(ToolError::Refused(format!("nothing is recorded about id {shown}")));
    }
    Ok(rows)
}

#[async_trait]
impl Tool for Why {
    const NAME: &'static str = "why";
    const TITLE: &'static str = "Why it came so";
    const DESCRIPTION: &'static str = "Tells what happened to a job, a canary, a model, a file, a \
        commit or a conversation, who did it and why: one line for each recorded fact, oldest \
        first, then the same as prose.";
    const EFFECT: Effect = Effect::Reads;
    const OPENS_APP: bool = true;
    type Arguments = Arguments;
    type Answer = Answer;

    async fn call(
        Call { doors, caller, .. }: Call<'_>,
        arguments: Arguments,
    ) -> Result<Reply<Answer>, ToolError> {
        let rows = match about_conversation(doors, caller, &arguments.id).await? {
            rows if rows.is_empty() => facts_about(doors, &arguments.id).await?,
            rows => rows,
        };
        let lines: Vec<String> = rows.iter().map(line).collect();
        let texts = vec![lines.join("\n"), prose(&rows)];
        let entity_type = rows.first().map(|row| row.entity_type.clone()).unwrap_or_default();
        let facts = rows.into_iter().map(Fact::try_from).collect::<Result<_, _>>()?;
        Ok(Reply::Texts(texts, Answer { id: arguments.id, entity_type, facts }))
    }
}

/// Reads the details of a fact.
pub(super) fn details(row: &AuditRow) -> Value {
    serde_json::from_str(&row.payload_json).unwrap_or(Value::Null)
}
