-- What was delivered. The same id with a different delivery is refused: rule 58 (same request). NULL in rows older than
-- this column.
ALTER TABLE inventory.receipts ADD COLUMN fingerprint uuid;
