CREATE SCHEMA two_phase;

-- Who decides. Each start takes a new epoch, so that what an earlier process has left behind can be told from what
-- the present one is doing (rule 31). Whoever is alive holds the advisory lock 'cleave.coordinator:' || name.
CREATE TABLE two_phase.coordinators (
    name text PRIMARY KEY,
    epoch bigint NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- What is decided, from then until the last branch is finished. The key admits one decision on a transaction, whoever
-- makes it: the coordinator that has all votes, or whoever finds branches of one that is gone (rule 30).
CREATE TABLE two_phase.decisions (
    transaction_id uuid PRIMARY KEY,
    coordinator text NOT NULL,
    epoch bigint NOT NULL,
    decision text NOT NULL CHECK (decision IN ('commit', 'abort')),
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
