//! A *soak*: many orders and many faults on one shop for minutes, and then the audit. What a single test cannot meet, a
//! fault on the recovery from another, comes here by chance, and comes again with the same seed.

mod record;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::Utc;
use tokio::task::JoinSet;

use crate::chaos::{self, Planned};
use crate::scenario::{Beginning, Customers, Part, Rates, programs};
use crate::words;
use audit::{Fault, Verdict};
use faults::{FaultSpec, Faults, Kind};
use record::OFTEN;
pub use record::{Fired, SCHEMA, Soak, Soaked, table};
use servers::binaries;
use servers::guard::Guard;
use servers::record as machine;
use shop::supervisor::Supervisor;
use terminal::progress::Progress;
use terminal::text::Text;
use topology::Driver;

/// The interval between faults: the shortest at which most faults are over before the next one.
const EVERY: Duration = Duration::from_millis(2_900);
/// How long the load continues after the last fault, so that customers without a response can try again.
const TAIL: Duration = Duration::from_secs(6);
/// The number of planned faults per additional one: by chance some have no effect, because their target is down.
const PLANNED_FOR_ONE_MORE: usize = 4;
/// How often a fault is tried if its target is down, and below it the interval.
const TRIES: u32 = 4;
const AGAIN: Duration = Duration::from_secs(2);
/// The interval of progress notes.
const NOTE: Duration = Duration::from_secs(10);

/// The options.
#[derive(Debug)]
pub struct SoakOptions {
    /// The shops, one after the other.
    pub drivers: Vec<Driver>,
    /// Orders for each driver.
    pub orders: u64,
    /// Faults for each driver, spread over the orders.
    pub faults: usize,
    /// The seed of all randomness.
    pub seed: u64,
    /// Which servers to use.
    pub infra: servers::ServerOptions,
}

/// Runs a soak of each shop. Logs stay in the folder.
pub async fn run(guard: &Guard, folder: &Path, options: &SoakOptions) -> Result<Soak> {
    let started_at = Utc::now();
    let programs = binaries::ensure_built(&programs(&options.drivers)).await?;
    let mut shops = Vec::new();
    for driver in &options.drivers {
        let logs = folder
            .join(format!("{}", started_at.format("%Y%m%dT%H%M%SZ")))
            .join(driver.to_string().replace(':', "-"));
        std::fs::create_dir_all(&logs).with_context(|| words::cannot_create(logs.display()))?;
        let beginning = Beginning {
            guard,
            driver: *driver,
            programs: &programs,
            logs: &logs,
            infra: &options.infra,
            seed: options.seed,
            proxied: true,
        };
        shops.push(
            soak(&beginning, options).await.with_context(|| words::logs_are_in(driver, logs.display()))?,
        );
    }
    Ok(Soak {
        schema: SCHEMA.to_owned(),
        started_at,
        commit: machine::commit(),
        cleave_version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: machine::machine(),
        seed: options.seed,
        verdict: Verdict::of_all(shops.iter().map(|shop| shop.verdict)),
        shops,
    })
}

async fn soak(beginning: &Beginning<'_>, options: &SoakOptions) -> Result<Soaked> {
    let driver = beginning.driver;
    let began = Instant::now();
    let planned = chaos::plan(options.seed, driver, options.faults, EVERY)?;
    let more = planned.len() / PLANNED_FOR_ONE_MORE;
    let length = planned.last().map_or(TAIL, |last| last.at + EVERY * (more as u32 + 1) + TAIL);
    let progress = Progress::new(planned.len() as u64);
    progress.phase(words::starting(driver));
    let shop = beginning.start().await?;

    let rates = rates(options.orders, length);
    let parts = [Part { from: Duration::ZERO, to: length, rates, on_sale: 0 }];
    let customers = Customers::new(&shop.address().await, options.seed)?;
    let (started, started_at) = (customers.started(), Utc::now() - customers.started().elapsed());
    progress.phase(words::soaking(driver, format!("{:.0}", rates.order), format!("{length:.0?}")));
    let disturbing = Disturbing { supervisor: &shop.supervisor, driver, seed: options.seed, more };
    let (experience, made) = tokio::join!(customers.run(&parts), disturbing.run(planned, started, &progress));
    let (planned, not_made) = made?;

    progress.phase(words::auditing(driver));
    let shop = shop.come_to_rest().await?;
    let orders = shop.orders(&experience, started_at).await?;
    // A fault without hits proves nothing, and the verdict counts how often each kind had some.
    let fired = shop.faults.iter().filter(|record| record.hits > 0);
    let fired = fired.map(|record| Fault { name: Text::of(|| record.fault.to_string()), fired: true });
    let audit = shop.audit(&experience, fired.collect()).await;
    let soaked = audit.map(|audit| {
        Soaked::new(
            driver,
            began.elapsed(),
            orders,
            &planned,
            shop.faults.clone(),
            not_made,
            shop.restarts.clone(),
            audit,
        )
    });
    shop.stop().await?;
    progress.finish();
    soaked
}

/// Rates for this many orders in all, and a few requests of other kinds.
fn rates(orders: u64, length: Duration) -> Rates {
    Rates { browse: 10.0, order: orders as f64 / length.as_secs_f64(), pay: 10.0, track: 10.0 }
}

/// What makes the faults.
struct Disturbing<'a> {
    supervisor: &'a Supervisor,
    driver: Driver,
    seed: u64,
    /// How many faults may be added to the plan.
    more: usize,
}

impl Disturbing<'_> {
    /// Adds each fault at its time, and then more of the kinds that had too few hits. Returns all planned faults, and
    /// those that could not be added, with the reason.
    async fn run(
        &self,
        mut planned: Vec<Planned>,
        started: Instant,
        progress: &Progress,
    ) -> Result<(Vec<Planned>, Vec<String>)> {
        let mut making = JoinSet::new();
        let mut noted = Instant::now();
        for (n, Planned { at, fault }) in planned.iter().cloned().enumerate() {
            tokio::time::sleep_until((started + at).into()).await;
            if noted.elapsed() >= NOTE {
                noted = Instant::now();
                progress.phase(words::faults_so_far(format!("{:.0?}", started.elapsed()), n, &fault));
            }
            progress.step();
            // In its own task: a server that takes long to come back does not delay other faults.
            making.spawn(make(self.supervisor.faults().clone(), fault));
        }
        for number in 0..self.more {
            tokio::time::sleep(EVERY).await;
            let Some(kind) = self.too_seldom(&planned) else { break };
            let fault = chaos::one_more(self.seed, number as u64, self.driver, kind)?;
            progress.phase(words::one_more(format!("{:.0?}", started.elapsed()), &fault));
            planned.push(Planned { at: started.elapsed(), fault: fault.clone() });
            making.spawn(make(self.supervisor.faults().clone(), fault));
        }
        let mut not_made = Vec::new();
        while let Some(made) = making.join_next().await {
            not_made.extend(made.ok().flatten());
        }
        Ok((planned, not_made))
    }

    /// The planned kind with the fewest hits, unless all have enough.
    fn too_seldom(&self, planned: &[Planned]) -> Option<&'static Kind> {
        let records = self.supervisor.faults().log();
        let fired = |kind: &Kind| {
            records.iter().filter(|record| record.hits > 0 && record.fault.kind.name == kind.name).count()
                as u64
        };
        let kinds = planned.iter().map(|planned| planned.fault.kind);
        kinds.filter(|kind| fired(kind) < OFTEN).min_by_key(|kind| fired(kind))
    }
}

/// Adds a fault, or returns why it cannot be added.
async fn make(faults: Faults, fault: FaultSpec) -> Option<String> {
    let mut tries = 1;
    while let Err(why) = faults.add(&fault).await {
        if tries == TRIES {
            return Some(format!("{fault}: {why:#}"));
        }
        tries += 1;
        tokio::time::sleep(AGAIN).await;
    }
    None
}
