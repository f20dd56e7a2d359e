CREATE SCHEMA chassis;

-- The service that owns this database. Two services on one database would be one service with two names.
CREATE TABLE chassis.owner (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    service text NOT NULL
);

-- Messages that were handled. A row is written in the same transaction as the effects of its message: rule 12 (inbox).
CREATE TABLE chassis.inbox (
    message_id uuid PRIMARY KEY,
    handled_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX inbox_by_age ON chassis.inbox USING brin (handled_at);

-- Messages that are still to be published. A row is written together with the change that it reports, rule 1 (outbox),
-- and deleted once the broker has confirmed it. So the table contains exactly what is pending: rules 2 (pending rows)
-- and 10 (small outbox).
CREATE TABLE chassis.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id uuid NOT NULL,
    -- A routing key of the shop's exchange or, if `queue` is set, the name of a queue.
    destination text NOT NULL,
    queue boolean NOT NULL DEFAULT false,
    headers jsonb,
    body bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
