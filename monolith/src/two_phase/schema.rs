//! The tables of two-phase commit for diesel. Written by hand; a test compares them with a migrated database.

diesel::table! {
    /// Coordinators and their current epochs.
    two_phase.coordinators (name) {
        name -> Text,
        epoch -> BigInt,
        since -> Timestamptz,
        prepared_per_module -> Integer,
    }
}

diesel::table! {
    /// Decisions that are not forgotten yet.
    two_phase.decisions (transaction_id) {
        transaction_id -> Uuid,
        coordinator -> Text,
        epoch -> BigInt,
        decision -> Text,
        decided_at -> Timestamptz,
    }
}
