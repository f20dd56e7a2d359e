//! The table of the sagas as diesel knows it. Written by hand; a test compares it with a migrated database.

diesel::table! {
    /// One row per order: where its saga stands.
    checkout.sagas (order_id) {
        order_id -> Uuid,
        state -> Jsonb,
        version -> Integer,
        finished -> Bool,
        traceparent -> Text,
        attempt -> Integer,
        deadline -> Timestamptz,
    }
}
