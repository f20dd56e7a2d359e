-- The shop's consistency protocol. Messages that wait in the outbox and queues are useless to a service with another
-- one.
ALTER TABLE chassis.owner ADD COLUMN protocol text NOT NULL DEFAULT 'orchestrated';
