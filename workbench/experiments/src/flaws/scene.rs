//! The shop of an experiment, and what is known of it.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::try_join_all;
use serde_json::Value;
use uuid::Uuid;

use super::Lab;
use super::client::{Client, order};
use crate::words;
use audit::{Expected, Fault, Subject};
use topology::Driver;

use audit::Audit;
use faults::tap::{self, Tap};
use shop::{Shop, ShopOptions};
use terminal::language::seconds;

/// The time limit for everything that must happen.
pub(super) const BOUND: Duration = Duration::from_secs(20);
/// The interval between two looks.
const TICK: Duration = Duration::from_millis(50);
/// Stock and money that never run out.
const PLENTY: i64 = 1_000_000;

/// A shop under experiment.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) shop: Shop,
    pub(super) client: Client,
    /// The input of the audit.
    pub(super) expected: Expected,
    sku: String,
    customer: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Prepared {
    #[diesel(sql_type = Text)]
    gid: String,
}

impl Scene {
    /// Starts a shop with these flaws. One order has gone through it.
    pub(super) async fn start(lab: &Lab<'_>, driver: Driver, flaws: &[&str]) -> Result<Scene> {
        let kind = if flaws.is_empty() { "sound".to_owned() } else { flaws.join("-") };
        let options = ShopOptions {
            flaws: flaws.iter().map(ToString::to_string).collect(),
            ..ShopOptions::new(
                lab.programs,
                lab.logs.join(format!("{}-{kind}-{}", driver.name(), Uuid::new_v4().simple())),
            )
        };
        let shop = Shop::start(lab.guard, driver, lab.infra, &options).await?;
        shop.be_patient().await?;
        let client = Client::new(&shop.address)?;
        let (sku, customer) = tokio::try_join!(client.product(PLENTY), client.customer(PLENTY))?;
        let expected = Expected { accepted: Some(Vec::new()), ..Expected::default() };
        let mut scene = Scene { shop, client, expected, sku, customer };
        scene.one_more_goes_through().await?;
        Ok(scene)
    }

    /// An order that should be confirmed.
    pub(super) fn good_order(&self) -> Value {
        order(&self.customer, &[&self.sku])
    }

    /// This many customers with enough money.
    pub(super) async fn customers(&self, number: usize) -> Result<Vec<String>> {
        try_join_all((0..number).map(|_| self.client.customer(PLENTY))).await
    }

    /// This many products with enough stock.
    pub(super) async fn products(&self, number: usize) -> Result<Vec<String>> {
        try_join_all((0..number).map(|_| self.client.product(PLENTY))).await
    }

    /// Sends an order that the shop must accept.
    pub(super) async fn buy(&mut self, order: &Value) -> Result<Uuid> {
        let id = self.client.buy(order).await?.with_context(words::not_accepted)?;
        self.accept([id]);
        Ok(id)
    }

    /// Records that the shop accepted these orders.
    pub(super) fn accept(&mut self, orders: impl IntoIterator<Item = Uuid>) {
        self.expected.accepted.get_or_insert_default().extend(orders);
    }

    /// Records that a fault was requested.
    pub(super) fn fault(&mut self, name: String, fired: bool) {
        self.expected.faults.push(Fault { name: name.into(), fired });
    }

    /// Waits until one more order is decided. Everything that was sent before it on the same way has arrived then.
    pub(super) async fn one_more_goes_through(&mut self) -> Result<()> {
        let id = self.buy(&self.good_order()).await?;
        ensure!(self.client.is_decided(id, BOUND).await?, words::not_decided(seconds(BOUND)));
        Ok(())
    }

    /// The broker's URL and the shop's namespace on it, for a tap.
    pub(super) fn broker(&self) -> Result<(&str, &str)> {
        let of_split = "only services have a broker";
        Ok((self.shop.amqp_url().context(of_split)?, self.shop.namespace.as_deref().context(of_split)?))
    }

    /// A tap that holds back the messages with a key to a service.
    pub(super) async fn hold(&self, service: &str, key: &str) -> Result<Tap> {
        let (url, namespace) = self.broker()?;
        Tap::holding(url, namespace, service, key).await
    }

    /// Waits until the count that a query returns is as required.
    pub(super) async fn until(&self, url: &str, query: &str, is_enough: impl Fn(i64) -> bool) -> Result<()> {
        let mut connection = servers::connect(url).await?;
        let deadline = Instant::now() + BOUND;
        loop {
            let Count { count } = diesel::sql_query(query).get_result(&mut connection).await?;
            if is_enough(count) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, words::count_not_reached(seconds(BOUND), count, query));
            tokio::time::sleep(TICK).await;
        }
    }

    /// Waits until the shop has finished all accepted work. Returns how long that took, or why it gave up waiting.
    pub(super) async fn settle(&self, bound: Duration) -> (Duration, Option<String>) {
        let began = Instant::now();
        let drained = self.shop.drain(bound).await;
        (began.elapsed(), drained.err().map(|error| format!("{error:#}")))
    }

    /// Audits the databases and the broker.
    pub(super) async fn audit(&self) -> Result<Vec<Audit>> {
        let subject = Subject::of(self.shop.handle()).expecting(self.expected.clone());
        audit::audit(&subject).await.with_context(words::while_auditing)
    }

    /// Ends the shop immediately: a broken shop cannot be asked to finish its work. Its databases are removed with the
    /// server, or together with our other databases on it: dropping each now would cost a checkpoint.
    pub(super) async fn end(mut self) -> Result<()> {
        let names: Vec<String> = self.shop.processes().into_iter().map(|(name, _)| name.to_owned()).collect();
        names.iter().try_for_each(|name| self.shop.kill(name))?;
        if let Ok((url, namespace)) = self.broker() {
            tap::delete_queues(url, namespace).await?;
        }
        if self.shop.driver == Driver::TwoPhase {
            self.roll_back_what_is_prepared().await?;
        }
        Ok(())
    }

    /// A database with prepared transactions cannot be dropped.
    async fn roll_back_what_is_prepared(&self) -> Result<()> {
        for (_, url) in self.shop.databases.distinct() {
            let mut connection = servers::connect(url).await?;
            let query = "SELECT gid FROM pg_prepared_xacts WHERE database = current_database()";
            for Prepared { gid } in diesel::sql_query(query).load(&mut connection).await? {
                let gid = gid.replace('\'', "''");
                connection.batch_execute(&format!("ROLLBACK PREPARED '{gid}'")).await?;
            }
        }
        Ok(())
    }
}
