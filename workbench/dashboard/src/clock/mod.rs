//! The load of the dashboard and of `cleave up --rate`: one open-loop clock that sends the same orders at the same
//! intended moments to every shop.
//!
//! It is a separate process, so that its processor time is not counted as the dashboard's or the supervisor's. It reads
//! what to send as lines of JSON on standard input ([`Plan`]), and writes the results once per second as lines of JSON
//! on standard output ([`Tick`]). It ends when its input ends.

use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use uuid::Uuid;

use topology::Driver;

use load::client::{Answer, Decision, Sender};
use load::mix::{Intended, Mix, Order, Shares};
use load::open;

/// The hidden command that runs it.
pub const COMMAND: &str = "load-clock";
/// The time limit for a response. After that the request counts as failed.
const PATIENCE: Duration = Duration::from_secs(2);
/// The delay before a customer without a response tries again, always with the same key: rule 23 (time-outs). The delay
/// doubles each time, and the number of tries is limited. Otherwise the retries would soon be a load of their own and
/// keep a slow shop down (*retry storm*).
const AGAIN: Duration = Duration::from_millis(500);
const TRIES: u32 = 6;
/// The most orders in flight at one shop. With more, the generator itself would be measured.
const IN_FLIGHT: usize = 2_000;
/// The length of schedule that is planned at a time, and the interval of the reports.
const TICK: Duration = Duration::from_secs(1);

/// The load to send from now on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Orders per second, to each shop.
    pub rate_per_s: f64,
    /// Outcomes and their shares in per mille. They add up to 1,000.
    pub per_mille: BTreeMap<String, u32>,
    /// Products of a flash sale; 0 if there is none.
    pub on_sale: usize,
    /// The shops and their addresses.
    pub shops: Vec<(Driver, String)>,
}

/// What happened since the last report.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tick {
    /// The 99th percentile of the generator's delay, in milliseconds.
    pub late_p99_ms: Option<f64>,
    /// One entry per shop.
    pub shops: Vec<ShopTick>,
}

/// One shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShopTick {
    /// The shop.
    pub driver: Driver,
    /// Orders sent.
    pub sent: u64,
    /// First tries that failed, by reason.
    pub errors: BTreeMap<String, u64>,
    /// Orders without a response so far.
    pub in_flight: u64,
    /// Orders that the shop accepted.
    pub taken: Vec<Taken>,
}

/// An order that the shop accepted.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Taken {
    /// Its id.
    pub order_id: Uuid,
    /// The intended moment of sending.
    pub intended: DateTime<Utc>,
    /// The time from then until the response.
    pub answered_ms: f64,
    /// The outcome, if the response contains it: `confirmed` or the code of a refusal.
    pub decided: Option<String>,
}

/// Runs until the input ends.
#[tokio::main]
pub async fn run(seed: u64) -> Result<()> {
    let runtime = Handle::current();
    tokio::task::spawn_blocking(move || follow(&runtime, seed)).await?
}

fn follow(runtime: &Handle, seed: u64) -> Result<()> {
    load::allow_many_connections()?;
    let (plans, changes) = mpsc::channel();
    thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if let Ok(plan) = serde_json::from_str(&line)
                && plans.send(plan).is_err()
            {
                return;
            }
        }
    });
    let mut clock = Clock::new(runtime, seed);
    let (mut plan, mut from) = (None, Duration::ZERO);
    loop {
        // The latest plan counts. The load ends with the input.
        loop {
            match changes.try_recv() {
                Ok(changed) => {
                    clock.follow(&changed)?;
                    plan = Some(changed);
                }
                Err(mpsc::TryRecvError::Empty) => break,
                Err(mpsc::TryRecvError::Disconnected) => return Ok(()),
            }
        }
        let rate = plan.as_ref().map_or(0.0, |plan: &Plan| plan.rate_per_s);
        clock.second(from, rate);
        from = clock.next_second(from);
        let mut out = std::io::stdout().lock();
        let told = serde_json::to_string(&clock.tell())?;
        // The dashboard has closed the pipe.
        if writeln!(out, "{told}").and_then(|()| out.flush()).is_err() {
            return Ok(());
        }
    }
}

struct Clock {
    runtime: Handle,
    seed: u64,
    started: Instant,
    started_at: DateTime<Utc>,
    next: u64,
    mix: Mix,
    on_sale: usize,
    shops: Vec<Arc<Target>>,
    late_ms: Vec<f64>,
}

/// A shop that receives orders.
struct Target {
    driver: Driver,
    address: String,
    sender: Sender,
    permits: Arc<Semaphore>,
    happened: Mutex<Happened>,
}

#[derive(Default)]
struct Happened {
    sent: u64,
    errors: BTreeMap<String, u64>,
    taken: Vec<Taken>,
}

impl Clock {
    fn new(runtime: &Handle, seed: u64) -> Clock {
        Clock {
            runtime: runtime.clone(),
            seed,
            started: Instant::now(),
            started_at: Utc::now(),
            // Two sessions on one shop must not use the same keys, or the second would get the orders of the first.
            next: Utc::now().timestamp_millis().unsigned_abs(),
            mix: Mix::new(seed),
            on_sale: 0,
            shops: Vec::new(),
            late_ms: Vec::new(),
        }
    }

    /// The start of the next second. A machine that slept does not send everything it missed.
    fn next_second(&self, from: Duration) -> Duration {
        (from + TICK).max(Duration::from_secs(self.started.elapsed().as_secs()))
    }

    fn follow(&mut self, plan: &Plan) -> Result<()> {
        let shares = shares(&plan.per_mille);
        self.mix = Mix::new(self.seed).with_shares(shares.context("the shares do not add up to 1,000")?);
        self.on_sale = plan.on_sale;
        let known = std::mem::take(&mut self.shops);
        for (driver, address) in &plan.shops {
            let same = known.iter().find(|shop| shop.driver == *driver && shop.address == *address);
            let target = match same {
                Some(target) => target.clone(),
                None => Arc::new(Target::new(*driver, address)?),
            };
            self.shops.push(target);
        }
        Ok(())
    }

    /// Sends the orders of one second, each at its moment, and waits until the second is over.
    fn second(&mut self, from: Duration, rate: f64) {
        for intended in open::schedule(self.seed, rate, from..from + TICK) {
            self.sleep_until(intended);
            self.late_ms.push(ms(self.started.elapsed().saturating_sub(intended)));
            let order = Arc::new(self.mix.order_in_sale(self.next, self.on_sale));
            self.next += 1;
            let moment = self.started_at + TimeDelta::from_std(intended).unwrap_or_default();
            for shop in &self.shops {
                self.send(shop.clone(), order.clone(), moment, self.started + intended);
            }
        }
        self.sleep_until(from + TICK);
    }

    fn sleep_until(&self, moment: Duration) {
        thread::sleep(moment.saturating_sub(self.started.elapsed()));
    }

    fn send(&self, shop: Arc<Target>, order: Arc<Order>, intended: DateTime<Utc>, since: Instant) {
        let Ok(permit) = shop.permits.clone().try_acquire_owned() else {
            return shop.happened().fail("not sent: too many in flight");
        };
        shop.happened().sent += 1;
        self.runtime.spawn(async move {
            for attempt in 0..TRIES {
                let answer = shop.sender.send_once(&order).await;
                let reason = match answer {
                    Answer::Accepted(order_id, decision) => {
                        let answered_ms = ms(since.elapsed());
                        let decided = decision.map(|decision| word(decision).to_owned());
                        let taken = Taken { order_id: order_id.0, intended, answered_ms, decided };
                        shop.happened().taken.push(taken);
                        break;
                    }
                    // The request was refused, and trying again would not help. A 409 means that the request is still
                    // being processed, and a 429 that there were too many.
                    Answer::Refused(status @ 400..=499) if status != 409 && status != 429 => {
                        shop.happened().fail(&format!("HTTP {status}"));
                        break;
                    }
                    Answer::Refused(status) => format!("HTTP {status}"),
                    Answer::Unknown(reason) => reason.to_owned(),
                    Answer::Hindered(reason) => reason.to_owned(),
                    Answer::NotSent => "not sent".to_owned(),
                };
                if attempt == 0 {
                    shop.happened().fail(&reason);
                }
                tokio::time::sleep(AGAIN * 2_u32.pow(attempt)).await;
            }
            drop(permit);
        });
    }

    fn tell(&mut self) -> Tick {
        let mut late = std::mem::take(&mut self.late_ms);
        late.sort_by(f64::total_cmp);
        let shop = |shop: &Arc<Target>| {
            let Happened { sent, errors, taken } = std::mem::take(&mut *shop.happened());
            let in_flight = (IN_FLIGHT - shop.permits.available_permits()) as u64;
            ShopTick { driver: shop.driver, sent, errors, in_flight, taken }
        };
        Tick {
            late_p99_ms: late.get(late.len() * 99 / 100).copied(),
            shops: self.shops.iter().map(shop).collect(),
        }
    }
}

impl Target {
    fn new(driver: Driver, address: &str) -> Result<Target> {
        Ok(Target {
            driver,
            address: address.to_owned(),
            sender: Sender::impatient(address, PATIENCE)?,
            permits: Arc::new(Semaphore::new(IN_FLIGHT)),
            happened: Mutex::default(),
        })
    }

    fn happened(&self) -> MutexGuard<'_, Happened> {
        self.happened.lock()
    }
}

impl Happened {
    fn fail(&mut self, reason: &str) {
        *self.errors.entry(reason.to_owned()).or_default() += 1;
    }
}

/// `confirmed`, or the code of the refusal.
fn word(decision: Decision) -> &'static str {
    match decision {
        Decision::Confirmed => "confirmed",
        Decision::Refused(code) => code.as_str(),
    }
}

/// The shares of a plan, if all outcomes exist and the shares add up to 1,000.
pub fn shares(per_mille: &BTreeMap<String, u32>) -> Option<Shares> {
    let mut shares = Intended::SHARES.map(|(intended, _)| (intended, 0));
    for (word, share) in per_mille {
        let intended = Intended::parse(word)?;
        shares.iter_mut().find(|(of, _)| *of == intended)?.1 = *share;
    }
    (shares.iter().map(|(_, share)| u64::from(*share)).sum::<u64>() == 1_000).then_some(shares)
}

fn ms(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests;
