//! Samples one shop: its orders, databases, queues and breakers. It is cheap enough to run every second.
//!
//! Each read has a time limit, so that a server that is down leaves figures out but does not delay the sample.

mod breakers;
mod databases;
mod orders;
mod queues;

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use diesel_async::AsyncPgConnection;
use tokio::task::JoinHandle;

use super::clock::Taken;
use super::sample::{Breaker, Database, Queue};
use crate::words;

use breakers::Breakers;
use databases::Databases;
use orders::Orders;
pub use orders::{Decided, OrdersNow};
use queues::Queues;
use terminal::language::seconds;
use topology::ShopHandle;

/// The time limit for each read.
const LIMIT: Duration = Duration::from_millis(900);
/// The most times that the delay before asking a silent server again is doubled.
const MOST_SILENT: u32 = 3;

/// Samples one shop.
pub struct Look {
    shop: ShopHandle,
    orders: Orders,
    databases: Databases,
    queues: Option<Queues>,
    breakers: Breakers,
}

/// What one sample contains.
pub struct Seen {
    /// Its orders.
    pub orders: Option<OrdersNow>,
    /// Its databases.
    pub databases: Vec<Database>,
    /// Published messages so far; `None` if they cannot be counted.
    pub messages: Option<u64>,
    /// Database transactions so far, without our own.
    pub transactions: Option<u64>,
    /// Its queues.
    pub queues: Vec<Queue>,
    /// The breakers of its gateway.
    pub breakers: Vec<Breaker>,
    /// What could not be read, and why.
    pub problems: Vec<String>,
}

impl Look {
    /// Starts to sample this shop.
    pub fn new(shop: ShopHandle) -> Look {
        Look {
            orders: Orders::new(&shop),
            databases: Databases::new(&shop),
            queues: Queues::of(&shop),
            breakers: Breakers::default(),
            shop,
        }
    }

    /// The shop.
    pub fn shop(&self) -> &ShopHandle {
        &self.shop
    }

    /// Follows these orders of the load until they are decided.
    pub fn follow(&mut self, taken: Vec<Taken>) {
        self.orders.follow(taken);
    }

    /// Takes one sample. `gateway` is the address of the shop's gateway, if it is up; `watched` says whether to include
    /// single orders.
    pub async fn now(&mut self, gateway: Option<&str>, watched: bool) -> Seen {
        let queues = async {
            match &mut self.queues {
                Some(queues) => queues.now().await,
                None => Ok(Vec::new()),
            }
        };
        let (orders, (databases, messages, transactions), queues, breakers) =
            tokio::join!(self.orders.now(watched), self.databases.now(), queues, self.breakers.now(gateway));
        let mut problems = Vec::new();
        let orders = kept(orders, words::orders_unread, &mut problems);
        let queues = kept(queues, words::queues_unread, &mut problems).unwrap_or_default();
        let breakers = kept(breakers, words::gateway_unread, &mut problems).unwrap_or_default();
        Seen { orders, databases, messages, transactions, queues, breakers, problems }
    }
}

fn kept<T>(seen: Result<T>, unread: fn(String) -> String, problems: &mut Vec<String>) -> Option<T> {
    seen.map_err(|why| problems.push(unread(format!("{why:#}")))).ok()
}

/// A database connection that is opened when needed, and reopened after any error.
#[derive(Default)]
struct Session {
    connection: Option<AsyncPgConnection>,
    /// A pending connection. It may take longer than a sample, and continues in the background.
    connecting: Option<JoinHandle<Result<AsyncPgConnection>>>,
    /// How often in a row the server did not respond in time. The delay before asking again doubles each time.
    silent: u32,
    ask_again: Option<Instant>,
}

impl Session {
    /// Runs a query within the time limit.
    async fn run<T>(
        &mut self,
        url: &str,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T>,
    ) -> Result<T> {
        let deadline = tokio::time::Instant::now() + LIMIT;
        ensure!(self.ask_again.is_none_or(|then| then <= Instant::now()), words::no_answer(seconds(LIMIT)));
        let mut connection = self.connection(url, deadline).await.with_context(words::no_connection)?;
        let Ok(worked) = tokio::time::timeout_at(deadline, work(&mut connection)).await else {
            // A connection that was abandoned in the middle of a query cannot be reused.
            self.silent = (self.silent + 1).min(MOST_SILENT);
            self.ask_again = Some(Instant::now() + LIMIT * 2_u32.pow(self.silent));
            bail!(words::no_answer(seconds(LIMIT)));
        };
        (self.silent, self.ask_again) = (0, None);
        let worked = worked?;
        self.connection = Some(connection);
        Ok(worked)
    }

    async fn connection(&mut self, url: &str, deadline: tokio::time::Instant) -> Result<AsyncPgConnection> {
        if let Some(connection) = self.connection.take() {
            return Ok(connection);
        }
        let url = url.to_owned();
        let connecting =
            self.connecting.get_or_insert_with(|| tokio::spawn(async move { servers::connect(&url).await }));
        let Ok(connected) = tokio::time::timeout_at(deadline, connecting).await else {
            bail!(words::not_connected(seconds(LIMIT)));
        };
        self.connecting = None;
        connected?
    }
}

/// Milliseconds between two times of the same clock.
fn ms_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).num_microseconds().unwrap_or_default() as f64 / 1000.0
}
