DROP TABLE usage_ledger;
DROP TABLE chat_approvals;
DROP TABLE chat_partials;
DROP TABLE chat_turns;
DROP TABLE chat_events;
DROP TABLE chat_events_fts;
DROP TABLE conversations;
