CREATE SCHEMA catalog;

CREATE TABLE catalog.products (
    sku text PRIMARY KEY,
    name text NOT NULL,
    price bigint NOT NULL CHECK (price >= 0),
    -- A time sale: sale_quota units at sale_price, first come, first served.
    sale_price bigint CHECK (sale_price >= 0),
    sale_quota bigint NOT NULL DEFAULT 0,
    sale_claimed bigint NOT NULL DEFAULT 0 CHECK (sale_claimed BETWEEN 0 AND sale_quota)
);

-- What an order claimed of sales. A released row may stand for a claim that never arrived:
-- rule 19 (tombstone).
CREATE TABLE catalog.claims (
    order_id uuid PRIMARY KEY,
    lines jsonb NOT NULL,
    status text NOT NULL CHECK (status IN ('claimed', 'released')),
    claimed_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    released_at timestamptz
);
