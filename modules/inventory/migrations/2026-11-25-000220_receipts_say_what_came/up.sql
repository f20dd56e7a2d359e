-- What came: the same id with another delivery is refused (rule 58). NULL in rows from before.
ALTER TABLE inventory.receipts ADD COLUMN fingerprint uuid;
