//! The messages that an order can have, by routing key. The list is independent of the shop's own; a test compares the
//! two.

use std::collections::HashMap;

use contracts::{OrderId, message_id};
use uuid::Uuid;

/// Commands, as routing keys. The module before the dot receives the command.
pub const COMMANDS: [&str; 13] = [
    "catalog.honour-prices",
    "catalog.release-prices",
    "inventory.reserve-stock",
    "inventory.release-stock",
    "inventory.commit-reservation",
    "payments.authorize-payment",
    "payments.void-payment",
    "payments.capture-payment",
    "payments.refund-payment",
    "shipping.quote-shipment",
    "shipping.schedule-shipment",
    "orders.confirm-order",
    "orders.cancel-order",
];

/// Events, as routing keys. The module before the dot publishes the event.
pub const EVENTS: [&str; 18] = [
    "orders.order-placed",
    "orders.order-confirmed",
    "orders.order-cancelled",
    "catalog.prices-honoured",
    "catalog.prices-refused",
    "catalog.prices-released",
    "inventory.stock-reserved",
    "inventory.stock-refused",
    "inventory.stock-released",
    "inventory.reservation-committed",
    "payments.payment-authorized",
    "payments.payment-voided",
    "payments.payment-captured",
    "payments.payment-refused",
    "payments.payment-refunded",
    "shipping.shipment-quoted",
    "shipping.shipment-scheduled",
    "shipping.shipment-refused",
];

/// Commands that undo another command.
const COMPENSATIONS: [&str; 5] = [
    "catalog.release-prices",
    "inventory.release-stock",
    "payments.void-payment",
    "payments.refund-payment",
    "orders.cancel-order",
];

/// Commands that are all sent at once when a TCC order is placed.
pub const TRIES: [&str; 4] = [
    "catalog.honour-prices",
    "inventory.reserve-stock",
    "payments.authorize-payment",
    "shipping.quote-shipment",
];

/// The most attempts to look for. At one per deadline, this is longer than any demonstration.
const ATTEMPTS: u32 = 64;

/// The module that a routing key begins with.
pub fn module(key: &str) -> &str {
    key.split('.').next().unwrap_or(key)
}

/// Whether the message is a command.
pub fn is_command(key: &str) -> bool {
    COMMANDS.contains(&key)
}

/// Whether handling this message in that lane undoes a step. A choreography has no compensation commands: each service
/// reacts to the refusal of another.
pub fn undoes(key: &str, lane: &str) -> bool {
    COMPENSATIONS.contains(&key) || (key.ends_with("-refused") && lane != "orders" && lane != module(key))
}

/// Every message id that this order can have, with the routing key and the attempt.
pub fn ids(order: Uuid) -> HashMap<Uuid, (&'static str, u32)> {
    let of = |key: &'static str, attempt| (message_id(OrderId(order), key, attempt), (key, attempt));
    let commands = COMMANDS.into_iter().flat_map(|key| (0..ATTEMPTS).map(move |attempt| of(key, attempt)));
    // An event is the same for every attempt, and has the id of the first.
    commands.chain(EVENTS.into_iter().map(|key| of(key, 0))).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use contracts::{Command, Event};
    use serde::de::DeserializeOwned;
    use serde_json::json;

    use super::*;

    /// The types in the published language, taken from its error message for an unknown type.
    fn published<M: DeserializeOwned + std::fmt::Debug>() -> BTreeSet<String> {
        let said =
            serde_json::from_value::<M>(json!({ "type": "nothing", "data": {} })).unwrap_err().to_string();
        let types = said.split('`').filter(|word| word.contains('.'));
        types.map(|word| word.trim_end_matches(".v1").to_owned()).collect()
    }

    #[test]
    fn every_message_of_the_published_language_is_known() {
        let own = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(own(&COMMANDS), published::<Command>());
        assert_eq!(own(&EVENTS), published::<Event>());
    }

    #[test]
    fn whether_a_message_undoes_depends_on_its_consumer() {
        assert!(undoes("payments.refund-payment", "payments"));
        assert!(undoes("shipping.shipment-refused", "payments"));
        assert!(!undoes("shipping.shipment-refused", "orders"), "there it decides the order");
        assert!(!undoes("payments.capture-payment", "payments"));
    }
}
