//! The chassis's tables for diesel. Every service has them in addition to those of its module. Written by hand; a test
//! compares them with a migrated database.

diesel::table! {
    /// The service that owns this database: one row.
    chassis.owner (only_row) {
        only_row -> Bool,
        service -> Text,
        protocol -> Text,
    }
}

diesel::table! {
    /// Messages that were handled.
    chassis.inbox (message_id) {
        message_id -> Uuid,
        handled_at -> Timestamptz,
    }
}

diesel::table! {
    /// Messages that are still to be published.
    chassis.outbox (id) {
        id -> BigInt,
        message_id -> Uuid,
        destination -> Text,
        queue -> Bool,
        headers -> Nullable<Jsonb>,
        body -> Binary,
        written_at -> Timestamptz,
        parent_span -> Nullable<BigInt>,
        subject -> Nullable<Uuid>,
    }
}

diesel::table! {
    /// Messages that may have killed the process that handled them.
    chassis.suspects (message_id) {
        message_id -> Uuid,
        deaths -> Integer,
        since -> Timestamptz,
        waits -> Bool,
    }
}

diesel::table! {
    /// Where a module that moves may be written.
    chassis.gates (module) {
        module -> Text,
        open -> Bool,
        changed_at -> Timestamptz,
    }
}

diesel::table! {
    /// Marks the end of what was written before a gate closed.
    chassis.markers (marker) {
        marker -> Uuid,
        module -> Text,
    }
}
