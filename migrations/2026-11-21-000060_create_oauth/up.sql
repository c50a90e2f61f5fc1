-- Clients that registered themselves at the daemon's own authorization server.
CREATE TABLE oauth_clients (
    id                 TEXT PRIMARY KEY NOT NULL,
    name               TEXT NOT NULL,
    redirect_uris_json TEXT NOT NULL,
    created_at         TEXT NOT NULL,
    used_at            TEXT
) WITHOUT ROWID;

CREATE INDEX oauth_clients_by_age ON oauth_clients (created_at);

-- What was consented to: one row for each consent that has not ended.
CREATE TABLE oauth_grants (
    id           TEXT PRIMARY KEY NOT NULL,
    client_id    TEXT NOT NULL,
    client_name  TEXT NOT NULL,
    key_name     TEXT NOT NULL,
    principal    TEXT NOT NULL,
    scope        TEXT NOT NULL,
    resource     TEXT NOT NULL,
    redirect_uri TEXT NOT NULL,
    challenge    TEXT NOT NULL,
    created_at   TEXT NOT NULL,
    expires_at   TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX oauth_grants_by_end ON oauth_grants (expires_at);
CREATE INDEX oauth_grants_by_client ON oauth_grants (client_id);

-- The codes and tokens of each grant, as SHA-256 digests. Those that were used up stay for a while,
-- so that their second use is noticed.
CREATE TABLE oauth_secrets (
    digest     TEXT PRIMARY KEY NOT NULL,
    grant_id   TEXT NOT NULL,
    kind       TEXT NOT NULL CHECK (kind IN ('code', 'access', 'refresh')),
    spent      BOOLEAN NOT NULL,
    issued_at  TEXT NOT NULL,
    expires_at TEXT NOT NULL
) WITHOUT ROWID;

CREATE INDEX oauth_secrets_by_grant ON oauth_secrets (grant_id, kind, issued_at);
CREATE INDEX oauth_secrets_by_end ON oauth_secrets (expires_at);
