-- What a request took so far, in its own row: answers, summaries, and what was sent in vain.
ALTER TABLE chat_turns ADD COLUMN prompt_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_turns ADD COLUMN completion_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_turns ADD COLUMN total_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_turns ADD COLUMN cached_tokens BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_turns ADD COLUMN cost_micros BIGINT NOT NULL DEFAULT 0;
ALTER TABLE chat_turns ADD COLUMN is_estimate BOOLEAN NOT NULL DEFAULT FALSE;
-- The tokens of what a model was sent of which nobody knows yet what it cost; 0 if there is nothing.
ALTER TABLE chat_turns ADD COLUMN asked_tokens BIGINT NOT NULL DEFAULT 0;
-- Whether its client named no conversation, so that its own name and its principal's are all that
-- it is found by.
ALTER TABLE chat_turns ADD COLUMN is_unplaced BOOLEAN NOT NULL DEFAULT FALSE;

CREATE INDEX chat_turns_unplaced ON chat_turns (principal, request_id, number) WHERE is_unplaced;
CREATE INDEX chat_turns_open_by_principal ON chat_turns (principal)
    WHERE status IN ('queued', 'running');

-- What was spent on a day is read from the index alone.
DROP INDEX usage_ledger_by_day;
CREATE INDEX usage_ledger_by_day
    ON usage_ledger (day, prompt_tokens, completion_tokens, cost_micros);

-- The ledger of earlier days, one row for each day and whom and what it was spent on.
CREATE TABLE usage_days (
    day               TEXT NOT NULL,
    principal         TEXT NOT NULL,
    provider          TEXT NOT NULL,
    model             TEXT NOT NULL,
    purpose           TEXT NOT NULL CHECK (purpose IN ('answer', 'summary')),
    entries           BIGINT NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cached_tokens     BIGINT NOT NULL,
    cost_micros       BIGINT NOT NULL,
    is_estimate       BOOLEAN NOT NULL,
    PRIMARY KEY (day, principal, provider, model, purpose)
) WITHOUT ROWID;

-- The index of the search knows of each text whose it is and where it was said, so that nobody's
-- search reads what others said.
DROP TRIGGER chat_events_are_found;
DROP TRIGGER chat_events_are_forgotten;
DROP TABLE chat_events_fts;

-- Whose it was from the first. A conversation that comes or goes in parts is nobody's meanwhile, and
-- an index is told to forget what it was told before, to the letter.
ALTER TABLE conversations ADD COLUMN first_owner TEXT NOT NULL DEFAULT '';
UPDATE conversations SET first_owner = owner;
CREATE TRIGGER conversations_are_owned AFTER INSERT ON conversations
BEGIN
    UPDATE conversations SET first_owner = new.owner WHERE id = new.id;
END;

CREATE VIEW chat_events_placed AS
    SELECT e.number, e.content,
        'o' || hex(c.first_owner) || ' c' || hex(e.conversation_id) AS place
    FROM chat_events e JOIN conversations c ON c.id = e.conversation_id
    WHERE e.type IN ('user_message', 'assistant_message', 'tool_result');

CREATE VIRTUAL TABLE chat_events_fts USING fts5 (
    content, place, content = 'chat_events_placed', content_rowid = 'number',
    tokenize = 'unicode61 remove_diacritics 2'
);

INSERT INTO chat_events_fts (rowid, content, place)
    SELECT number, content, place FROM chat_events_placed;

CREATE TRIGGER chat_events_are_found AFTER INSERT ON chat_events
    WHEN new.type IN ('user_message', 'assistant_message', 'tool_result')
BEGIN
    INSERT INTO chat_events_fts (rowid, content, place)
    SELECT number, content, place FROM chat_events_placed WHERE number = new.number;
END;

-- Before, because the view has the row only as long as it is there; for the same reason the events
-- of a conversation are removed before it is.
CREATE TRIGGER chat_events_are_forgotten BEFORE DELETE ON chat_events
    WHEN old.type IN ('user_message', 'assistant_message', 'tool_result')
BEGIN
    INSERT INTO chat_events_fts (chat_events_fts, rowid, content, place)
    SELECT 'delete', number, content, place FROM chat_events_placed WHERE number = old.number;
END;
