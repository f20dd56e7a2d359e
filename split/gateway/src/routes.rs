//! Which service handles which paths.

use std::collections::BTreeMap;

use clap::ValueEnum;
use platform::http::OPENAPI;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// What is behind the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Routes {
    /// One service per module.
    Split,
    /// One service for everything: the monolith.
    Monolith,
}

impl Routes {
    /// Path prefixes and the services that handle them.
    pub fn table(self) -> [(&'static str, &'static str); 5] {
        let split = [
            ("/products", "catalog"),
            ("/stock", "inventory"),
            ("/orders", "orders"),
            ("/wallets", "payments"),
            ("/shipments", "shipping"),
        ];
        match self {
            Routes::Split => split,
            Routes::Monolith => split.map(|(prefix, _)| (prefix, "monolith")),
        }
    }

    /// The services, each once.
    pub fn services(self) -> Vec<&'static str> {
        let mut services = self.table().map(|(_, service)| service).to_vec();
        services.dedup();
        services
    }
}

/// The paths of the API description, those without parameters first. Each becomes a route of the gateway, so that
/// metrics and spans name the route instead of the path.
pub fn described() -> Vec<String> {
    #[derive(Deserialize)]
    struct Description {
        paths: BTreeMap<String, IgnoredAny>,
    }
    let description: Description = serde_json::from_str(OPENAPI).expect("the description is JSON with paths");
    let mut paths: Vec<String> = description.paths.into_keys().collect();
    paths.sort_by_key(|path| path.contains('{'));
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_described_is_found_before_what_fits_a_parameter() {
        let paths = described();
        let at = |path: &str| paths.iter().position(|known| known == path).unwrap();
        assert!(at("/stock/receipts") < at("/stock/{sku}") && at("/orders") < at("/orders/{order_id}"));
    }

    #[test]
    fn a_service_is_named_once() {
        assert_eq!(Routes::Split.services(), ["catalog", "inventory", "orders", "payments", "shipping"]);
        assert_eq!(Routes::Monolith.services(), ["monolith"]);
    }
}
