CREATE SCHEMA two_phase;

-- Coordinators of two-phase commit. Each start takes a new epoch, so that what an earlier process left behind can be
-- told from what the current one is doing: rule 31 (recovery). The running process of a name holds the advisory lock
-- 'cleave.coordinator:' || name.
CREATE TABLE two_phase.coordinators (
    name text PRIMARY KEY,
    epoch bigint NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Decisions, kept until the last branch is finished. The key allows one decision per transaction, whether the
-- coordinator makes it after collecting all votes, or recovery makes it for a coordinator that is gone:
-- rule 30 (decision).
CREATE TABLE two_phase.decisions (
    transaction_id uuid PRIMARY KEY,
    coordinator text NOT NULL,
    epoch bigint NOT NULL,
    decision text NOT NULL CHECK (decision IN ('commit', 'abort')),
    decided_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
