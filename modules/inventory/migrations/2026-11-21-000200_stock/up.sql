CREATE SCHEMA inventory;

CREATE TABLE inventory.stock (
    sku text PRIMARY KEY,
    received bigint NOT NULL,
    -- The last guard against selling what is not there (rule 26); the handler has refused long before.
    on_hand bigint NOT NULL CHECK (on_hand >= 0)
) WITH (fillfactor = 50); -- room on the page for new versions of a popular row

-- A delivery to the warehouse, so that one that is sent twice is received once.
CREATE TABLE inventory.receipts (
    receipt_id uuid PRIMARY KEY,
    received_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row an order. A released row may stand for a reservation that never came: a tombstone (rule 19).
CREATE TABLE inventory.reservations (
    order_id uuid PRIMARY KEY,
    lines jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('reserved', 'released')),
    reserved_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    released_at timestamptz
);
