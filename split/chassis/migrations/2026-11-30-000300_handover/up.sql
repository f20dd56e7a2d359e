-- Before a row is published from memory, the relay must know all earlier rows of the same order: rule 3 (one relay).
CREATE INDEX outbox_by_subject ON chassis.outbox (subject) WHERE subject IS NOT NULL;
