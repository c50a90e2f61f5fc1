-- The programs of MCP servers that may run. A row is written before the program is started, and
-- removed when nothing of it is left; what a daemon that was killed leaves is found by its mark, or
-- by its first process if that was written down, and ended by the next daemon.
CREATE TABLE mcp_processes (
    token         TEXT PRIMARY KEY NOT NULL,
    server        TEXT NOT NULL,
    identity_json TEXT,
    created_at    TEXT NOT NULL
);

-- How the tools of other MCP servers were defined when they were first seen, or when somebody
-- approved of another definition.
CREATE TABLE tool_pins (
    server    TEXT NOT NULL,
    tool      TEXT NOT NULL,
    hash      TEXT NOT NULL,
    pinned_at TEXT NOT NULL,
    PRIMARY KEY (server, tool)
) WITHOUT ROWID;
