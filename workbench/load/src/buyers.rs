//! Buyers who keep ordering while faults are injected. The load has no fixed length. Half of its orders are
//! confirmed, and the other half covers all refusals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use tokio::task::JoinSet;
use uuid::Uuid;

use super::client::{Answer, Sender};
use super::mix::{Intended, Mix, Order};

/// The order of the intended outcomes: every second order is confirmed, and the others take turns with the refusals.
const TURNS: [Intended; 8] = [
    Intended::Confirmed,
    Intended::RegionNotServed,
    Intended::Confirmed,
    Intended::InsufficientFunds,
    Intended::Confirmed,
    Intended::OutOfStock,
    Intended::Confirmed,
    Intended::PriceChanged,
];

/// Running buyers. Dropping this stops them.
#[derive(Debug)]
pub struct Buyers {
    shared: Arc<Shared>,
    running: JoinSet<Vec<Uuid>>,
}

/// The orders that the buyers placed.
#[derive(Debug)]
pub struct Bought {
    /// Orders that were sent, with any outcome.
    pub sent: u64,
    /// The orders that the shop accepted.
    pub accepted: Vec<Uuid>,
}

#[derive(Debug)]
struct Shared {
    mix: Mix,
    /// Index of the first order: earlier buyers with the same seed used those before it.
    first: u64,
    sent: AtomicU64,
    accepted: AtomicU64,
    stop: AtomicBool,
}

impl Buyers {
    /// Starts this number of buyers, with the orders of a seed from `first` on.
    pub fn start(address: &str, seed: u64, first: u64, buyers: usize) -> Result<Buyers> {
        let sender = Sender::new(address, true)?;
        let shared = Arc::new(Shared {
            mix: Mix::new(seed),
            first,
            sent: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let mut running = JoinSet::new();
        for _ in 0..buyers {
            running.spawn(buy(sender.clone(), shared.clone()));
        }
        Ok(Buyers { shared, running })
    }

    /// Waits until this many more orders are accepted, for at most `bound`. Returns whether they were.
    pub async fn proceed(&self, orders: u64, bound: Duration) -> bool {
        let accepted = || self.shared.accepted.load(Ordering::Relaxed);
        let (goal, deadline) = (accepted() + orders, Instant::now() + bound);
        while accepted() < goal {
            if Instant::now() > deadline {
                return false;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        true
    }

    /// Waits until each buyer has finished its current order, and stops.
    pub async fn finish(mut self) -> Result<Bought> {
        self.shared.stop.store(true, Ordering::Relaxed);
        let mut accepted = Vec::new();
        while let Some(bought) = self.running.join_next().await {
            accepted.extend(bought?);
        }
        Ok(Bought { sent: self.shared.sent.load(Ordering::Relaxed), accepted })
    }
}

async fn buy(sender: Sender, shared: Arc<Shared>) -> Vec<Uuid> {
    let mut accepted = Vec::new();
    while !shared.stop.load(Ordering::Relaxed) {
        let order = shared.order(shared.sent.fetch_add(1, Ordering::Relaxed));
        let sample = sender.send(&order, sender.started().elapsed()).await;
        if let Answer::Accepted(order_id, _) = sample.answer {
            shared.accepted.fetch_add(1, Ordering::Relaxed);
            accepted.push(order_id.0);
        }
    }
    accepted
}

impl Shared {
    /// The n-th order: the goods of an order of the mix with the outcome whose turn it is. It gets its own key,
    /// because the mix has far fewer orders with some outcomes than are needed.
    fn order(&self, n: u64) -> Order {
        let n = self.first + n;
        let wanted = TURNS[(n % TURNS.len() as u64) as usize];
        let fitting = (n * 64..).map(|k| self.mix.order(k)).find(|order| order.intended == wanted);
        let order = fitting.expect("every outcome occurs in the mix");
        Order { key: format!("{}-{n}", order.key), ..order }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_outcome_has_its_turn_and_no_key_comes_twice() {
        let shared = Shared {
            mix: Mix::new(1),
            first: 100,
            sent: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        };
        let orders: Vec<Order> = (0..64).map(|n| shared.order(n)).collect();
        let confirmed = orders.iter().filter(|order| order.intended == Intended::Confirmed).count();
        assert_eq!(confirmed, 32);
        let keys: std::collections::BTreeSet<&String> = orders.iter().map(|order| &order.key).collect();
        assert_eq!(keys.len(), 64);
    }
}
