//! Closed loop: each client sends its next order when its last one is decided. This measures the maximum throughput
//! of a shop. Its latencies do not describe a shop under a given load, because the shop itself sets the pace.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use super::client::{Sample, Sender};
use super::mix::Mix;

/// Runs this number of clients for `length`, each sending one order after the other, and waits for their last
/// results.
pub async fn run(sender: &Sender, mix: Mix, clients: usize, length: Duration) -> Result<Vec<Sample>> {
    let mix = Arc::new(mix);
    let next = Arc::new(AtomicU64::new(0));
    let mut running = JoinSet::new();
    for _ in 0..clients {
        let (sender, mix, next) = (sender.clone(), mix.clone(), next.clone());
        running.spawn(async move {
            let mut samples = Vec::new();
            loop {
                let now = sender.started().elapsed();
                if now >= length {
                    return samples;
                }
                let order = mix.order(next.fetch_add(1, Ordering::Relaxed));
                samples.push(sender.send(&order, now).await);
            }
        });
    }
    let mut all = Vec::new();
    while let Some(samples) = running.join_next().await {
        all.extend(samples?);
    }
    Ok(all)
}
