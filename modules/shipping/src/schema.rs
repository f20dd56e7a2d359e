//! The module's table for diesel. Written by hand; a test compares it with a migrated database.

diesel::table! {
    /// One row per order with a shipment.
    shipping.shipments (order_id) {
        order_id -> Uuid,
        region -> Text,
        scheduled_at -> Timestamptz,
    }
}
