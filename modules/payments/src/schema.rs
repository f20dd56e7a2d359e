//! The module's tables for diesel. Written by hand; a test compares them with a migrated database.

diesel::table! {
    /// Each customer's balance, in minor units.
    payments.wallets (customer_id) {
        customer_id -> Text,
        balance -> BigInt,
    }
}

diesel::table! {
    /// One row per order: its payment, or a tombstone.
    payments.payments (order_id) {
        order_id -> Uuid,
        customer_id -> Nullable<Text>,
        amount -> BigInt,
        status -> Text,
        captured_at -> Nullable<Timestamptz>,
        refunded_at -> Nullable<Timestamptz>,
        authorized_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    /// The ledger. All amounts add up to zero.
    payments.entries (reference, operation, account) {
        reference -> Uuid,
        operation -> Text,
        account -> Text,
        amount -> BigInt,
    }
}

diesel::allow_tables_to_appear_in_same_query!(wallets, payments);
