//! Creates the databases of a shop.

use anyhow::Result;
use futures_util::future::try_join_all;

use servers::Infrastructure;
use topology::{Databases, Driver, SERVICES};

/// Creates one database for each service; a monolith is one. Also returns their names, to drop them later.
pub(super) async fn create(
    driver: Driver,
    infra: &Infrastructure,
    shop: &str,
) -> Result<(Databases, Vec<String>)> {
    let services = driver.services();
    let names: Vec<String> = services.iter().map(|service| format!("{shop}-{service}")).collect();
    let urls = try_join_all(names.iter().map(|name| infra.postgres.create_database(name))).await?;
    let url = |module| {
        let service = driver.service_of(module);
        let index = services.iter().position(|known| *known == service);
        urls[index.expect("each module belongs to a service")].clone()
    };
    let [catalog, inventory, orders, payments, shipping] = SERVICES.map(url);
    Ok((Databases { catalog, inventory, orders, payments, shipping }, names))
}
