-- Whose message it is: the order that it is about. What one order's message waits for, its later ones wait for too; and
-- nobody asks again while the question is still here (rules 51 and 52). Dead letters and retries belong to no order.
ALTER TABLE chassis.outbox ADD COLUMN subject uuid;

-- Messages that may have ended the process that handled them: how often each was in hand when the process died (rule 50).
CREATE TABLE chassis.suspects (
    message_id uuid PRIMARY KEY,
    deaths integer NOT NULL,
    since timestamptz NOT NULL DEFAULT clock_timestamp()
);
