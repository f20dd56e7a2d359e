CREATE SCHEMA inventory;

CREATE TABLE inventory.stock (
    sku text PRIMARY KEY,
    received bigint NOT NULL,
    -- The last guard against overselling: rule 26 (stock guard). The handler refuses long before.
    on_hand bigint NOT NULL CHECK (on_hand >= 0)
) WITH (fillfactor = 50); -- leaves room on each page for new versions of a frequently updated row

-- Deliveries to the warehouse, so that one that is sent twice is received once.
CREATE TABLE inventory.receipts (
    receipt_id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row per order. A released row may stand for a reservation that never arrived: rule 19 (tombstone).
CREATE TABLE inventory.reservations (
    order_id uuid PRIMARY KEY,
    lines jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('reserved', 'released')),
    reserved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    released_at timestamptz
);
