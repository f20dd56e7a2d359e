//! The module's tables for diesel. Written by hand; a test compares them with a migrated database.

diesel::table! {
    /// The stock of each product.
    inventory.stock (sku) {
        sku -> Text,
        received -> BigInt,
        on_hand -> BigInt,
    }
}

diesel::table! {
    /// Deliveries that the warehouse has received.
    inventory.receipts (receipt_id) {
        receipt_id -> Uuid,
        received_at -> Timestamptz,
        fingerprint -> Nullable<Uuid>,
    }
}

diesel::table! {
    /// One row per order: its reservation, or a tombstone.
    inventory.reservations (order_id) {
        order_id -> Uuid,
        lines -> Jsonb,
        status -> Text,
        reserved_at -> Timestamptz,
        released_at -> Nullable<Timestamptz>,
        committed_at -> Nullable<Timestamptz>,
    }
}

diesel::allow_tables_to_appear_in_same_query!(stock, reservations);
