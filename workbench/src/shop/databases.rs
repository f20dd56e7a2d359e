//! Where a shop keeps its tables.

use anyhow::Result;
use futures_util::future::try_join_all;
use serde::{Deserialize, Serialize};

use super::Mode;
use crate::infra::Infrastructure;

/// The modules that become a service and a database each in the split mode.
pub const SERVICES: [&str; 5] = ["catalog", "inventory", "orders", "payments", "shipping"];

/// The URLs of a shop's databases, a module each. In the monolith all are the same.
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
    /// Each database once, with the name of its (first) module.
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

/// Creates one database for the monolith, five for the services; answers their names too, to drop them by.
pub(super) async fn create(
    mode: Mode,
    infra: &Infrastructure,
    shop: &str,
) -> Result<(Databases, Vec<String>)> {
    let modules: &[&str] = if mode == Mode::Monolith { &["monolith"] } else { &SERVICES };
    let names: Vec<String> = modules.iter().map(|module| format!("{shop}-{module}")).collect();
    let urls = try_join_all(names.iter().map(|name| infra.postgres.create_database(name))).await?;
    // The services' databases are in the modules' order; the monolith's one is every module's.
    let url = |module: usize| urls[module.min(urls.len() - 1)].clone();
    let databases =
        Databases { catalog: url(0), inventory: url(1), orders: url(2), payments: url(3), shipping: url(4) };
    Ok((databases, names))
}
