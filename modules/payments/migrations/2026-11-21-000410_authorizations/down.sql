ALTER TABLE payments.entries
    DROP CONSTRAINT entries_operation_check,
    ADD CONSTRAINT entries_operation_check CHECK (operation IN ('deposit', 'capture', 'refund'));
ALTER TABLE payments.payments
    DROP CONSTRAINT payments_status_check,
    ADD CONSTRAINT payments_status_check CHECK (status IN ('captured', 'refunded')),
    DROP COLUMN authorized_at,
    ALTER COLUMN captured_at SET NOT NULL;
