ALTER TABLE two_phase.coordinators DROP COLUMN prepared_per_module;
