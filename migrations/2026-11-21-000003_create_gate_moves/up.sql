-- The name of the model without its version: versions take one another's place in a gate.
ALTER TABLE model_gates ADD COLUMN model_name TEXT NOT NULL DEFAULT '';

-- What stands before the last colon, if there is something on both sides of it. rtrim takes away
-- everything that is no colon.
UPDATE model_gates SET model_name = CASE
    WHEN rtrim(model_id, replace(model_id, ':', '')) IN ('', ':', model_id) THEN model_id
    ELSE substr(model_id, 1, length(rtrim(model_id, replace(model_id, ':', ''))) - 1)
END;
CREATE INDEX model_gates_by_name ON model_gates (model_name, gate);

-- Every move of a model into or out of a gate: written down before the registry is told, and again
-- when what came of it was read back. What was moved by others is here from when it was seen.
CREATE TABLE gate_moves (
    id          INTEGER PRIMARY KEY NOT NULL,
    -- what the registry knows the move by, however often it is told
    key         TEXT NOT NULL UNIQUE,
    registry    TEXT NOT NULL,
    model_name  TEXT NOT NULL,
    gate        TEXT NOT NULL,
    -- the model that was to enter, or that is to leave again
    model_id    TEXT NOT NULL,
    kind        TEXT NOT NULL CHECK (kind IN ('enter', 'restore', 'observe')),
    before      TEXT,
    after       TEXT,
    state       TEXT NOT NULL CHECK (state IN ('intended', 'done', 'abandoned', 'conflict')),
    -- the canary that wanted it; nobody but the actor where it is NULL
    canary_id   TEXT,
    -- the entry that a restore undoes
    undoes      BIGINT REFERENCES gate_moves (id),
    actor       TEXT NOT NULL,
    reason      TEXT,
    -- the evidence that was asked for, as JSON
    evidence    TEXT,
    -- the hash of the fact that tells of the intent
    audit_hash  TEXT NOT NULL,
    -- what stood there instead, and why the registry refused
    found       TEXT,
    trouble     TEXT,
    -- what the registry calls the state after the move: a commit, an etag
    reference   TEXT,
    created_at  TEXT NOT NULL,
    settled_at  TEXT
);
-- One move at a time.
CREATE UNIQUE INDEX gate_moves_open ON gate_moves (registry, model_name, gate)
    WHERE state = 'intended';
-- A canary enters a gate once and leaves it once, however often it asks.
CREATE UNIQUE INDEX gate_moves_of_canary ON gate_moves (canary_id, model_name, gate, kind)
    WHERE canary_id IS NOT NULL AND state IN ('intended', 'done');
-- An entry is undone once.
CREATE UNIQUE INDEX gate_moves_undone ON gate_moves (undoes)
    WHERE undoes IS NOT NULL AND state IN ('intended', 'done');
CREATE INDEX gate_moves_by_gate ON gate_moves (gate, id);
CREATE INDEX gate_moves_by_name ON gate_moves (model_name, gate, id);
CREATE INDEX gate_moves_undoing ON gate_moves (undoes) WHERE undoes IS NOT NULL;
