CREATE SCHEMA checkout;

-- One row an order: where its saga stands. Written before a command is sent (rule 22).
CREATE TABLE checkout.sagas (
    order_id uuid PRIMARY KEY,
    state jsonb NOT NULL,
    -- Changed by compare-and-set only (rule 21).
    version integer NOT NULL DEFAULT 0,
    finished boolean NOT NULL DEFAULT false,
    traceparent text NOT NULL,
    -- How often the outstanding command was sent before.
    attempt integer NOT NULL DEFAULT 0,
    -- By this database's clock: when an answer is overdue.
    deadline timestamptz NOT NULL DEFAULT clock_timestamp() + interval '30 s'
);
CREATE INDEX sagas_overdue ON checkout.sagas (deadline) WHERE NOT finished;
