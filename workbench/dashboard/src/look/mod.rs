//! Looking at one shop, cheaply enough to be done every second: at its orders, databases, queues and breakers.
//!
//! Each look has a time limit, so that a server that is down costs a sample its figures and not its moment.

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

use breakers::Breakers;
use databases::Databases;
use orders::Orders;
pub use orders::{Decided, OrdersNow};
use queues::Queues;
use topology::{Mode, ShopHandle};

/// How long anything that is looked at may take to answer.
const LIMIT: Duration = Duration::from_millis(900);
/// So often the time until a silent server is asked again is doubled, at most.
const MOST_SILENT: u32 = 3;

/// Looks at one shop.
pub struct Look {
    shop: ShopHandle,
    orders: Orders,
    databases: Databases,
    queues: Option<Queues>,
    breakers: Breakers,
}

/// What was seen.
pub struct Seen {
    /// Its orders.
    pub orders: Option<OrdersNow>,
    /// Its databases.
    pub databases: Vec<Database>,
    /// Messages that were published so far; `None` where nobody counts them.
    pub messages: Option<u64>,
    /// Database transactions so far, our own not counted.
    pub transactions: Option<u64>,
    /// Its queues.
    pub queues: Vec<Queue>,
    /// Its gateway's breakers.
    pub breakers: Vec<Breaker>,
    /// What could not be seen, and why.
    pub problems: Vec<String>,
}

impl Look {
    /// Looks at this shop from now on.
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

    /// Orders that the load has given to the shop, to be followed until they are decided.
    pub fn follow(&mut self, taken: Vec<Taken>) {
        self.orders.follow(taken);
    }

    /// One look at everything. `gateway` is where its gateway listens, if it is up; `watched` says whether single orders
    /// are to be told of.
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
        let orders = kept(orders, "its orders", &mut problems);
        let queues = kept(queues, "its queues", &mut problems).unwrap_or_default();
        let breakers = kept(breakers, "its gateway", &mut problems).unwrap_or_default();
        Seen { orders, databases, messages, transactions, queues, breakers, problems }
    }
}

fn kept<T>(seen: Result<T>, what: &str, problems: &mut Vec<String>) -> Option<T> {
    seen.map_err(|why| problems.push(format!("{what} cannot be read: {why:#}"))).ok()
}

/// A connection to a database that is made when it is needed, and made anew after anything went wrong.
#[derive(Default)]
struct Session {
    connection: Option<AsyncPgConnection>,
    /// On its way. It may take longer than a look, and is not begun anew for that.
    connecting: Option<JoinHandle<Result<AsyncPgConnection>>>,
    /// A server that did not answer in time is busy: it is asked again later, each time after twice as long.
    silent: u32,
    ask_again: Option<Instant>,
}

impl Session {
    /// Runs something on it within the limit.
    async fn run<T>(
        &mut self,
        url: &str,
        work: impl AsyncFnOnce(&mut AsyncPgConnection) -> Result<T>,
    ) -> Result<T> {
        let deadline = tokio::time::Instant::now() + LIMIT;
        ensure!(self.ask_again.is_none_or(|then| then <= Instant::now()), "no answer within {LIMIT:?}");
        let mut connection = self.connection(url, deadline).await.context("no connection")?;
        let Ok(worked) = tokio::time::timeout_at(deadline, work(&mut connection)).await else {
            // One that was given up in the middle of a query is of no more use.
            self.silent = (self.silent + 1).min(MOST_SILENT);
            self.ask_again = Some(Instant::now() + LIMIT * 2_u32.pow(self.silent));
            bail!("no answer within {LIMIT:?}");
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
            bail!("none within {LIMIT:?}");
        };
        self.connecting = None;
        connected?
    }
}

/// Between two moments of one clock, in milliseconds.
fn ms_between(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).num_microseconds().unwrap_or_default() as f64 / 1000.0
}

fn is_split(shop: &ShopHandle) -> bool {
    shop.driver.mode() == Mode::Split
}
