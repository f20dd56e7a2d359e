CREATE SCHEMA payments;

CREATE TABLE payments.wallets (
    customer_id text PRIMARY KEY,
    balance bigint NOT NULL CHECK (balance >= 0)
) WITH (fillfactor = 80);

-- One row an order. A refunded row may stand for a capture that never came: a tombstone (rule 19).
CREATE TABLE payments.payments (
    order_id uuid PRIMARY KEY,
    customer_id text,
    amount bigint NOT NULL CHECK (amount >= 0),
    status text NOT NULL CHECK (status IN ('captured', 'refunded')),
    captured_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    refunded_at timestamptz
);

-- The ledger: every movement is entered twice, once where it comes from and once where it goes, so that all entries
-- add up to zero (rule 28). The key admits each operation on an order once (rule 20).
CREATE TABLE payments.entries (
    reference uuid NOT NULL,
    operation text NOT NULL CHECK (operation IN ('deposit', 'capture', 'refund')),
    account text NOT NULL,
    amount bigint NOT NULL,
    PRIMARY KEY (reference, operation, account)
);
