//! Open loop: orders are sent at scheduled times, as independent customers send them.
//!
//! A slow shop gets the next order on time all the same, and latency is counted from the moment when the order
//! *should* have been sent. A generator that waits for responses would send less when the shop is slow, and would not
//! measure the worst moments (coordinated omission).

use std::ops::Range;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

use super::client::{Answer, Sample, Sender};
use super::mix::Mix;

/// Schedules a part of the load: send times as independent as those of customers who do not know each other, and
/// exactly as many as the rate requires. (A Poisson process with a given number of arrivals. If the number were
/// random, two loads of the same rate could differ in weight.) The same seed gives the same times.
pub fn schedule(seed: u64, rate_per_s: f64, part: Range<Duration>) -> Vec<Duration> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(!seed ^ part.start.as_nanos() as u64);
    let orders = (rate_per_s * (part.end - part.start).as_secs_f64()).round() as usize;
    let mut moments: Vec<Duration> = (0..orders).map(|_| random.random_range(part.clone())).collect();
    moments.sort();
    moments
}

/// The maximum number of orders in flight. Each has its own connection. With more, the run would measure the
/// generator instead of the shop.
const IN_FLIGHT: usize = 4_000;

/// Sends each order at its moment in its own task, and waits for the last result. An order that would exceed the
/// maximum in flight is recorded as not sent.
pub async fn run(sender: &Sender, mix: Mix, moments: Vec<Duration>) -> Vec<Sample> {
    let (samples, mut collected) = mpsc::unbounded_channel();
    let permits = Arc::new(Semaphore::new(IN_FLIGHT));
    let clock =
        Clock { runtime: Handle::current(), sender: sender.clone(), mix: Arc::new(mix), permits, samples };
    // A separate thread: the runtime's timers have a resolution of one millisecond and wait behind its other work.
    thread::spawn(move || clock.run(&moments));
    let mut all = Vec::new();
    // Ends when the thread and all tasks have dropped their senders.
    while let Some(sample) = collected.recv().await {
        all.push(sample);
    }
    all
}

struct Clock {
    runtime: Handle,
    sender: Sender,
    mix: Arc<Mix>,
    permits: Arc<Semaphore>,
    samples: mpsc::UnboundedSender<Sample>,
}

impl Clock {
    fn run(self, moments: &[Duration]) {
        for (n, intended) in moments.iter().copied().enumerate() {
            let wait = intended.saturating_sub(self.sender.started().elapsed());
            if !wait.is_zero() {
                thread::sleep(wait);
            }
            // The load was abandoned, for example by Ctrl-C.
            if self.samples.is_closed() {
                return;
            }
            match self.permits.clone().try_acquire_owned() {
                Ok(permit) => self.send(n as u64, intended, permit),
                Err(_) => self.skip(n as u64, intended),
            }
        }
    }

    fn send(&self, n: u64, intended: Duration, permit: OwnedSemaphorePermit) {
        let (sender, mix, samples) = (self.sender.clone(), self.mix.clone(), self.samples.clone());
        self.runtime.spawn(async move {
            let sample = sender.send(&mix.order(n), intended).await;
            // Fails only if the load was abandoned.
            let _ = samples.send(sample);
            drop(permit);
        });
    }

    fn skip(&self, n: u64, intended: Duration) {
        let now = self.sender.started().elapsed();
        let key = self.mix.order(n).key;
        let sample = Sample { key, intended, sent: now, answered: now, answer: Answer::NotSent };
        let _ = self.samples.send(sample);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_is_repeatable_and_keeps_its_rate() {
        let part = Duration::from_secs(3)..Duration::from_secs(103);
        let moments = schedule(5, 200.0, part.clone());
        assert_eq!(moments, schedule(5, 200.0, part.clone()));
        assert!(moments.is_sorted() && moments.iter().all(|moment| part.contains(moment)));
        assert_eq!(moments.len(), 20_000);
        // Gaps between independent arrivals have a standard deviation equal to their mean.
        let gaps: Vec<f64> = moments.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64()).collect();
        let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
        let variance = gaps.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / gaps.len() as f64;
        assert!((0.9..1.1).contains(&(variance.sqrt() / mean)));
    }
}
