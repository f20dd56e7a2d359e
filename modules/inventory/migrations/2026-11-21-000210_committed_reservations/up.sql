-- A reservation can be committed: the units are sold and can no longer be put back.
ALTER TABLE inventory.reservations
    ADD COLUMN committed_at timestamptz,
    DROP CONSTRAINT reservations_status_check,
    ADD CONSTRAINT reservations_status_check CHECK (status IN ('reserved', 'committed', 'released'));
