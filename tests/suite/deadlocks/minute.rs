//! Deadlocks in a whole shop, with two instances of each service: customers order several of the same few products,
//! while stock is received, money is deposited and products are changed.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use audit::Expected;
use diesel::sql_query;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use futures_util::future::try_join_all;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use tests::{DRIVERS, Goods, Line, Stage, World, order};
use uuid::Uuid;

use super::Deadlocks;

const LENGTH: Duration = Duration::from_secs(60);
const PRODUCTS: usize = 20;
const CUSTOMERS: usize = 20;
/// Clients of each kind.
const BUYERS: usize = 12;
const CLERKS: usize = 2;
const PRICE: i64 = 7;
/// More than all orders together need: units of each product, the most that one receipt can bring, and money of each
/// customer.
const UNITS: i64 = 1_000_000;
const MONEY: i64 = 100_000_000;

/// Completed requests by kind.
#[derive(Debug, Default)]
struct Tally {
    orders: AtomicU64,
    receipts: AtomicU64,
    deposits: AtomicU64,
    changes: AtomicU64,
}

pub async fn a_minute_of_orders_and_receipts(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for driver in DRIVERS.into_iter().filter(|driver| driver.has_messages()) {
        let world = stage.new_world(driver, infrastructure).await?;
        minute(&world).await.with_context(|| driver.to_string())?;
        let deadlocks = deadlocks(&world).await?;
        ensure!(deadlocks == 0, "{driver}: {deadlocks} deadlocks");
        stage.close(world, infrastructure, Expected::default()).await.context(driver.to_string())?;
    }
    Ok(None)
}

async fn minute(world: &World) -> Result<()> {
    let goods = (0..PRODUCTS).map(|_| world.product(Goods { price: PRICE, pieces: UNITS }));
    let (skus, customers) = (try_join_all(goods).await?, (0..CUSTOMERS).map(|_| world.customer(MONEY)));
    let crowd = Arc::new(Crowd {
        client: Client::builder().no_proxy().timeout(Duration::from_secs(30)).build()?,
        address: world.address.clone(),
        skus,
        customers: try_join_all(customers).await?,
        until: Instant::now() + LENGTH,
        tally: Tally::default(),
    });
    let buyers = (0..BUYERS).map(|_| tokio::spawn(crowd.clone().buy()));
    let clerks = (0..CLERKS).map(|_| tokio::spawn(crowd.clone().keep_shop()));
    for client in buyers.chain(clerks).collect::<Vec<_>>() {
        client.await??;
    }
    world.drain().await?;
    println!("{}: {:?} in {LENGTH:?}, none refused", world.driver, crowd.tally);
    Ok(())
}

/// All clients that run at the same time.
struct Crowd {
    client: Client,
    address: String,
    skus: Vec<String>,
    customers: Vec<String>,
    until: Instant,
    tally: Tally,
}

impl Crowd {
    /// Orders two to five products at a time. Some orders are for a region that is refused, so they are compensated.
    async fn buy(self: Arc<Self>) -> Result<()> {
        while Instant::now() < self.until {
            let (customer, lines) = (self.customer(), rand::rng().random_range(2..=5));
            let region = if rand::rng().random_bool(0.1) { "atlantis" } else { "seoul" };
            let skus = self.some(lines);
            let lines: Vec<Line> = skus.iter().map(|sku| Line { sku, pieces: 1, price: PRICE }).collect();
            self.send(Method::POST, "/orders", order(&customer, region, &lines)).await?;
            self.tally.orders.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Posts receipts, deposits and product changes in turn.
    async fn keep_shop(self: Arc<Self>) -> Result<()> {
        while Instant::now() < self.until {
            let of = |sku| json!({ "sku": sku, "quantity": 3 });
            let lines: Vec<Value> = self.some(5).into_iter().map(of).collect();
            let receipt = json!({ "receipt_id": Uuid::new_v4(), "lines": lines });
            self.send(Method::POST, "/stock/receipts", receipt).await?;
            self.tally.receipts.fetch_add(1, Ordering::Relaxed);
            let of = |customer| json!({ "deposit_id": Uuid::new_v4(), "customer_id": customer, "amount": 3 });
            let deposits: Vec<Value> = (0..5).map(|_| of(self.customer())).collect();
            self.send(Method::POST, "/wallets/deposits", json!(deposits)).await?;
            self.tally.deposits.fetch_add(1, Ordering::Relaxed);
            let of = |sku| json!({ "sku": sku, "name": "A thing", "price": PRICE });
            let products: Vec<Value> = self.some(5).into_iter().map(of).collect();
            self.send(Method::PUT, "/products", json!(products)).await?;
            self.tally.changes.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Waits for an order's decision, so that the number of orders in progress is bounded.
    async fn send(&self, method: Method, path: &str, body: Value) -> Result<()> {
        let request = self.client.request(method.clone(), format!("{}{path}", self.address)).json(&body);
        let key = Uuid::new_v4().to_string();
        let answer = request.header("idempotency-key", key).header("prefer", "wait=20").send().await?;
        let status = answer.status();
        if !status.is_success() {
            bail!("{method} {path}: {status}: {}", answer.text().await?);
        }
        Ok(())
    }

    /// Some products, in random order.
    fn some(&self, count: usize) -> Vec<String> {
        let mut skus = self.skus.clone();
        skus.shuffle(&mut rand::rng());
        skus.truncate(count);
        skus
    }

    fn customer(&self) -> String {
        self.customers.choose(&mut rand::rng()).expect("there are customers").clone()
    }
}

/// The number of deadlocks in all databases of the shop.
async fn deadlocks(world: &World) -> Result<i64> {
    let mut sum = 0;
    for (_, url) in world.databases.distinct() {
        let mut connection = AsyncPgConnection::establish(url).await?;
        let Deadlocks { deadlocks } = sql_query(super::DEADLOCKS).get_result(&mut connection).await?;
        sum += deadlocks;
    }
    Ok(sum)
}
