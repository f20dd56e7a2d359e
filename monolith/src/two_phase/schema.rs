//! The tables of two-phase commit as diesel knows them. Written by hand; a test compares them with a migrated database.

diesel::table! {
    /// Who decides, and since which start.
    two_phase.coordinators (name) {
        name -> Text,
        epoch -> BigInt,
        since -> Timestamptz,
        prepared_per_module -> Integer,
    }
}

diesel::table! {
    /// What is decided and not yet forgotten.
    two_phase.decisions (transaction_id) {
        transaction_id -> Uuid,
        coordinator -> Text,
        epoch -> BigInt,
        decision -> Text,
        decided_at -> Timestamptz,
    }
}
