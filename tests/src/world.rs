//! A running shop that cases share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use audit::{Expected, Subject, Verdict, audit};
use diesel_async::{AsyncConnection, AsyncPgConnection};
use serde_json::{Value, json};
use shop::Shop;
use tokio::sync::{Mutex, MutexGuard};
use topology::{Databases, Driver, ShopHandle};
use uuid::Uuid;

use crate::client::{Answer, Body};
use crate::description::Description;
use crate::order::{Goods, Line, order};

/// The limit for every wait: far longer than anything takes on a busy machine.
pub const BOUND: Duration = Duration::from_secs(60);

/// How often every message of a split shop is published. So all cases test rule 12 (inbox).
pub const DELIVERIES: u8 = 2;

/// A shop, with what the cases do to it.
#[derive(Debug)]
pub struct World {
    /// How it stays consistent.
    pub driver: Driver,
    /// Where clients send their requests.
    pub address: String,
    /// Its databases.
    pub databases: Databases,
    /// The prefix of its queues; empty in the monolith.
    pub namespace: String,
    /// The URL of its broker; empty in the monolith.
    pub amqp_url: String,
    /// Every response is checked against this.
    pub description: Description,
    handle: ShopHandle,
    client: reqwest::Client,
    poison: AtomicU64,
    shop: Mutex<Shop>,
}

impl World {
    /// Takes a shop that is ready.
    pub async fn new(shop: Shop) -> Result<Self> {
        shop.be_patient().await?;
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(40)).build()?;
        let document = client.get(format!("{}/openapi.json", shop.address)).send().await?.json().await?;
        Ok(Self {
            driver: shop.driver,
            address: shop.address.clone(),
            databases: shop.databases.clone(),
            namespace: shop.namespace.clone().unwrap_or_default(),
            amqp_url: shop.amqp_url().unwrap_or_default().to_owned(),
            description: Description::new(document),
            // Asking the broker takes seconds. The case about the broker does it by itself.
            handle: ShopHandle { broker: None, ..shop.handle() },
            client,
            poison: AtomicU64::new(0),
            shop: Mutex::new(shop),
        })
    }

    /// The processes, to crash them.
    pub async fn shop(&self) -> MutexGuard<'_, Shop> {
        self.shop.lock().await
    }

    /// Gives up the shop, so that it can be stopped.
    pub fn into_shop(self) -> Shop {
        self.shop.into_inner()
    }

    /// Tells the audit to expect this many more dead letters. A dead letter is a message too, so it is
    /// delivered as often as any other.
    pub fn put_poison(&self, messages: u64) {
        self.poison.fetch_add(messages * u64::from(DELIVERIES), Ordering::Relaxed);
    }

    /// Sends a request, and checks the response against the API description.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Result<Answer> {
        let answer = self.send_unchecked(method, path, headers, body).await?;
        let plain = path.split('?').next().unwrap_or_default();
        let json = if answer.json.is_null() && !answer.text.is_empty() {
            json!(answer.text)
        } else {
            answer.json.clone()
        };
        self.description.check(&method.to_lowercase(), plain, answer.status, answer.media_type(), &json)?;
        Ok(answer)
    }

    async fn send_unchecked(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Result<Answer> {
        let url = format!("{}{path}", self.address);
        let mut request = self.client.request(method.parse()?, url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request = match body {
            Body::None => request,
            Body::Json(json) => request.json(&json),
            Body::Raw(bytes, None) => request.body(bytes),
            Body::Raw(bytes, Some(media_type)) => request.header("content-type", media_type).body(bytes),
        };
        let response = request.send().await.with_context(|| format!("{method} {path} got no response"))?;
        Answer::read(response).await
    }

    /// `GET`.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        self.send("GET", path, &[], Body::None).await
    }

    /// `POST /orders` with this key, without `Prefer: wait`.
    pub async fn order(&self, key: &str, order: &Value) -> Result<Answer> {
        self.send("POST", "/orders", &[("idempotency-key", key)], Body::Json(order.clone())).await
    }

    /// Places an order with a new key and waits for its decision, as a client of either mode would.
    pub async fn decided(&self, order: &Value) -> Result<Value> {
        let placed = self.order(&Uuid::new_v4().to_string(), order).await?;
        ensure!(
            [201, 202].contains(&placed.status),
            "{} instead of 201 or 202: {}",
            placed.status,
            placed.text
        );
        self.decision(placed.header("location")).await
    }

    /// Polls the order at this path until it is decided.
    pub async fn decision(&self, location: &str) -> Result<Value> {
        let decided = eventually(&format!("{location} is decided"), async || {
            let order = self.get(location).await?.expect(200)?.json;
            Ok((order["status"] != "pending").then_some(order))
        })
        .await?;
        if self.driver == Driver::Choreographed && decided["status"] == "cancelled" {
            self.undone(decided["order_id"].as_str().unwrap_or_default().parse()?).await?;
        }
        Ok(decided)
    }

    /// In a choreography all services receive a refusal at once, so an order may be cancelled before
    /// everything is given back. A test that looks at the remainders has to wait, and only the databases say
    /// how long.
    async fn undone(&self, order: Uuid) -> Result<()> {
        let holds = [
            (&self.databases.catalog, "catalog.claims WHERE released_at"),
            (&self.databases.inventory, "inventory.reservations WHERE released_at"),
            (&self.databases.payments, "payments.payments WHERE refunded_at"),
        ];
        for (database, rows) in holds {
            let mut connection = AsyncPgConnection::establish(database).await?;
            let held = format!("SELECT 1 FROM {rows} IS NULL AND order_id = '{order}'");
            eventually(&format!("no row is left in {rows} for {order}"), async || {
                let rows =
                    diesel_async::RunQueryDsl::execute(diesel::sql_query(&held), &mut connection).await?;
                Ok((rows == 0).then_some(()))
            })
            .await?;
        }
        Ok(())
    }

    /// Places an order and expects it to be confirmed.
    pub async fn confirmed(&self, order: &Value) -> Result<Value> {
        let decided = self.decided(order).await?;
        ensure!(decided["status"] == "confirmed", "not confirmed: {decided}");
        Ok(decided)
    }

    /// Places an order and expects it to be refused with this code.
    pub async fn refused(&self, order: &Value, code: &str) -> Result<Value> {
        let decided = self.decided(order).await?;
        let found = (&decided["status"], &decided["refusal"]["code"]);
        ensure!(found == (&json!("cancelled"), &json!(code)), "not refused with {code}: {decided}");
        Ok(decided)
    }

    /// Creates a product for one case and returns its sku.
    pub async fn product(&self, Goods { price, pieces }: Goods) -> Result<String> {
        let sku = format!("sku-{}", Uuid::new_v4().simple());
        self.put(json!([{ "sku": sku, "name": "A thing", "price": price }])).await?;
        if pieces > 0 {
            self.receive(Uuid::new_v4(), &sku, pieces).await?;
        }
        Ok(sku)
    }

    /// `PUT /products`.
    pub async fn put(&self, products: Value) -> Result<()> {
        self.send("PUT", "/products", &[], Body::Json(products)).await?.expect(204)?;
        Ok(())
    }

    /// `POST /stock/receipts`.
    pub async fn receive(&self, receipt: Uuid, sku: &str, pieces: i64) -> Result<()> {
        let receipt = json!({ "receipt_id": receipt, "lines": [{ "sku": sku, "quantity": pieces }] });
        self.send("POST", "/stock/receipts", &[], Body::Json(receipt)).await?.expect(204)?;
        Ok(())
    }

    /// Creates a customer for one case, with this much in the wallet.
    pub async fn customer(&self, balance: i64) -> Result<String> {
        let customer = format!("customer-{}", Uuid::new_v4().simple());
        self.deposit(Uuid::new_v4(), &customer, balance).await?;
        Ok(customer)
    }

    /// `POST /wallets/deposits`.
    pub async fn deposit(&self, deposit: Uuid, customer: &str, amount: i64) -> Result<()> {
        let deposits = json!([{ "deposit_id": deposit, "customer_id": customer, "amount": amount }]);
        self.send("POST", "/wallets/deposits", &[], Body::Json(deposits)).await?.expect(204)?;
        Ok(())
    }

    /// The units on hand.
    pub async fn on_hand(&self, sku: &str) -> Result<i64> {
        let level = self.get(&format!("/stock/{sku}")).await?.expect(200)?.json;
        level["on_hand"].as_i64().context("a stock level has on_hand")
    }

    /// The balance of the wallet.
    pub async fn balance(&self, customer: &str) -> Result<i64> {
        let wallet = self.get(&format!("/wallets/{customer}")).await?.expect(200)?.json;
        wallet["balance"].as_i64().context("a wallet has a balance")
    }

    /// Checks that the shop still works: a plain order is confirmed.
    pub async fn still_works(&self) -> Result<()> {
        let (sku, customer) = (self.product(Goods { price: 5, pieces: 1 }).await?, self.customer(5).await?);
        let order = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 5 }]);
        self.confirmed(&order).await.context("the shop no longer works")?;
        Ok(())
    }

    /// What to audit while the shop runs.
    pub fn subject(&self) -> Subject {
        let poison = self.poison.load(Ordering::Relaxed);
        Subject::of(self.handle.clone()).expecting(Expected { poison, ..Expected::default() })
    }

    /// Waits until no order or message is under way.
    pub async fn drain(&self) -> Result<()> {
        self.shop.lock().await.drain(BOUND).await
    }

    /// Drains the shop and audits it. Fails on any invariant that is violated or lacks evidence. I9, which is
    /// about a load, counts only if a load is described.
    pub async fn audit(&self, expected: Expected) -> Result<()> {
        self.drain().await?;
        let with_load = expected.min_per_outcome > 0;
        let mut subject = self.subject();
        subject.expected = Expected { poison: subject.expected.poison, ..expected };
        let findings = audit(&subject).await?;
        let wrong: Vec<String> = findings
            .iter()
            .filter(|finding| with_load || finding.invariant != "I9")
            .filter(|finding| finding.verdict != Verdict::Held)
            .map(|finding| format!("{} {:?}: {}", finding.invariant, finding.verdict, finding.evidence))
            .collect();
        ensure!(wrong.is_empty(), "the audit of {} found:\n{}", self.driver, wrong.join("\n"));
        Ok(())
    }
}

/// Retries until `attempt` returns something, for at most [`BOUND`].
pub async fn eventually<T>(what: &str, mut attempt: impl AsyncFnMut() -> Result<Option<T>>) -> Result<T> {
    let deadline = Instant::now() + BOUND;
    loop {
        if let Some(found) = attempt().await? {
            return Ok(found);
        }
        if Instant::now() > deadline {
            bail!("after {BOUND:?} this is still not true: {what}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
