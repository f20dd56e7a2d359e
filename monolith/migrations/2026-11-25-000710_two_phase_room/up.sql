-- How many transactions this coordinator may have prepared at once in each module. The room on a server is checked for
-- all coordinators that are alive, not for each by itself (rule 33).
ALTER TABLE two_phase.coordinators ADD COLUMN prepared_per_module integer NOT NULL DEFAULT 0;
