CREATE SCHEMA payments;

CREATE TABLE payments.wallets (
    customer_id text PRIMARY KEY,
    balance bigint NOT NULL CHECK (balance >= 0)
) WITH (fillfactor = 80);

-- One row per order. A refunded row may stand for a capture that never arrived: rule 19 (tombstone).
CREATE TABLE payments.payments (
    order_id uuid PRIMARY KEY,
    customer_id text,
    amount bigint NOT NULL CHECK (amount >= 0),
    status text NOT NULL CHECK (status IN ('captured', 'refunded')),
    captured_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    refunded_at timestamptz
);

-- The ledger. Every movement has two entries, one where the money comes from and one where it goes, so all entries add
-- up to zero: rule 28 (money). The key allows each operation once per order: rule 20 (once per order).
CREATE TABLE payments.entries (
    reference uuid NOT NULL,
    operation text NOT NULL CHECK (operation IN ('deposit', 'capture', 'refund')),
    account text NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (reference, operation, account)
);
