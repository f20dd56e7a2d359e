ALTER TABLE inventory.receipts DROP COLUMN fingerprint;
