-- A reservation can be confirmed: the pieces are sold, and cannot be put back any more.
ALTER TABLE inventory.reservations
    ADD COLUMN committed_at timestamptz,
    DROP CONSTRAINT reservations_status_check,
    ADD CONSTRAINT reservations_status_check CHECK (status IN ('reserved', 'committed', 'released'));
