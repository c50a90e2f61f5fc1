DROP TABLE repository_changes;
