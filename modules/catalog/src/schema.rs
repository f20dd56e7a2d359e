//! The module's tables for diesel. Written by hand; a test compares them with a migrated database.

diesel::table! {
    /// Products, and how much of each sale is claimed.
    catalog.products (sku) {
        sku -> Text,
        name -> Text,
        price -> BigInt,
        sale_price -> Nullable<BigInt>,
        sale_quota -> BigInt,
        sale_claimed -> BigInt,
    }
}

diesel::table! {
    /// One row per order that claimed of a sale or was released. A released row may be a tombstone.
    catalog.claims (order_id) {
        order_id -> Uuid,
        lines -> Jsonb,
        status -> Text,
        claimed_at -> Timestamptz,
        released_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// Price history: one row per change, written by a trigger, read by the audit.
    catalog.prices (id) {
        id -> BigInt,
        sku -> Text,
        price -> BigInt,
        sale_price -> Nullable<BigInt>,
        since -> Timestamptz,
    }
}

diesel::allow_tables_to_appear_in_same_query!(products, claims);
