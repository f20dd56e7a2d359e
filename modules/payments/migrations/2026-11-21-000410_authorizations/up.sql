-- Money can be held before it is taken: from the wallet to `held`, then on to `sales` or back.
ALTER TABLE payments.payments
    ALTER COLUMN captured_at DROP NOT NULL,
    ADD COLUMN authorized_at timestamptz,
    DROP CONSTRAINT payments_status_check,
    ADD CONSTRAINT payments_status_check CHECK (status IN ('authorized', 'captured', 'refunded', 'voided'));

ALTER TABLE payments.entries
    DROP CONSTRAINT entries_operation_check,
    ADD CONSTRAINT entries_operation_check
        CHECK (operation IN ('deposit', 'authorize', 'capture', 'void', 'refund'));
