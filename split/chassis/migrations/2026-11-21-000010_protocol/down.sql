ALTER TABLE chassis.owner DROP COLUMN protocol;
