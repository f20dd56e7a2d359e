//! The module's table as diesel knows it. Written by hand; a test compares it with a migrated database.

diesel::table! {
    /// One row per order that was scheduled.
    shipping.shipments (order_id) {
        order_id -> Uuid,
        region -> Text,
        scheduled_at -> Timestamptz,
    }
}
