//! Takes a look: one connection and one short transaction per database, all at the same time.

mod eye;

use std::time::Duration;

use chrono::TimeDelta;
use diesel::sql_types::{Array, Text, Uuid as SqlUuid};
use futures_util::future::join_all;
use uuid::Uuid;

use super::super::read::database_name;
use super::super::records::{Entry, Moment};
use super::news::{ExactLevel, News};
use super::statements;
use eye::Eye;

use topology::{Databases, SERVICES};

/// The time limit of a look.
const LIMIT: Duration = Duration::from_secs(5);
/// The longest time between the creation of an order's id and the commit of its row. If it takes longer, the order is
/// missed.
const MARGIN: TimeDelta = TimeDelta::seconds(5);
/// The time limit for the full check of suspected products.
const SUSPICION: Duration = Duration::from_secs(3);

/// The connections to a shop's databases.
pub(super) struct Eyes(Vec<Eye>);

impl Eyes {
    pub fn new(databases: &Databases, late: Duration) -> Eyes {
        let urls = [
            &databases.catalog,
            &databases.inventory,
            &databases.orders,
            &databases.payments,
            &databases.shipping,
        ];
        let distinct = databases.distinct();
        let names: Vec<String> = distinct.iter().map(|(_, url)| database_name(url)).collect();
        let eye = |(n, (_, url)): (usize, &(&str, &str))| {
            let of = SERVICES.into_iter().zip(urls).filter(|(_, of)| of == url);
            Eye::new(url, of.map(|(name, _)| name).collect(), (n == 0).then(|| names.clone()), late)
        };
        Eyes(distinct.iter().enumerate().map(eye).collect())
    }

    /// Whether all databases have commit timestamps.
    pub fn read_commits(&self) -> bool {
        self.0.iter().all(|eye| eye.has_commits())
    }

    /// The changes since the last look, in the newest orders and in those that are `open`. `None` stands for a
    /// database that could not be read; the next look includes its changes.
    pub async fn look(&mut self, at: Moment, open: &[Uuid]) -> Vec<Option<News>> {
        let mut looks = Vec::new();
        for eye in &mut self.0 {
            looks.push(eye.look(at, open));
        }
        join_all(looks).await
    }

    /// Orders older than this one can only change if they are open.
    pub fn oldest(&self) -> Option<Uuid> {
        let looks: Option<Vec<Moment>> = self.0.iter().map(|eye| eye.looked_at()).collect();
        Some(first_id(looks?.into_iter().min()? - MARGIN))
    }

    /// The ledger's entries for these orders.
    pub async fn entries(&mut self, orders: &[Uuid]) -> Option<Vec<Entry>> {
        if orders.is_empty() {
            return Some(Vec::new());
        }
        let query = diesel::sql_query(statements::ENTRIES).bind::<Array<SqlUuid>, _>(orders.to_vec());
        self.of("payments")?.ask(LIMIT, query).await
    }

    /// What the rows of these products say, and what all orders together hold of them. Only this query reads a whole
    /// table, and it runs only for suspected products.
    pub async fn shelves(&mut self, suspects: &Suspects) -> Option<ExactShelves> {
        let mut exact = ExactShelves::default();
        if !suspects.stock.is_empty() {
            let query =
                statements::in_full("inventory.stock", "received - on_hand", "inventory.reservations");
            let query = diesel::sql_query(query).bind::<Array<Text>, _>(suspects.stock.clone());
            exact.stock = self.of("inventory")?.ask(SUSPICION, query).await?;
        }
        if !suspects.sales.is_empty() {
            let query = statements::in_full("catalog.products", "sale_claimed", "catalog.claims");
            let query = diesel::sql_query(query).bind::<Array<Text>, _>(suspects.sales.clone());
            exact.sales = self.of("catalog")?.ask(SUSPICION, query).await?;
        }
        Some(exact)
    }

    fn of(&mut self, module: &str) -> Option<&mut Eye> {
        self.0.iter_mut().find(|eye| eye.reads(module))
    }
}

/// Products whose rows do not seem to match what orders hold, by sku.
#[derive(Debug, Default)]
pub(super) struct Suspects {
    pub stock: Vec<String>,
    pub sales: Vec<String>,
}

/// The same products, from a full check.
#[derive(Debug, Default)]
pub(super) struct ExactShelves {
    pub stock: Vec<ExactLevel>,
    pub sales: Vec<ExactLevel>,
}

/// The smallest id of an order created at this time: a UUID of version 7 begins with the milliseconds since 1970.
pub(super) fn first_id(moment: Moment) -> Uuid {
    let ms = moment.timestamp_millis().max(0).unsigned_abs();
    uuid::Builder::from_unix_timestamp_millis(ms, &[0; 10]).into_uuid()
}
