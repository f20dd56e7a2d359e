//! The saga table for diesel. Written by hand; a test compares it with a migrated database.

diesel::table! {
    /// The state of each order's saga, one row per order.
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
