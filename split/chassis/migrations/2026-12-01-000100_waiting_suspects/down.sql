ALTER TABLE chassis.suspects DROP COLUMN waits;
