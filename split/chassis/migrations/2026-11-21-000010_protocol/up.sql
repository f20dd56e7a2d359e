-- How the shop stays consistent: what waits in outbox and queues is of use to a service of the same kind only.
ALTER TABLE chassis.owner ADD COLUMN protocol text NOT NULL DEFAULT 'orchestrated';
