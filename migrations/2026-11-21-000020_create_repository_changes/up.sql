-- Changes of the repository that are under way. A row is written before the file is touched, and
-- removed in the transaction that records what became of it; what is left by a daemon that was
-- killed is settled by looking at the file.
CREATE TABLE repository_changes (
    id          INTEGER PRIMARY KEY NOT NULL,
    actor       TEXT NOT NULL,
    change_json TEXT NOT NULL,
    created_at  TEXT NOT NULL
);
