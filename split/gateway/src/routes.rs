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
const MODULES: [(&str, &str); 5] = [
    ("/products", "catalog"),
    ("/stock", "inventory"),
    ("/orders", "orders"),
    ("/wallets", "payments"),
    ("/shipments", "shipping"),
];

/// A module that has left the monolith behind this gateway.
pub fn away(name: &str) -> Result<&'static str, String> {
    let module = MODULES.into_iter().find(|(_, module)| *module == name && name != "orders");
    module.map(|(_, module)| module).ok_or_else(|| {
        format!("{name:?} cannot have left a monolith; catalog, inventory, payments and shipping can")
    })
}

impl Routes {
    /// Path prefixes and the services that handle them. Modules that are `away` have left the monolith.
    pub fn table(self, away: &[&str]) -> [(&'static str, &'static str); 5] {
        MODULES.map(|(prefix, module)| match self {
            Routes::Monolith if !away.contains(&module) => (prefix, "monolith"),
            Routes::Monolith | Routes::Split => (prefix, module),
        })
    }

    /// The services, each once.
    pub fn services(self, away: &[&str]) -> Vec<&'static str> {
        let mut services = Vec::new();
        for (_, service) in self.table(away) {
            if !services.contains(&service) {
                services.push(service);
            }
        }
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
        let all = ["catalog", "inventory", "orders", "payments", "shipping"];
        assert_eq!(Routes::Split.services(&[]), all);
        assert_eq!(Routes::Monolith.services(&[]), ["monolith"]);
        assert_eq!(Routes::Monolith.services(&["inventory"]), ["monolith", "inventory"]);
    }

    #[test]
    fn orders_stays_at_home() {
        assert_eq!(away("payments"), Ok("payments"));
        assert!(away("orders").is_err() && away("billing").is_err());
    }
}
