-- Budkavle's tables, version 2.

-- What the sessions of a run of a node are called (`application_name`): those of one that has fallen silent are ended.
ALTER TABLE nodes ADD COLUMN sessions text;

-- Which generation a commit has made, for nodes that see whether it is the one that they know. The last one's stays.
ALTER TABLE commits ADD COLUMN generation bigint;
CREATE INDEX commits_generation ON commits (generation) WHERE generation IS NOT NULL;
