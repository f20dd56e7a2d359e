DROP INDEX chassis.outbox_by_subject;
