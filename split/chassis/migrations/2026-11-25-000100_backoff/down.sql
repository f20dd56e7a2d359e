DROP TABLE chassis.suspects;
ALTER TABLE chassis.outbox DROP COLUMN subject;
