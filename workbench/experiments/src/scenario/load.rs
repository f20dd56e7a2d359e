//! The customers of a scenario: open loop, with a clock per capability that does not depend on the shop.

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Result;
use contracts::OrderId;
use reqwest::{Client, Response, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::observe::{Request, RequestOutcome};
use load::client::hindrance;
use load::mix::{Mix, Order};
use load::open;
use shop::seed::{customer, sku};
use topology::Capability;

/// The time limit for a request. After that it counts as failed.
const PATIENCE: Duration = Duration::from_secs(2);
/// The interval at which a customer tries again.
const AGAIN: Duration = Duration::from_millis(500);
/// How long after the end of the load such a customer still tries.
const PERSISTENCE: Duration = Duration::from_secs(20);
/// A header of the gateway: the response is from older data.
const DEGRADED: &str = "cleave-degraded";
/// The number of products to look at, and of customers who pay.
const CROWD: u64 = 200;

/// Requests per second, by capability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Rates {
    /// Looks at products.
    pub browse: f64,
    /// Orders.
    pub order: f64,
    /// Deposits.
    pub pay: f64,
    /// Looks at orders.
    pub track: f64,
}

impl Default for Rates {
    fn default() -> Rates {
        Rates { browse: 40.0, order: 20.0, pay: 10.0, track: 20.0 }
    }
}

impl Rates {
    /// The rate of one capability.
    pub fn of(&self, capability: Capability) -> f64 {
        match capability {
            Capability::Browse => self.browse,
            Capability::Order => self.order,
            Capability::Pay => self.pay,
            Capability::Track => self.track,
        }
    }
}

/// A stretch of the load.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Part {
    /// Its start, from the start of the load.
    pub from: Duration,
    /// Its end.
    pub to: Duration,
    /// How much there is of what.
    pub rates: Rates,
    /// Products of a flash sale, which nearly all customers order then; none without a sale.
    pub on_sale: usize,
}

/// An order of the load, and the response to it.
#[derive(Debug, Clone)]
pub struct Tried {
    /// Its idempotency key.
    pub key: String,
    /// When it was to be sent, from the start of the load.
    pub intended: Duration,
    /// Its id, if the shop accepted it.
    pub order_id: Option<OrderId>,
}

/// The results of a load.
#[derive(Debug, Default)]
pub struct Experience {
    /// Every first try of everything.
    pub requests: Vec<Request>,
    /// Every order.
    pub orders: Vec<Tried>,
    /// Why requests could not be sent, and how many.
    pub hindered: BTreeMap<String, u64>,
}

/// Customers of one shop.
#[derive(Clone)]
pub struct Customers {
    client: Client,
    address: String,
    mix: Arc<Mix>,
    started: Instant,
    /// Accepted orders, for tracking.
    accepted: Arc<Mutex<Vec<OrderId>>>,
    hindered: Arc<Mutex<BTreeMap<String, u64>>>,
    seed: u64,
}

#[derive(Deserialize)]
struct Placed {
    order_id: OrderId,
}

impl Customers {
    /// Customers whose clock starts now.
    pub fn new(address: &str, seed: u64) -> Result<Customers> {
        // Connections are reused for the next request, because opening them should not be measured.
        let client = Client::builder().no_proxy().timeout(PATIENCE).tcp_nodelay(true).build()?;
        Ok(Customers {
            client,
            address: address.to_owned(),
            mix: Arc::new(Mix::new(seed)),
            started: Instant::now(),
            accepted: Arc::default(),
            hindered: Arc::default(),
            seed,
        })
    }

    /// When the clock started.
    pub fn started(&self) -> Instant {
        self.started
    }

    /// Sends all of it, and waits until the last has an answer or has given up.
    ///
    /// Requests that could not be sent are only counted, because they say nothing about the shop.
    pub async fn run(self, parts: &[Part]) -> Experience {
        let mut due = self.moments(parts);
        due.sort_by_key(|(moment, ..)| *moment);
        let end = parts.last().map_or(Duration::ZERO, |part| part.to);
        let mut under_way = JoinSet::new();
        for (n, (moment, capability, on_sale)) in due.into_iter().enumerate() {
            tokio::time::sleep_until((self.started + moment).into()).await;
            let customers = self.clone();
            under_way.spawn(async move { customers.serve(n as u64, capability, moment, on_sale, end).await });
        }
        let mut experience = Experience::default();
        while let Some(done) = under_way.join_next().await {
            // A cancelled task belongs to a load that was aborted.
            let Ok((request, order)) = done else { continue };
            experience
                .requests
                .extend(Some(request).filter(|request| request.outcome != RequestOutcome::Hindered));
            experience.orders.extend(order);
        }
        experience.hindered = std::mem::take(&mut *self.hindered.lock());
        experience
    }

    fn moments(&self, parts: &[Part]) -> Vec<(Duration, Capability, usize)> {
        let mut due = Vec::new();
        for part in parts {
            for (n, capability) in Capability::ALL.into_iter().enumerate() {
                let seed = self.seed.wrapping_add(n as u64 + 1);
                let moments = open::schedule(seed, part.rates.of(capability), part.from..part.to);
                due.extend(moments.into_iter().map(|moment| (moment, capability, part.on_sale)));
            }
        }
        due
    }

    async fn serve(
        self,
        n: u64,
        capability: Capability,
        intended: Duration,
        on_sale: usize,
        end: Duration,
    ) -> (Request, Option<Tried>) {
        let (outcome, order) = match capability {
            Capability::Browse => (self.browse(n).await, None),
            Capability::Pay => (self.pay(n).await, None),
            Capability::Track => (self.track(n).await, None),
            Capability::Order => {
                let order = self.mix.order_in_sale(n, on_sale);
                let first = self.place(&order).await;
                let outcome = first.err().unwrap_or(RequestOutcome::Served);
                let request = Request { capability, intended, ended: self.started.elapsed(), outcome };
                let order_id = match first {
                    Ok(order_id) => Some(order_id),
                    Err(_) => self.insist(&order, end + PERSISTENCE).await,
                };
                return (request, Some(Tried { key: order.key, intended, order_id }));
            }
        };
        (Request { capability, intended, ended: self.started.elapsed(), outcome }, order)
    }

    async fn browse(&self, n: u64) -> RequestOutcome {
        let product = sku((n % CROWD) as usize);
        let answer = self.client.get(format!("{}/products/{product}", self.address)).send().await;
        match answer {
            Ok(answer) if answer.status() == StatusCode::OK => {
                if answer.headers().contains_key(DEGRADED) {
                    RequestOutcome::Degraded
                } else {
                    RequestOutcome::Served
                }
            }
            answer => self.failed(answer),
        }
    }

    /// Why a request was not served.
    fn failed(&self, answer: reqwest::Result<Response>) -> RequestOutcome {
        match answer.as_ref().err().and_then(|error| hindrance(error)) {
            Some(reason) => {
                *self.hindered.lock().entry(reason.to_owned()).or_default() += 1;
                RequestOutcome::Hindered
            }
            None => RequestOutcome::Failed,
        }
    }

    fn served(&self, answer: reqwest::Result<Response>) -> RequestOutcome {
        match answer {
            Ok(answer) if answer.status().is_success() => RequestOutcome::Served,
            answer => self.failed(answer),
        }
    }

    async fn pay(&self, n: u64) -> RequestOutcome {
        let id = Uuid::from_u64_pair(self.seed, n);
        let body =
            json!([{ "deposit_id": id, "customer_id": customer((n % CROWD) as usize), "amount": 100 }]);
        let url = format!("{}/wallets/deposits", self.address);
        self.served(self.client.post(url).json(&body).send().await)
    }

    /// Without an order so far, customers look at the list of products instead.
    async fn track(&self, n: u64) -> RequestOutcome {
        let known = {
            let accepted = self.accepted.lock();
            let last = accepted.len().min(50);
            (last > 0).then(|| accepted[accepted.len() - 1 - (n as usize % last)])
        };
        let url = match known {
            Some(order_id) => format!("{}/orders/{order_id}", self.address),
            None => format!("{}/products?limit=1", self.address),
        };
        self.served(self.client.get(url).send().await)
    }

    async fn place(&self, order: &Order) -> Result<OrderId, RequestOutcome> {
        let sent = self.client.post(format!("{}/orders", self.address));
        let answer = sent.header("idempotency-key", &order.key).json(&order.body).send().await;
        let answer = answer.map_err(|error| self.failed(Err(error)))?;
        if !matches!(answer.status(), StatusCode::OK | StatusCode::CREATED | StatusCode::ACCEPTED) {
            return Err(RequestOutcome::Failed);
        }
        let Placed { order_id } = answer.json().await.map_err(|_| RequestOutcome::Failed)?;
        self.accepted.lock().push(order_id);
        Ok(order_id)
    }

    /// A customer without a response sends the same order again with the same key: rule 23 (time-outs).
    async fn insist(&self, order: &Order, until: Duration) -> Option<OrderId> {
        while self.started.elapsed() < until {
            tokio::time::sleep(AGAIN).await;
            if let Ok(order_id) = self.place(order).await {
                return Some(order_id);
            }
        }
        None
    }
}
