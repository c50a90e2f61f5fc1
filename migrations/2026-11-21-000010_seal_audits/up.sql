-- What was said of the chain, when: after `size` rows its last hash was `head`. A head covers every
-- row before it, so that nothing up to it can be changed, taken out or cut off unseen.
CREATE TABLE audit_checkpoints (
    size        BIGINT PRIMARY KEY NOT NULL,
    head        TEXT NOT NULL,
    ts          TEXT NOT NULL,
    -- by the key of this daemon, if it has one: both or neither
    public_key  TEXT,
    signature   TEXT,
    -- when it was written down outside of this database, and the commit
    anchored_at TEXT,
    anchor      TEXT
) WITHOUT ROWID;
CREATE INDEX audit_checkpoints_not_anchored ON audit_checkpoints (size) WHERE anchored_at IS NULL;

CREATE TRIGGER audit_checkpoints_are_never_changed
    BEFORE UPDATE OF size, head, ts, public_key, signature ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'audit checkpoints are never changed');
END;
CREATE TRIGGER audit_checkpoints_are_never_deleted BEFORE DELETE ON audit_checkpoints
BEGIN
    SELECT RAISE(ABORT, 'audit checkpoints are never deleted');
END;
CREATE TRIGGER audit_checkpoints_are_never_replaced BEFORE INSERT ON audit_checkpoints
    WHEN NEW.size <= (SELECT max(size) FROM audit_checkpoints)
BEGIN
    SELECT RAISE(ABORT, 'audit checkpoints are only added after the last');
END;

-- Rows up to here may be removed, in the transaction that says so and in no other: it takes the
-- permission back before it ends. There is none for rows that are not up to a checkpoint, or are
-- younger than half a year.
CREATE TABLE audit_removals (up_to BIGINT PRIMARY KEY NOT NULL) WITHOUT ROWID;

CREATE TRIGGER audit_removals_end_at_an_old_checkpoint BEFORE INSERT ON audit_removals
    WHEN NOT EXISTS (
        SELECT 1 FROM audit_checkpoints
        WHERE size = NEW.up_to AND 183 <= julianday('now') - julianday(ts)
    )
BEGIN
    SELECT RAISE(ABORT, 'audit rows are kept for half a year, and removed up to a checkpoint only');
END;

DROP TRIGGER audits_are_never_deleted;
CREATE TRIGGER audits_are_never_deleted BEFORE DELETE ON audits
    WHEN NOT EXISTS (SELECT 1 FROM audit_removals WHERE OLD.id <= up_to)
BEGIN
    SELECT RAISE(ABORT, 'audit rows are never deleted');
END;
-- A replacement deletes without saying so.
CREATE TRIGGER audits_are_never_replaced BEFORE INSERT ON audits
    WHEN NEW.id <= (SELECT max(id) FROM audits)
BEGIN
    SELECT RAISE(ABORT, 'audit rows are only added after the last');
END;
