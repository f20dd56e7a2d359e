//! What `cleave bench recovery` breaks beside whole servers: one table, and one command. Some orders need it, and others
//! do not.

use std::time::Duration;

use anyhow::{Context, Result};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use faults::tap::Tap;
use shop::Shop;
use topology::Driver;

use crate::words;

/// How long it stays broken: longer than a lock time-out, and longer than the first pauses of a relay.
pub const LASTS: Duration = Duration::from_secs(6);

/// One table is locked, or no queue takes one command. An order with an outdated price is refused before either is needed.
pub enum Breakage {
    Table(AsyncPgConnection),
    Binding(Tap),
}

impl Breakage {
    pub async fn begin(shop: &Shop, what: &str) -> Result<Breakage> {
        if what == "table" {
            let mut connection = AsyncPgConnection::establish(&shop.databases.inventory).await?;
            connection.batch_execute("BEGIN; LOCK TABLE inventory.stock IN ACCESS EXCLUSIVE MODE").await?;
            return Ok(Breakage::Table(connection));
        }
        let key = match shop.driver {
            Driver::Choreographed => "payments.payment-captured",
            _ => "shipping.schedule-shipment",
        };
        let (url, namespace) = (shop.amqp_url(), shop.namespace.as_deref());
        let (url, namespace) = (url.with_context(words::needs_a_broker)?, namespace.unwrap_or_default());
        Ok(Breakage::Binding(Tap::losing(url, namespace, "shipping", key).await?))
    }

    pub async fn end(self) -> Result<()> {
        match self {
            Breakage::Table(mut connection) => Ok(connection.batch_execute("ROLLBACK").await?),
            Breakage::Binding(tap) => tap.remove().await,
        }
    }
}
