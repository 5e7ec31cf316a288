-- Budkavle's tables, version 4.

-- A move into this database that is under way: of what, and how many of its records are here. Meanwhile `budkavle_meta.program` says so, and nodes stay out.
CREATE TABLE moving (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    source text NOT NULL,
    done bigint NOT NULL DEFAULT 0,
    begun timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The channels that work for nobody from a node, as JSON; NULL: none.
ALTER TABLE nodes ADD COLUMN broken text;
