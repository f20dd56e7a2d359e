//! Creates the databases of a shop.

use anyhow::Result;
use futures_util::future::try_join_all;

use servers::Infrastructure;
use topology::{Databases, Mode, SERVICES};

/// Creates one database for the monolith or five for the services. Also returns their names, to drop them later.
pub(super) async fn create(
    mode: Mode,
    infra: &Infrastructure,
    shop: &str,
) -> Result<(Databases, Vec<String>)> {
    let modules: &[&str] = if mode == Mode::Monolith { &["monolith"] } else { &SERVICES };
    let names: Vec<String> = modules.iter().map(|module| format!("{shop}-{module}")).collect();
    let urls = try_join_all(names.iter().map(|name| infra.postgres.create_database(name))).await?;
    // The services' databases are in the order of the modules. In the monolith all modules share one.
    let url = |module: usize| urls[module.min(urls.len() - 1)].clone();
    let databases =
        Databases { catalog: url(0), inventory: url(1), orders: url(2), payments: url(3), shipping: url(4) };
    Ok((databases, names))
}
