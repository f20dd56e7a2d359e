-- How many transactions this coordinator may have prepared at once in each module. A server's limit is checked for all
-- running coordinators together: rule 33 (prepared limit).
ALTER TABLE two_phase.coordinators ADD COLUMN prepared_per_module integer NOT NULL DEFAULT 0;
