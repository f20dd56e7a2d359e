//! The module's tables as diesel knows them. Written by hand; a test compares them with a migrated database.

diesel::table! {
    /// How many pieces of each product there are.
    inventory.stock (sku) {
        sku -> Text,
        received -> BigInt,
        on_hand -> BigInt,
    }
}

diesel::table! {
    /// Deliveries to the warehouse that were taken in.
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
