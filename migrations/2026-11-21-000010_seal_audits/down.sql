DROP TRIGGER audits_are_never_replaced;
DROP TRIGGER audits_are_never_deleted;
CREATE TRIGGER audits_are_never_deleted BEFORE DELETE ON audits
BEGIN
    SELECT RAISE(ABORT, 'audit rows are never deleted');
END;
DROP TABLE audit_removals;
DROP TABLE audit_checkpoints;
