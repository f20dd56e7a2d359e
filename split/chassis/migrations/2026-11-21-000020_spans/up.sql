-- The span in which a message was written, which is the parent of the span that publishes it. The trace id and the id
-- of the publishing span travel in the message itself.
ALTER TABLE chassis.outbox ADD COLUMN parent_span bigint;
