CREATE SCHEMA shipping;

CREATE TABLE shipping.shipments (
    order_id uuid PRIMARY KEY,
    region text NOT NULL,
    scheduled_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
