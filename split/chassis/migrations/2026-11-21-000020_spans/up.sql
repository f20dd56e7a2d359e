-- Within which span of its trace a message was written: the parent of the span in which it is published. The trace itself
-- and that span's own id travel in the message.
ALTER TABLE chassis.outbox ADD COLUMN parent_span bigint;
