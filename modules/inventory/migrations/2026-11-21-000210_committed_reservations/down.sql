ALTER TABLE inventory.reservations
    DROP CONSTRAINT reservations_status_check,
    ADD CONSTRAINT reservations_status_check CHECK (status IN ('reserved', 'released')),
    DROP COLUMN committed_at;
