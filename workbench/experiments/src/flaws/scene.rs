//! Where an experiment takes place: a small shop of its own, and what is known of it.

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
use audit::{Expected, Fault, Subject};
use topology::Driver;

use audit::Audit;
use faults::tap::{self, Tap};
use shop::{Shop, ShopOptions};

/// How long what must happen may take.
pub(super) const BOUND: Duration = Duration::from_secs(20);
/// Between two looks.
const TICK: Duration = Duration::from_millis(50);
/// Enough of everything.
const PLENTY: i64 = 1_000_000;

/// A shop under experiment.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) shop: Shop,
    pub(super) client: Client,
    /// What the audit is told.
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
    /// A new shop, with these flaws, in which an order has gone through.
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

    /// An order that nothing stands against.
    pub(super) fn good_order(&self) -> Value {
        order(&self.customer, &[&self.sku])
    }

    /// So many customers with enough money.
    pub(super) async fn customers(&self, number: usize) -> Result<Vec<String>> {
        try_join_all((0..number).map(|_| self.client.customer(PLENTY))).await
    }

    /// So many products that there is enough of.
    pub(super) async fn products(&self, number: usize) -> Result<Vec<String>> {
        try_join_all((0..number).map(|_| self.client.product(PLENTY))).await
    }

    /// Sends an order, which the shop must take charge of.
    pub(super) async fn buy(&mut self, order: &Value) -> Result<Uuid> {
        let id = self.client.buy(order).await?.context("the shop took charge of no order")?;
        self.accept([id]);
        Ok(id)
    }

    /// The shop took charge of these orders.
    pub(super) fn accept(&mut self, orders: impl IntoIterator<Item = Uuid>) {
        self.expected.accepted.get_or_insert_default().extend(orders);
    }

    /// A fault was asked for.
    pub(super) fn fault(&mut self, name: String, fired: bool) {
        self.expected.faults.push(Fault { name, fired });
    }

    /// An order goes all the way. What went the same way before it has arrived then.
    pub(super) async fn one_more_goes_through(&mut self) -> Result<()> {
        let id = self.buy(&self.good_order()).await?;
        ensure!(self.client.is_decided(id, BOUND).await?, "an order was not decided within {BOUND:?}");
        Ok(())
    }

    /// The broker's URL and the shop's namespace on it, and one of its services: where a tap is placed.
    pub(super) fn broker(&self) -> Result<(&str, &str)> {
        let of_split = "only services have a broker";
        Ok((self.shop.amqp_url().context(of_split)?, self.shop.namespace.as_deref().context(of_split)?))
    }

    /// A tap that holds back the messages of a key to a service.
    pub(super) async fn hold(&self, service: &str, key: &str) -> Result<Tap> {
        let (url, namespace) = self.broker()?;
        Tap::holding(url, namespace, service, key).await
    }

    /// Waits until a query on a database, which counts something, answers at least, or exactly, what it should.
    pub(super) async fn until(&self, url: &str, query: &str, is_enough: impl Fn(i64) -> bool) -> Result<()> {
        let mut connection = servers::connect(url).await?;
        let deadline = Instant::now() + BOUND;
        loop {
            let Count { count } = diesel::sql_query(query).get_result(&mut connection).await?;
            if is_enough(count) {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "after {BOUND:?} the answer is {count}: {query}");
            tokio::time::sleep(TICK).await;
        }
    }

    /// Waits until the shop has finished all that it took on; says how long that took, or why it gave up waiting.
    pub(super) async fn settle(&self, bound: Duration) -> (Duration, Option<String>) {
        let began = Instant::now();
        let drained = self.shop.drain(bound).await;
        (began.elapsed(), drained.err().map(|error| format!("{error:#}")))
    }

    /// What the databases and the broker say.
    pub(super) async fn audit(&self) -> Result<Vec<Audit>> {
        let subject = Subject { shop: self.shop.handle(), expected: self.expected.clone() };
        audit::audit(&subject).await.context("the audit")
    }

    /// Ends it at once: a broken shop cannot be asked to finish what it has. Its databases go with the server, or with
    /// the other databases on it that are ours: dropping each now would cost a checkpoint.
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

    /// A database in which something is prepared cannot be dropped later.
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
