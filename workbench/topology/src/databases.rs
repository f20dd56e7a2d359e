//! The modules, and the databases that hold their tables.

use serde::{Deserialize, Serialize};

use crate::mode::MONOLITH;

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
    /// The URL of this module's database.
    pub fn of(&self, module: &str) -> &str {
        match module {
            "catalog" => &self.catalog,
            "inventory" => &self.inventory,
            "payments" => &self.payments,
            "shipping" => &self.shipping,
            // A monolith has the database of orders.
            _ => &self.orders,
        }
    }

    /// The same, to be changed.
    pub fn of_mut(&mut self, module: &str) -> &mut String {
        match module {
            "catalog" => &mut self.catalog,
            "inventory" => &mut self.inventory,
            "payments" => &mut self.payments,
            "shipping" => &mut self.shipping,
            _ => &mut self.orders,
        }
    }

    /// Each database once, with the name of the module that uses it, or `monolith` if several do.
    pub fn distinct(&self) -> Vec<(&'static str, &str)> {
        let mut distinct: Vec<(&str, &str)> = Vec::new();
        for name in SERVICES {
            match distinct.iter_mut().find(|(_, known)| *known == self.of(name)) {
                Some((of, _)) => *of = MONOLITH,
                None => distinct.push((name, self.of(name))),
            }
        }
        distinct
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_database_is_named_by_its_users() {
        let mut databases = Databases {
            catalog: "a".into(),
            inventory: "a".into(),
            orders: "a".into(),
            payments: "a".into(),
            shipping: "a".into(),
        };
        assert_eq!(databases.distinct(), [("monolith", "a")]);
        databases.payments = "b".into();
        assert_eq!(databases.distinct(), [("monolith", "a"), ("payments", "b")]);
    }
}
