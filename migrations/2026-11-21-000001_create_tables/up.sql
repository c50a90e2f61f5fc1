-- The columns that operators query keep their names and meaning; more may be added, none dropped.
-- Times are ISO 8601 in UTC with milliseconds.

CREATE TABLE jobs (
    job_id              TEXT PRIMARY KEY NOT NULL,
    -- the id of the first audit row about it; rises with every job that is accepted
    number              BIGINT NOT NULL,
    task_id             TEXT NOT NULL,
    config_id           TEXT NOT NULL,
    status              TEXT NOT NULL
        CHECK (status IN ('QUEUED', 'RUNNING', 'COMPLETED', 'FAILED', 'CANCELLED', 'DRY_RUN')),
    started_at          TEXT NOT NULL,
    updated_at          TEXT NOT NULL,
    result_json         TEXT,
    -- who asked for it, by the name of the key
    principal           TEXT NOT NULL,
    -- which orchestrator runs it, and what that calls the run
    runner              TEXT NOT NULL,
    run_ref             TEXT,
    -- one sentence, and its kind in one word
    error               TEXT,
    failure_reason      TEXT,
    progress            REAL,
    progress_text       TEXT,
    -- a shorter limit on the run than the task's own, in seconds
    timeout_seconds     BIGINT,
    -- the moment by which the job must be over, queue included
    deadline_at         TEXT,
    running_at          TEXT,
    cancel_requested_by TEXT,
    cancel_reason       TEXT
);
CREATE UNIQUE INDEX jobs_by_number ON jobs (number);
CREATE INDEX jobs_open ON jobs (status) WHERE status IN ('QUEUED', 'RUNNING');

-- The numbers of the jobs that were removed when they were old: their facts are kept for ever.
CREATE TABLE swept_jobs (
    job_id TEXT PRIMARY KEY NOT NULL,
    number BIGINT NOT NULL
) WITHOUT ROWID;

CREATE TABLE models (
    model_id    TEXT PRIMARY KEY NOT NULL,
    promoted    INTEGER NOT NULL DEFAULT 0 CHECK (promoted IN (0, 1)),
    promoted_at TEXT
);

CREATE TABLE model_gates (
    model_id TEXT NOT NULL REFERENCES models (model_id),
    gate     TEXT NOT NULL,
    PRIMARY KEY (model_id, gate)
);

CREATE TABLE canaries (
    canary_id    TEXT PRIMARY KEY NOT NULL,
    -- as in jobs
    number       BIGINT NOT NULL,
    model_id     TEXT NOT NULL,
    from_gate    TEXT NOT NULL,
    to_gate      TEXT NOT NULL,
    status       TEXT NOT NULL
        CHECK (status IN ('PENDING', 'RUNNING', 'PAUSED', 'PROMOTED', 'ROLLED_BACK', 'FAILED')),
    created_at   TEXT NOT NULL,
    updated_at   TEXT NOT NULL,
    policy_json  TEXT NOT NULL,
    -- what is being done within the status
    phase        TEXT NOT NULL
        CHECK (phase IN ('awaiting_start', 'entering', 'observing', 'paused', 'awaiting_approval',
                         'promoting', 'rolling_back', 'over')),
    -- rises with every change: a change that was decided on an older version is not made
    version      BIGINT NOT NULL,
    dry_run      INTEGER NOT NULL CHECK (dry_run IN (0, 1)),
    -- who asked for it, by the name of the key
    principal    TEXT NOT NULL,
    -- where its metrics come from
    source       TEXT NOT NULL,
    -- the window's clock in milliseconds; it stands still while the canary is paused
    elapsed_ms   BIGINT NOT NULL,
    -- the moment at which that clock was read; absent before the window began
    seen_at      TEXT,
    polls        BIGINT NOT NULL,
    -- the counters as they were last read, from which the next look counts on
    counters_json TEXT,
    -- a hash over all measurements so far, each hashed with the one before
    sample_hash  TEXT NOT NULL,
    -- why it was decided as it was, in one word
    reason       TEXT,
    -- the newest decision about it
    decision_id  TEXT,
    decided_at   TEXT,
    -- what keeps it from going on, as a sentence
    trouble      TEXT
);
CREATE UNIQUE INDEX canaries_by_number ON canaries (number);
CREATE INDEX canaries_open ON canaries (phase) WHERE phase <> 'over';

-- What each look at a canary's metrics gave; all of a canary's rows together are its evidence.
CREATE TABLE canary_metrics (
    id             INTEGER PRIMARY KEY NOT NULL,
    canary_id      TEXT NOT NULL REFERENCES canaries (canary_id),
    created_at     TEXT NOT NULL,
    latency_p95_ms REAL,
    error_rate     REAL,
    gate           TEXT NOT NULL,
    source         TEXT NOT NULL,
    raw_data       TEXT
);
CREATE INDEX canary_metrics_by_canary ON canary_metrics (canary_id, id);

-- Every decision about a canary with every number it was made of; `hash` is SHA-256 over the record
-- and stands in the audit chain, too.
CREATE TABLE decisions (
    decision_id TEXT PRIMARY KEY NOT NULL,
    canary_id   TEXT NOT NULL REFERENCES canaries (canary_id),
    at          TEXT NOT NULL,
    record_json TEXT NOT NULL,
    hash        TEXT NOT NULL
);
CREATE INDEX decisions_by_canary ON decisions (canary_id);

CREATE TRIGGER decisions_are_never_changed BEFORE UPDATE ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions are never changed');
END;
CREATE TRIGGER decisions_are_never_deleted BEFORE DELETE ON decisions
BEGIN
    SELECT RAISE(ABORT, 'decisions are never deleted');
END;
CREATE TRIGGER canary_metrics_are_never_changed BEFORE UPDATE ON canary_metrics
BEGIN
    SELECT RAISE(ABORT, 'measurements are never changed');
END;
CREATE TRIGGER canary_metrics_are_never_deleted BEFORE DELETE ON canary_metrics
BEGIN
    SELECT RAISE(ABORT, 'measurements are never deleted');
END;

-- Every fact that can be asked about, in a chain: each row's hash covers the row and the hash
-- before it.
CREATE TABLE audits (
    id           INTEGER PRIMARY KEY NOT NULL,
    -- the number of what it is about, for what has one. Numbers rise, so that the index grows at its
    -- end; one on random ids would change a page of its own for every row
    about        BIGINT,
    ts           TEXT NOT NULL,
    actor        TEXT NOT NULL,
    action       TEXT NOT NULL,
    payload_json TEXT NOT NULL,
    entity_type  TEXT NOT NULL,
    entity_id    TEXT NOT NULL,
    -- the fact as a sentence
    message      TEXT NOT NULL,
    prev_hash    TEXT NOT NULL,
    hash         TEXT NOT NULL
);
CREATE INDEX audits_by_number ON audits (about) WHERE about IS NOT NULL;
CREATE INDEX audits_by_entity ON audits (entity_id) WHERE about IS NULL;

CREATE TRIGGER audits_are_never_changed BEFORE UPDATE ON audits
BEGIN
    SELECT RAISE(ABORT, 'audit rows are never changed');
END;
CREATE TRIGGER audits_are_never_deleted BEFORE DELETE ON audits
BEGIN
    SELECT RAISE(ABORT, 'audit rows are never deleted');
END;

-- The same facts under the names that the story was asked by before.
CREATE VIEW audits_narrative AS
    SELECT id, ts AS created_at, action AS event_type, entity_id, entity_type, message,
           actor AS operator, payload_json AS context
    FROM audits;

-- What has been told, or is about to be: the outbox of the event stream and its replay log. The
-- writer numbers the rows, and the newest is never pruned, so that no number is used twice.
CREATE TABLE events (
    seq          INTEGER PRIMARY KEY NOT NULL,
    -- as in audits
    about        BIGINT,
    ts           TEXT NOT NULL,
    topic        TEXT NOT NULL,
    type         TEXT NOT NULL,
    payload_json TEXT NOT NULL
);
CREATE INDEX events_by_number ON events (about) WHERE about IS NOT NULL;
CREATE INDEX events_by_topic ON events (topic) WHERE about IS NULL;

-- What was answered to a request that may be repeated.
CREATE TABLE idempotency_keys (
    principal    TEXT NOT NULL,
    key          TEXT NOT NULL,
    request_hash TEXT NOT NULL,
    job_id       TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    PRIMARY KEY (principal, key)
) WITHOUT ROWID;

-- Facts about the database itself.
CREATE TABLE meta (
    name  TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL
) WITHOUT ROWID;
