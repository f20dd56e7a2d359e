ALTER TABLE chassis.outbox DROP COLUMN parent_span;
