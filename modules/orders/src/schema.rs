//! The module's table for diesel. Written by hand; a test compares it with a migrated database.

diesel::table! {
    /// One row per order.
    orders.orders (order_id) {
        order_id -> Uuid,
        customer_id -> Text,
        region -> Text,
        lines -> Jsonb,
        total -> BigInt,
        status -> Text,
        refusal_code -> Nullable<Text>,
        refusal_detail -> Nullable<Text>,
        idempotency_key -> Text,
        fingerprint -> Uuid,
        placed_at -> Timestamptz,
        decided_at -> Nullable<Timestamptz>,
    }
}
