-- Which modules have left the monolith. The row is the only truth about who owns a module: changing it is the commit
-- point of a move, rule 61 (one owner).
CREATE TABLE checkout.placement (
    module text PRIMARY KEY,
    away boolean NOT NULL,
    -- Counts the moves.
    epoch bigint NOT NULL DEFAULT 0
);

-- The journal of moves. One that has neither finished nor been given up is resumed or given up by `cleave extract`.
CREATE TABLE checkout.moves (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    module text NOT NULL,
    -- Whether it leaves or comes home.
    leaves boolean NOT NULL,
    -- The last step that was begun.
    step text NOT NULL,
    began_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    -- How it ended: done, aborted or open.
    outcome text NOT NULL DEFAULT 'open' CHECK (outcome IN ('open', 'done', 'aborted')),
    pause_ms double precision
);
CREATE UNIQUE INDEX one_move_at_a_time ON checkout.moves (outcome) WHERE outcome = 'open';
