-- While a module moves between two databases, both have its tables. The gate says where it may be written: rule 61 (one
-- owner). `cleave extract` puts the trigger on the module's tables and opens and closes the gates.
CREATE TABLE chassis.gates (
    module text PRIMARY KEY,
    open boolean NOT NULL,
    changed_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- Rows that are replicated after everything that was written before the gate closed.
CREATE TABLE chassis.markers (
    marker uuid PRIMARY KEY,
    module text NOT NULL
);

-- A writer holds the shared lock until its transaction ends. The gate is closed under the exclusive lock, which waits for
-- all writers that have passed. The worker that applies replicated changes fires no trigger.
CREATE FUNCTION chassis.pass_gate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(hashtextextended('gate:' || TG_TABLE_SCHEMA, 0));
    IF NOT (SELECT open FROM chassis.gates WHERE module = TG_TABLE_SCHEMA) THEN
        RAISE EXCEPTION 'the module % is written elsewhere', TG_TABLE_SCHEMA USING ERRCODE = 'CLV01';
    END IF;
    RETURN NULL;
END $$;
