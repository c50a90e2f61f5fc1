//! For whom does a conversation do what it does, and who allowed it?

use std::fmt::Write as _;

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use serde::Serialize;

use crate::store::error::StoreError;

/// What the name of somebody who acts begins with, where it is a conversation.
const CONVERSATION: &str = "chat:";

/// For whom a conversation does something.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Behalf {
    /// The conversation.
    #[diesel(sql_type = Text)]
    id: String,
    /// Whose it is.
    #[diesel(sql_type = Text)]
    owner: String,
    /// The request that is worked on in it.
    #[diesel(sql_type = Nullable<Text>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<String>,
    /// The call of a tool that is under way for that.
    #[diesel(sql_type = Nullable<Text>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    call_id: Option<String>,
    /// Who allowed that call, or its tool for the whole conversation; nothing where nobody had to.
    #[diesel(sql_type = Nullable<Text>)]
    #[serde(skip_serializing_if = "Option::is_none")]
    approved_by: Option<String>,
}

impl Behalf {
    /// Adds it to what is recorded of something that the conversation does: to the details, which
    /// are a JSON object, and to the sentence.
    pub(crate) fn add_to(&self, payload_json: &mut String, message: &mut String) {
        let Ok(told) = serde_json::to_string(self) else { return };
        if let Some(members) = payload_json.strip_suffix('}') {
            let comma = if members == "{" { "" } else { "," };
            *payload_json = format!(r#"{members}{comma}"conversation":{told}}}"#);
        }
        // Writing to a string cannot fail.
        let _ = write!(message, " It was done in a conversation of {}", self.owner);
        if let Some(by) = &self.approved_by {
            let _ = write!(message, ", where {by} allowed it");
        }
        message.push('.');
    }
}

/// For whom `actor` does something, if it is a conversation that is there.
///
/// # Errors
/// The store's.
pub(crate) fn of(conn: &mut SqliteConnection, actor: &str) -> Result<Option<Behalf>, StoreError> {
    let Some(id) = actor.strip_prefix(CONVERSATION) else { return Ok(None) };
    // Calls are made one after the other, and each is written down before it is made: the one that
    // is under way is the last without a result.
    let behalf = diesel::sql_query(
        "SELECT c.id, c.owner, t.request_id, e.tool_call_id AS call_id, ( \
           SELECT a.decided_by FROM chat_approvals a \
           WHERE a.conversation_id = c.id AND a.status = 'allowed' AND ( \
             (a.turn = t.number AND a.call_id = e.tool_call_id) OR (a.always \
               AND a.server = json_extract(e.extra, '$.server') \
               AND a.tool = json_extract(e.extra, '$.tool'))) \
           ORDER BY a.turn = t.number AND a.call_id = e.tool_call_id DESC, a.decided_at DESC \
           LIMIT 1) AS approved_by \
         FROM conversations c \
         LEFT JOIN chat_turns t ON t.conversation_id = c.id AND t.status = 'running' \
         LEFT JOIN chat_events e ON e.conversation_id = c.id AND e.seq = ( \
           SELECT MAX(i.seq) FROM chat_events i \
           WHERE i.conversation_id = c.id AND i.seq >= t.first_seq AND i.type = 'tool_call' \
             AND NOT EXISTS (SELECT 1 FROM chat_events r WHERE r.conversation_id = c.id \
               AND r.seq > i.seq AND r.type = 'tool_result' \
               AND r.tool_call_id = i.tool_call_id)) \
         WHERE c.id = ? LIMIT 1",
    );
    Ok(behalf.bind::<Text, _>(id).get_result(conn).optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_member_of_whatever_the_details_are() {
        let behalf = |approved_by: Option<&str>| Behalf {
            id: "c".to_owned(),
            owner: "key:1".to_owned(),
            request_id: None,
            call_id: Some("1".to_owned()),
            approved_by: approved_by.map(str::to_owned),
        };
        for (payload, by, expected, said) in [
            (
                r#"{"a":1}"#,
                Some("key:2"),
                r#"{"a":1,"conversation":{"id":"c","owner":"key:1","callId":"1","approvedBy":"key:2"}}"#,
                "Done. It was done in a conversation of key:1, where key:2 allowed it.",
            ),
            (
                "{}",
                None,
                r#"{"conversation":{"id":"c","owner":"key:1","callId":"1"}}"#,
                "Done. It was done in a conversation of key:1.",
            ),
        ] {
            let (mut payload, mut message) = (payload.to_owned(), "Done.".to_owned());
            behalf(by).add_to(&mut payload, &mut message);
            assert_eq!((payload.as_str(), message.as_str()), (expected, said));
        }
    }
}
