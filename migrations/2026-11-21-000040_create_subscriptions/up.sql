-- Who is told of events at an address of their own, and how far. A row is there only after that
-- address said that it wants to be told.
CREATE TABLE subscriptions (
    -- made of the four columns that follow
    id               TEXT PRIMARY KEY NOT NULL,
    principal        TEXT NOT NULL,
    url              TEXT NOT NULL,
    name             TEXT NOT NULL,
    -- a JSON object with sorted members
    arguments        TEXT NOT NULL,
    -- what signs; the older one signs as well until the new one is known everywhere
    secret           TEXT NOT NULL,
    old_secret       TEXT,
    old_secret_until TEXT,
    -- everything up to this event was taken, was dropped or is not meant
    seq              BIGINT NOT NULL,
    created_at       TEXT NOT NULL,
    expires_at       TEXT NOT NULL,
    -- when telling was stopped because nothing was taken; it goes on when somebody subscribes again
    suspended_at     TEXT,
    delivered_at     TEXT,
    -- the kind of the newest failure in one word, and since when nothing was taken
    last_error       TEXT,
    failed_since     TEXT
) WITHOUT ROWID;
CREATE INDEX subscriptions_by_principal ON subscriptions (principal);
