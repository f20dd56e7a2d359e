//! The modules, and the databases that hold their tables.

use serde::{Deserialize, Serialize};

/// The modules that become one service with one database each in the split mode.
pub const SERVICES: [&str; 5] = ["catalog", "inventory", "orders", "payments", "shipping"];

/// The URLs of a shop's databases, one per module. In the monolith all are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Databases {
    /// Products, prices, time sales.
    pub catalog: String,
    /// Stock.
    pub inventory: String,
    /// Orders; in the split mode the sagas too.
    pub orders: String,
    /// Wallets and the ledger.
    pub payments: String,
    /// Shipments.
    pub shipping: String,
}

impl Databases {
    /// Each database once, with the name of the first module that uses it.
    pub fn distinct(&self) -> Vec<(&'static str, &str)> {
        let all = [&self.catalog, &self.inventory, &self.orders, &self.payments, &self.shipping];
        let mut distinct: Vec<(&str, &str)> = Vec::new();
        for (name, url) in SERVICES.into_iter().zip(all) {
            if !distinct.iter().any(|(_, known)| known == url) {
                distinct.push((name, url));
            }
        }
        distinct
    }
}
