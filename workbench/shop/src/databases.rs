//! The databases of a shop, made for it.

use anyhow::Result;
use futures_util::future::try_join_all;

use servers::Infrastructure;
use topology::{Databases, Mode, SERVICES};

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
