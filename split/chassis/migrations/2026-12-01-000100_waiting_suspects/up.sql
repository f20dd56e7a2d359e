-- Whether the handler of a suspect message is waiting for the database. If the process dies then, the message is not to
-- blame: rule 46 (bad moments).
ALTER TABLE chassis.suspects ADD COLUMN waits boolean NOT NULL DEFAULT false;
