DROP FUNCTION chassis.pass_gate() CASCADE;
DROP TABLE chassis.markers;
DROP TABLE chassis.gates;
