CREATE SCHEMA chassis;

-- Whose database this is. Two services on one database would be one service with two names.
CREATE TABLE chassis.owner (
    only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
    service text NOT NULL
);

-- Messages that were handled. A row and the effects of its message are written in one transaction (rule 12).
CREATE TABLE chassis.inbox (
    message_id uuid PRIMARY KEY,
    handled_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX inbox_by_age ON chassis.inbox USING brin (handled_at);

-- Messages still to be published. A row is written with the change that it tells of (rule 1) and deleted once the
-- broker has confirmed it, so that the whole table is what is pending (rules 2 and 10).
CREATE TABLE chassis.outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    message_id uuid NOT NULL,
    -- A routing key of the shop's exchange, or where `queue` is set, the name of one queue.
    destination text NOT NULL,
    queue boolean NOT NULL DEFAULT false,
    headers jsonb,
    body bytea NOT NULL,
    written_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
