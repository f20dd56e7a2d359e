//! The orchestrator's tables for diesel. Written by hand; a test compares it with a migrated database.

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

diesel::table! {
    /// Which modules have left the monolith.
    checkout.placement (module) {
        module -> Text,
        away -> Bool,
        epoch -> BigInt,
    }
}

diesel::table! {
    /// The journal of moves.
    checkout.moves (id) {
        id -> BigInt,
        module -> Text,
        leaves -> Bool,
        step -> Text,
        began_at -> Timestamptz,
        outcome -> Text,
        pause_ms -> Nullable<Double>,
    }
}
