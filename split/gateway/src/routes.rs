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

/// Path prefixes and the modules that handle them.
pub const PREFIXES: [(&str, &str); 5] = [
    ("/products", "catalog"),
    ("/stock", "inventory"),
    ("/orders", "orders"),
    ("/wallets", "payments"),
    ("/shipments", "shipping"),
];

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
}
