-- The order that the message is about. If a message of an order has to wait, later messages of that order wait too, and
-- a command is not sent again while it is still here: rules 51 (partial progress) and 52 (asking again). NULL for dead
-- letters and retries.
ALTER TABLE chassis.outbox ADD COLUMN subject uuid;

-- Messages that may have killed the process that handled them, with the number of times that the process died while
-- handling each: rule 50 (delivery limit).
CREATE TABLE chassis.suspects (
    message_id uuid PRIMARY KEY,
    deaths integer NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
