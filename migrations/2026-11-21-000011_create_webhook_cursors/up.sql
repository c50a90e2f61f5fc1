-- How far each webhook has been told of what the events say. Events that one still waits for are not
-- pruned.
CREATE TABLE webhook_cursors (
    webhook    TEXT PRIMARY KEY NOT NULL,
    seq        BIGINT NOT NULL,
    updated_at TEXT NOT NULL
) WITHOUT ROWID;
