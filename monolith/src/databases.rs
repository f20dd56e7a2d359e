//! Which database each module uses: one for all, or one of its own.

use anyhow::Result;
use clap::Args;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};
use platform::{Pool, config, db, migrations};

use crate::modules::Module;

/// The tables of two-phase commit. They are in the database of orders.
pub const TWO_PHASE: EmbeddedMigrations = embed_migrations!("migrations");

/// Databases for individual modules.
#[derive(Debug, Clone, Args)]
pub struct ModuleUrls {
    /// A separate database for the catalog; needs --transaction two-phase. Likewise for the other modules.
    #[arg(long, env = "CATALOG_DATABASE_URL", hide_env_values = true, value_parser = config::postgres_url)]
    catalog_database_url: Option<String>,
    /// A separate database for inventory.
    #[arg(long, env = "INVENTORY_DATABASE_URL", hide_env_values = true, value_parser = config::postgres_url)]
    inventory_database_url: Option<String>,
    /// A separate database for orders. The decisions of two-phase commit are stored there too.
    #[arg(long, env = "ORDERS_DATABASE_URL", hide_env_values = true, value_parser = config::postgres_url)]
    orders_database_url: Option<String>,
    /// A separate database for payments.
    #[arg(long, env = "PAYMENTS_DATABASE_URL", hide_env_values = true, value_parser = config::postgres_url)]
    payments_database_url: Option<String>,
    /// A separate database for shipping.
    #[arg(long, env = "SHIPPING_DATABASE_URL", hide_env_values = true, value_parser = config::postgres_url)]
    shipping_database_url: Option<String>,
}

impl ModuleUrls {
    /// The first module that has its own database, if any.
    pub fn first(&self) -> Option<Module> {
        Module::ALL.into_iter().find(|module| self.of(*module).is_some())
    }

    /// All modules' databases. Those without their own use `database_url`.
    pub fn or(&self, database_url: &str) -> Databases {
        Databases(Module::ALL.map(|module| self.of(module).unwrap_or(database_url).to_owned()))
    }

    fn of(&self, module: Module) -> Option<&str> {
        let url = match module {
            Module::Catalog => &self.catalog_database_url,
            Module::Inventory => &self.inventory_database_url,
            Module::Orders => &self.orders_database_url,
            Module::Payments => &self.payments_database_url,
            Module::Shipping => &self.shipping_database_url,
        };
        url.as_deref()
    }
}

/// The URL of each module's database, in the order of [`Module::ALL`].
#[derive(Debug, Clone)]
pub struct Databases([String; Module::ALL.len()]);

impl Databases {
    pub fn url(&self, module: Module) -> &str {
        &self.0[module as usize]
    }

    /// Each database once, with its modules.
    pub fn distinct(&self) -> Vec<(&str, Vec<Module>)> {
        let mut distinct: Vec<(&str, Vec<Module>)> = Vec::new();
        for module in Module::ALL {
            let url = self.url(module);
            match distinct.iter_mut().find(|(known, _)| *known == url) {
                Some((_, modules)) => modules.push(module),
                None => distinct.push((url, vec![module])),
            }
        }
        distinct
    }

    /// Applies all pending migrations to all databases.
    pub async fn migrate(&self) -> Result<()> {
        for (url, modules) in self.distinct() {
            let decides = modules.contains(&Module::Orders).then_some(TWO_PHASE);
            let tables = modules.iter().map(|module| module.migrations()).chain(decides).collect();
            migrations::run(url, tables).await?;
        }
        Ok(())
    }

    /// One connection pool per module, driven by the caller's runtime.
    pub fn pools(&self, size: usize) -> Pools {
        Pools(Module::ALL.map(|module| db::pool(self.url(module), size)))
    }
}

/// One connection pool per module.
#[derive(Clone)]
pub struct Pools([Pool; Module::ALL.len()]);

impl Pools {
    pub fn of(&self, module: Module) -> &Pool {
        &self.0[module as usize]
    }

    pub fn all(&self) -> &[Pool] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        urls: ModuleUrls,
    }

    #[test]
    fn a_database_is_named_once_with_its_modules() {
        let urls = Cli::parse_from(["x", "--payments-database-url", "postgres://h/money"]).urls;
        assert_eq!(urls.first(), Some(Module::Payments));
        let databases = urls.or("postgres://h/shop");
        let [(shop, four), (money, one)] = &databases.distinct()[..] else { panic!("two databases") };
        assert_eq!((*shop, four.len()), ("postgres://h/shop", 4));
        assert_eq!((*money, &one[..]), ("postgres://h/money", &[Module::Payments][..]));
    }
}
