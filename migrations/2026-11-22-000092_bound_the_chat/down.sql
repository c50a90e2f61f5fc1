DROP TRIGGER chat_events_are_found;
DROP TRIGGER chat_events_are_forgotten;
DROP TABLE chat_events_fts;
DROP VIEW chat_events_placed;
DROP TRIGGER conversations_are_owned;
ALTER TABLE conversations DROP COLUMN first_owner;

CREATE VIRTUAL TABLE chat_events_fts USING fts5 (
    content, content = 'chat_events', content_rowid = 'number',
    tokenize = 'unicode61 remove_diacritics 2'
);

INSERT INTO chat_events_fts (rowid, content) SELECT number, content FROM chat_events
    WHERE type IN ('user_message', 'assistant_message', 'tool_result');

CREATE TRIGGER chat_events_are_found AFTER INSERT ON chat_events
    WHEN new.type IN ('user_message', 'assistant_message', 'tool_result')
BEGIN
    INSERT INTO chat_events_fts (rowid, content) VALUES (new.number, new.content);
END;

CREATE TRIGGER chat_events_are_forgotten AFTER DELETE ON chat_events
    WHEN old.type IN ('user_message', 'assistant_message', 'tool_result')
BEGIN
    INSERT INTO chat_events_fts (chat_events_fts, rowid, content)
    VALUES ('delete', old.number, old.content);
END;

DROP TABLE usage_days;
DROP INDEX usage_ledger_by_day;
CREATE INDEX usage_ledger_by_day ON usage_ledger (day);
DROP INDEX chat_turns_unplaced;
DROP INDEX chat_turns_open_by_principal;
ALTER TABLE chat_turns DROP COLUMN is_unplaced;
ALTER TABLE chat_turns DROP COLUMN asked_tokens;
ALTER TABLE chat_turns DROP COLUMN is_estimate;
ALTER TABLE chat_turns DROP COLUMN cost_micros;
ALTER TABLE chat_turns DROP COLUMN cached_tokens;
ALTER TABLE chat_turns DROP COLUMN total_tokens;
ALTER TABLE chat_turns DROP COLUMN completion_tokens;
ALTER TABLE chat_turns DROP COLUMN prompt_tokens;
