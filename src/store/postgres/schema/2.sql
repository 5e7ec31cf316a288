-- Budkavle's tables, version 2.

-- What the sessions of a run of a node are called (`application_name`): those of one that has fallen silent are ended.
ALTER TABLE nodes ADD COLUMN sessions text;
