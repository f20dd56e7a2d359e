//! Customers that keep buying while something is broken.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures_util::future::try_join_all;
use serde_json::Value;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::order::{Goods, Line, order};
use crate::world::{BOUND, World};

/// Between two orders of one client. Orders pile up while a broker is down, and the shop has to catch up
/// afterwards.
const THINKING: Duration = Duration::from_millis(50);

/// What the customers buy: mostly orders that succeed, and one kind for each refusal.
#[derive(Debug, Clone)]
pub struct Mix {
    good: Vec<String>,
    sold_out: String,
    rich: Vec<String>,
    poor: String,
}

impl Mix {
    /// The outcomes that this mix leads to.
    pub const OUTCOMES: [&str; 5] =
        ["confirmed", "price_changed", "out_of_stock", "insufficient_funds", "region_not_served"];

    const PRICE: i64 = 10;

    /// Puts goods and money into the shop.
    pub async fn prepare(world: &World) -> Result<Self> {
        let good = try_join_all((0..5).map(|_| world.product(Goods { price: Self::PRICE, pieces: 100_000 })))
            .await?;
        let rich = try_join_all((0..20).map(|_| world.customer(1_000_000_000))).await?;
        Ok(Self {
            good,
            sold_out: world.product(Goods { price: Self::PRICE, pieces: 0 }).await?,
            rich,
            poor: world.customer(0).await?,
        })
    }

    fn order(&self, n: u64) -> Value {
        let pick = |of: &[String]| n as usize % of.len();
        let (mut customer, mut region) = (&self.rich[pick(&self.rich)], "seoul");
        let sku = &self.good[pick(&self.good)];
        let mut line = Line { sku, pieces: 1 + (n % 3) as i64, price: Self::PRICE };
        match n % 10 {
            1 => line.price += 1,
            2 => line.sku = &self.sold_out,
            3 => customer = &self.poor,
            4 => region = "atlantis",
            _ => {}
        }
        order(customer, region, &[line])
    }
}

/// A running load.
#[derive(Debug)]
pub struct Load {
    stop: Arc<AtomicBool>,
    accepted: Arc<AtomicU64>,
    clients: Vec<JoinHandle<Result<Vec<Uuid>>>>,
}

impl Load {
    /// Starts this many clients. Each sends its next order after the last one was accepted.
    pub fn start(world: &Arc<World>, mix: &Mix, clients: u64) -> Self {
        let (stop, accepted) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let clients = (0..clients)
            .map(|client| {
                let (world, mix, stop, accepted) =
                    (world.clone(), mix.clone(), stop.clone(), accepted.clone());
                tokio::spawn(async move {
                    let mut ids = Vec::new();
                    while !stop.load(Ordering::Relaxed) {
                        ids.push(insist(&world, &mix.order(client + 7 * ids.len() as u64)).await?);
                        accepted.fetch_add(1, Ordering::Relaxed);
                        tokio::time::sleep(THINKING).await;
                    }
                    Ok(ids)
                })
            })
            .collect();
        Self { stop, accepted, clients }
    }

    /// Waits until this many more orders have been accepted.
    pub async fn proceed(&self, orders: u64) -> Result<()> {
        let goal = self.accepted.load(Ordering::Relaxed) + orders;
        crate::eventually(&format!("{orders} more orders are accepted"), async || {
            // A client that has failed will accept no more orders; its error is reported by `finish`.
            let failed = self.clients.iter().any(JoinHandle::is_finished);
            Ok((failed || self.accepted.load(Ordering::Relaxed) >= goal).then_some(()))
        })
        .await
    }

    /// Stops, and returns the ids of all accepted orders.
    pub async fn finish(self) -> Result<Vec<Uuid>> {
        self.stop.store(true, Ordering::Relaxed);
        let mut ids = Vec::new();
        for client in self.clients {
            ids.extend(client.await??);
        }
        Ok(ids)
    }
}

/// Sends an order with one key until it is accepted. A lost response means *unknown*, not *failed*; see rule
/// 23 (unknown outcome).
async fn insist(world: &World, order: &Value) -> Result<Uuid> {
    let key = Uuid::new_v4().to_string();
    let deadline = Instant::now() + BOUND;
    loop {
        let answer = world.order(&key, order).await;
        match &answer {
            Ok(answer) if [200, 201, 202].contains(&answer.status) => {
                return Ok(answer.json["order_id"].as_str().unwrap_or_default().parse()?);
            }
            Ok(answer) if ![409, 503, 504].contains(&answer.status) => {
                bail!("{}: {}", answer.status, answer.text)
            }
            _ if Instant::now() > deadline => {
                bail!("no order was accepted for {BOUND:?}; the last response: {answer:?}")
            }
            _ => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}
