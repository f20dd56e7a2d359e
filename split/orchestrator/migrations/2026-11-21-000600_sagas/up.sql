CREATE SCHEMA checkout;

-- The state of each order's saga, one row per order. Written before a command is sent: rule 22 (stored intent).
CREATE TABLE checkout.sagas (
    order_id uuid PRIMARY KEY,
    state jsonb NOT NULL,
    -- Changed by compare-and-set only: rule 21 (compare-and-set).
    version integer NOT NULL DEFAULT 0,
    finished boolean NOT NULL DEFAULT false,
    traceparent text NOT NULL,
    -- How many times the outstanding command was sent before.
    attempt integer NOT NULL DEFAULT 0,
    -- When a reply is overdue, by this database's clock.
    deadline timestamptz NOT NULL DEFAULT clock_timestamp() + interval '30 s'
);
CREATE INDEX sagas_overdue ON checkout.sagas (deadline) WHERE NOT finished;
