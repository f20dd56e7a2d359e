//! The messages that each service receives. The driver decides: commands and replies, or events.

use anyhow::{Result, bail};

use crate::words;
use topology::Driver;

/// The routing keys bound to a service. With the first one, an order reaches the service for its part in the
/// checkout.
fn heard(driver: Driver, service: &str) -> &'static [&'static str] {
    match driver {
        Driver::Choreographed | Driver::Naive => events(service),
        _ => commands(service, driver == Driver::Tcc),
    }
}

/// With choreography, each service receives events of the others.
fn events(service: &str) -> &'static [&'static str] {
    match service {
        "catalog" => &[
            "orders.order-placed",
            "inventory.stock-refused",
            "payments.payment-refused",
            "shipping.shipment-refused",
        ],
        "inventory" => &["catalog.prices-honoured", "payments.payment-refused", "shipping.shipment-refused"],
        "payments" => &["inventory.stock-reserved", "shipping.shipment-refused"],
        "shipping" => &["payments.payment-captured"],
        _ => &[
            "shipping.shipment-scheduled",
            "catalog.prices-refused",
            "inventory.stock-refused",
            "payments.payment-refused",
            "shipping.shipment-refused",
        ],
    }
}

/// With orchestration, the orders service sends commands and receives the replies.
fn commands(service: &str, sets_aside_first: bool) -> &'static [&'static str] {
    match (service, sets_aside_first) {
        ("catalog", _) => &["catalog.honour-prices", "catalog.release-prices"],
        ("inventory", _) => {
            &["inventory.reserve-stock", "inventory.commit-reservation", "inventory.release-stock"]
        }
        ("payments", true) => &[
            "payments.authorize-payment",
            "payments.capture-payment",
            "payments.void-payment",
            "payments.refund-payment",
        ],
        ("payments", false) => &[
            "payments.capture-payment",
            "payments.authorize-payment",
            "payments.void-payment",
            "payments.refund-payment",
        ],
        ("shipping", true) => &["shipping.quote-shipment", "shipping.schedule-shipment"],
        ("shipping", false) => &["shipping.schedule-shipment", "shipping.quote-shipment"],
        _ => &[
            "inventory.stock-reserved",
            "catalog.prices-honoured",
            "catalog.prices-refused",
            "catalog.prices-released",
            "inventory.stock-refused",
            "inventory.stock-released",
            "inventory.reservation-committed",
            "payments.payment-captured",
            "payments.payment-authorized",
            "payments.payment-refused",
            "payments.payment-voided",
            "payments.payment-refunded",
            "shipping.shipment-quoted",
            "shipping.shipment-scheduled",
            "shipping.shipment-refused",
        ],
    }
}

/// The given key if it is bound to the service, or the service's first key if none is given. Other keys are refused,
/// because removing a tap binds the key to the service.
pub(super) fn meant(driver: Driver, service: &str, key: Option<&str>) -> Result<&'static str> {
    // In a hybrid only modules that have left reply by messages.
    let away = driver.away();
    let replies = |key: &str| away.is_empty() || away.iter().any(|module| key.starts_with(module));
    let heard: Vec<&'static str> =
        heard(driver, service).iter().copied().filter(|key| replies(key)).collect();
    let Some(key) = key else { return Ok(heard[0]) };
    match heard.iter().find(|known| **known == key) {
        Some(known) => Ok(*known),
        None => bail!(words::no_such_key(key, service, driver, heard.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Reads the routing keys from a list in the programs' source code.
    fn listed(path: &str, from: &str) -> BTreeSet<String> {
        let path = format!("{}/../../{path}", env!("CARGO_MANIFEST_DIR"));
        let source = std::fs::read_to_string(path).expect("it is there");
        let list = source.split_once(from).expect("the list is there").1.split_once(']').expect("and ends").0;
        list.split('"').skip(1).step_by(2).map(str::to_owned).collect()
    }

    #[test]
    fn they_are_those_of_the_programs() {
        let ours = |driver, service| -> BTreeSet<String> {
            heard(driver, service).iter().map(|key| (*key).to_owned()).collect()
        };
        for service in topology::SERVICES {
            let hears = listed(&format!("modules/{service}/src/reactions.rs"), "HEARS: &[&str] =");
            assert_eq!(ours(Driver::Choreographed, service), hears, "{service}");
        }
        for driver in [Driver::Orchestrated, Driver::Tcc] {
            for service in ["catalog", "inventory", "payments", "shipping"] {
                let told = listed(&format!("modules/{service}/src/lib.rs"), "COMMANDS: &[&str] =");
                assert_eq!(ours(driver, service), told, "{service}");
            }
            let answers = listed("split/orchestrator/src/orchestrator.rs", "LISTENS_TO: &[&str] =");
            assert_eq!(ours(driver, "orders"), answers);
        }
    }

    #[test]
    fn a_key_that_leads_elsewhere_is_refused() {
        let meant = |key| meant(Driver::Orchestrated, "inventory", key);
        assert_eq!(meant(None).unwrap(), "inventory.reserve-stock");
        assert_eq!(meant(Some("inventory.release-stock")).unwrap(), "inventory.release-stock");
        let error = meant(Some("catalog.prices-honoured")).unwrap_err().to_string();
        assert!(error.contains(": inventory.reserve-stock, "), "{error}");
    }

    #[test]
    fn a_hybrid_hears_only_from_what_has_left() {
        let hybrid = "hybrid:payments".parse().unwrap();
        assert_eq!(meant(hybrid, "monolith", None).unwrap(), "payments.payment-captured");
        assert_eq!(meant(hybrid, "payments", None).unwrap(), "payments.capture-payment");
        assert!(meant(hybrid, "monolith", Some("catalog.prices-honoured")).is_err());
    }
}
