-- What is said in conversations, and what becomes of it.
CREATE TABLE conversations (
    id                TEXT PRIMARY KEY NOT NULL,
    owner             TEXT NOT NULL,
    title             TEXT NOT NULL,
    origin            TEXT NOT NULL CHECK (origin IN ('chat', 'api', 'import', 'fork')),
    -- The start of the daemon that it is forgotten after; null where it is kept.
    session           TEXT,
    parent_id         TEXT,
    fork_seq          BIGINT,
    -- What an API client sent so far, as a digest by which its next request finds the conversation.
    transcript        TEXT,
    last_seq          BIGINT NOT NULL,
    -- The event that stands for what was said before it, for models.
    summary_seq       BIGINT,
    created_at        TEXT NOT NULL,
    updated_at        TEXT NOT NULL,
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cost_micros       BIGINT NOT NULL
) WITHOUT ROWID;

CREATE INDEX conversations_by_owner ON conversations (owner, updated_at);
CREATE INDEX conversations_by_age ON conversations (updated_at);
CREATE INDEX conversations_by_transcript ON conversations (owner, transcript)
    WHERE transcript IS NOT NULL;

-- The journal: one row for each thing that happened in a conversation, written once.
CREATE TABLE chat_events (
    id              TEXT NOT NULL UNIQUE,
    conversation_id TEXT NOT NULL,
    seq             BIGINT NOT NULL,
    timestamp       TEXT NOT NULL,
    type            TEXT NOT NULL CHECK (type IN (
        'user_message', 'assistant_message', 'tool_call', 'tool_result', 'system_update', 'meta'
    )),
    role            TEXT,
    content         TEXT,
    tool_calls      TEXT,
    tool_call_id    TEXT,
    model           TEXT,
    usage           TEXT,
    extra           TEXT,
    token_count     BIGINT NOT NULL,
    request_id      TEXT,
    -- What the index of the search knows a row by; a copy of the database keeps it.
    number          INTEGER PRIMARY KEY NOT NULL
);

CREATE UNIQUE INDEX idx_conversation_seq ON chat_events (conversation_id, seq);
CREATE UNIQUE INDEX idx_request ON chat_events (conversation_id, request_id)
    WHERE request_id IS NOT NULL;
CREATE INDEX chat_events_by_age ON chat_events (timestamp);

CREATE VIRTUAL TABLE chat_events_fts USING fts5 (
    content, content = 'chat_events', content_rowid = 'number',
    tokenize = 'unicode61 remove_diacritics 2'
);

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

-- Requests: what was asked, and how far its answer is.
CREATE TABLE chat_turns (
    number              INTEGER PRIMARY KEY NOT NULL,
    conversation_id     TEXT NOT NULL,
    request_id          TEXT NOT NULL,
    principal           TEXT NOT NULL,
    status              TEXT NOT NULL CHECK (status IN (
        'queued', 'running', 'complete', 'error', 'cancelled'
    )),
    request_json        TEXT NOT NULL,
    request_hash        TEXT NOT NULL,
    -- The places of its first and its last event; null before it has them.
    first_seq           BIGINT,
    last_seq            BIGINT,
    -- How often the model was asked for the answer that is to come next.
    attempts            INTEGER NOT NULL,
    cancel_requested_by TEXT,
    created_at          TEXT NOT NULL,
    ended_at            TEXT
);

CREATE UNIQUE INDEX chat_turns_by_request ON chat_turns (conversation_id, request_id);
CREATE INDEX chat_turns_open ON chat_turns (conversation_id, number)
    WHERE status IN ('queued', 'running');

-- What came of an answer that is not complete: a checkpoint in each row.
CREATE TABLE chat_partials (
    conversation_id TEXT NOT NULL,
    seq             BIGINT NOT NULL,
    part            INTEGER NOT NULL,
    text            TEXT NOT NULL,
    PRIMARY KEY (conversation_id, seq, part)
) WITHOUT ROWID;

-- Calls of tools that somebody was asked to allow.
CREATE TABLE chat_approvals (
    id              TEXT PRIMARY KEY NOT NULL,
    conversation_id TEXT NOT NULL,
    turn            BIGINT NOT NULL,
    call_id         TEXT NOT NULL,
    server          TEXT NOT NULL,
    tool            TEXT NOT NULL,
    arguments_json  TEXT NOT NULL,
    definition      TEXT NOT NULL,
    reason          TEXT NOT NULL,
    status          TEXT NOT NULL CHECK (status IN (
        'pending', 'allowed', 'denied', 'expired', 'withdrawn'
    )),
    always          BOOLEAN NOT NULL,
    decided_by      TEXT,
    created_at      TEXT NOT NULL,
    expires_at      TEXT NOT NULL,
    decided_at      TEXT
) WITHOUT ROWID;

CREATE INDEX chat_approvals_pending ON chat_approvals (created_at, id) WHERE status = 'pending';
CREATE INDEX chat_approvals_by_turn ON chat_approvals (turn);
CREATE INDEX chat_approvals_by_conversation ON chat_approvals (conversation_id, status);

-- What answers cost, one row for each; kept when a conversation is removed.
CREATE TABLE usage_ledger (
    number            INTEGER PRIMARY KEY NOT NULL,
    conversation_id   TEXT NOT NULL,
    request_id        TEXT NOT NULL,
    principal         TEXT NOT NULL,
    day               TEXT NOT NULL,
    at                TEXT NOT NULL,
    provider          TEXT NOT NULL,
    model             TEXT NOT NULL,
    purpose           TEXT NOT NULL CHECK (purpose IN ('answer', 'summary')),
    prompt_tokens     BIGINT NOT NULL,
    completion_tokens BIGINT NOT NULL,
    cached_tokens     BIGINT NOT NULL,
    cost_micros       BIGINT NOT NULL,
    is_estimate       BOOLEAN NOT NULL
);

CREATE INDEX usage_ledger_by_day ON usage_ledger (day);
