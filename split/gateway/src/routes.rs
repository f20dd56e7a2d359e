//! Which service answers for which path.

use clap::ValueEnum;

/// The services behind the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Routes {
    /// A service for each part of the shop.
    Split,
    /// One for all of it: the monolith.
    Monolith,
}

impl Routes {
    /// What a path begins with, and the service that it belongs to.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_once() {
        assert_eq!(Routes::Split.services(), ["catalog", "inventory", "orders", "payments", "shipping"]);
        assert_eq!(Routes::Monolith.services(), ["monolith"]);
    }
}
