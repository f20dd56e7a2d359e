//! Where a story is looked for.

use crate::driver::Driver;
use crate::shop::{Databases, Shop};

/// What has to be known of a shop to tell stories of its orders.
#[derive(Debug, Clone)]
pub struct Place {
    /// How it stays consistent.
    pub driver: Driver,
    /// Its databases.
    pub databases: Databases,
    /// What its exchange and queues are called by, in the split mode.
    pub namespace: Option<String>,
    /// Its broker, in the split mode.
    pub amqp_url: Option<String>,
    /// Its processes by name, each with its own address, as `http://127.0.0.1:port`.
    pub processes: Vec<(String, String)>,
}

impl Place {
    /// A shop of this program's own.
    pub fn of(shop: &Shop) -> Place {
        let address = |name: &str| shop.address_of(name).unwrap_or_default().to_owned();
        let processes = shop.processes().into_iter().map(|(name, _)| (name.to_owned(), address(name)));
        Place {
            driver: shop.driver,
            databases: shop.databases.clone(),
            namespace: shop.namespace.clone(),
            amqp_url: shop.amqp_url().map(str::to_owned),
            processes: processes.collect(),
        }
    }
}
