//! A customer who does not give up, and the requests that set up products and wallets.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use futures_util::{StreamExt, TryStreamExt, stream};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::words;

/// The price of everything, in minor units.
const PRICE: i64 = 10;
/// The time limit for a request. Longer than any lock time-out.
const TIMEOUT: Duration = Duration::from_secs(6);
/// How long a customer keeps sending the same order while the shop is down or busy with it.
const PATIENCE: Duration = Duration::from_secs(6);
/// The pause before an order is sent again, and between two looks at one.
const PAUSE: Duration = Duration::from_millis(50);

/// A client of a shop. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) struct Client {
    http: reqwest::Client,
    address: String,
}

impl Client {
    pub(super) fn new(address: &str) -> Result<Client> {
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        Ok(Client { http, address: address.to_owned() })
    }

    /// Creates a product with this many units in stock. Returns its SKU.
    pub(super) async fn product(&self, pieces: i64) -> Result<String> {
        let sku = format!("thing-{}", Uuid::new_v4().simple());
        let product = json!([{ "sku": sku, "name": "Thing", "price": PRICE }]);
        self.send(Method::PUT, "/products", product).await?;
        if pieces > 0 {
            self.receive(&sku, pieces).await?;
        }
        Ok(sku)
    }

    /// Adds units to the stock of a product.
    pub(super) async fn receive(&self, sku: &str, pieces: i64) -> Result<()> {
        let line = json!({ "sku": sku, "quantity": pieces });
        let receipt = json!({ "receipt_id": Uuid::new_v4(), "lines": [line] });
        self.send(Method::POST, "/stock/receipts", receipt).await
    }

    /// Creates a customer with so much money.
    pub(super) async fn customer(&self, amount: i64) -> Result<String> {
        let customer = format!("somebody-{}", Uuid::new_v4().simple());
        if amount > 0 {
            let deposit = json!({ "deposit_id": Uuid::new_v4(), "customer_id": customer, "amount": amount });
            self.send(Method::POST, "/wallets/deposits", json!([deposit])).await?;
        }
        Ok(customer)
    }

    /// Sends an order under one key until the shop has accepted it. Returns its id; `None` if the outcome is unknown
    /// because the shop stayed down or busy with it.
    pub(super) async fn buy(&self, order: &Value) -> Result<Option<Uuid>> {
        let key = Uuid::new_v4().to_string();
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            let request = self.http.post(format!("{}/orders", self.address)).header("idempotency-key", &key);
            match request.json(order).send().await {
                Ok(answer) if answer.status().is_success() => {
                    // A truncated response does not count.
                    if let Ok(order) = answer.json::<Value>().await {
                        let id = order["order_id"].as_str().context("the order has no id")?;
                        return Ok(Some(id.parse()?));
                    }
                }
                Ok(answer)
                    if answer.status().is_client_error() && answer.status() != StatusCode::CONFLICT =>
                {
                    bail!(words::shop_refused(answer.status(), answer.text().await?))
                }
                _ => {}
            }
            tokio::time::sleep(PAUSE).await;
        }
        Ok(None)
    }

    /// Sends many orders, `at_once` of them concurrently. Returns the ids of the accepted ones.
    pub(super) async fn buy_all(&self, orders: Vec<Value>, at_once: usize) -> Result<Vec<Uuid>> {
        let buying = orders.into_iter().map(async |order| self.buy(&order).await);
        let bought = stream::iter(buying).buffer_unordered(at_once);
        Ok(bought.try_collect::<Vec<_>>().await?.into_iter().flatten().collect())
    }

    /// Waits up to this time for an order to be decided. Returns whether it is.
    pub(super) async fn is_decided(&self, order: Uuid, bound: Duration) -> Result<bool> {
        let deadline = Instant::now() + bound;
        loop {
            let answer = self.http.get(format!("{}/orders/{order}", self.address)).send().await;
            if let Ok(answer) = answer
                && let Ok(order) = answer.json::<Value>().await
                && matches!(order["status"].as_str(), Some("confirmed" | "cancelled"))
            {
                return Ok(true);
            }
            if Instant::now() > deadline {
                return Ok(false);
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    async fn send(&self, method: Method, path: &str, body: Value) -> Result<()> {
        let request = self.http.request(method, format!("{}{path}", self.address)).json(&body);
        let answer = request.send().await.with_context(|| path.to_owned())?;
        let status = answer.status();
        if !status.is_success() {
            bail!(words::shop_answered(path, status, answer.text().await.unwrap_or_default()));
        }
        Ok(())
    }
}

/// An order of one unit of each of these products.
pub(super) fn order(customer: &str, skus: &[&str]) -> Value {
    let line = |sku: &&str| json!({ "sku": sku, "quantity": 1, "unit_price": PRICE });
    let lines: Vec<Value> = skus.iter().map(line).collect();
    json!({ "customer_id": customer, "region": "seoul", "lines": lines })
}
