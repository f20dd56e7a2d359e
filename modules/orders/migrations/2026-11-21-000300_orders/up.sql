CREATE SCHEMA orders;

CREATE TABLE orders.orders (
    order_id uuid PRIMARY KEY,
    customer_id text NOT NULL,
    region text NOT NULL,
    lines jsonb NOT NULL,
    total bigint NOT NULL CHECK (total >= 0),
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'confirmed', 'cancelled')),
    refusal_code text,
    refusal_detail text,
    -- The client's key for the request, and a hash of what it asked for: the same key with another request is refused.
    idempotency_key text NOT NULL UNIQUE,
    fingerprint uuid NOT NULL,
    placed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    decided_at timestamptz,
    CHECK ((status = 'pending') = (decided_at IS NULL)),
    CHECK ((status = 'cancelled') = (refusal_code IS NOT NULL))
);

CREATE INDEX orders_of_a_customer ON orders.orders (customer_id, placed_at DESC);
