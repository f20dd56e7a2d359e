//! The crashes of one driver, one after the other on one shop.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use uuid::Uuid;

use super::{Cell, CellOutcome, Point, Setting, seconds};
use crate::words;
use audit::{Audit, Expected, Fault, Subject, Verdict};
use faults::toxic::{Effect, Stream};
use faults::{Link, Toxic};
use load::buyers::Buyers;
use load::mix::Intended;
use servers::Infrastructure;
use servers::guard::Guard;
use shop::seed::Goods;
use shop::{Shop, ShopOptions};
use terminal::CLEAVE;
use terminal::progress::Progress;
use terminal::text::Text;
use topology::Driver;

/// The seed of the products. Each cell has its own orders.
const GOODS: u64 = 1;
/// Buyers at the same moment: enough that several orders are under way when a process dies.
const BUYERS: usize = 8;
/// The latest pass of a point at which a process dies.
const LATEST_PASS: u64 = 6;
/// How long a process may take to come to its point.
const FIRE: Duration = Duration::from_secs(60);
/// Orders that are accepted after the crash before the load ends.
const ORDERS_AFTER: u64 = 8;
/// How long those, and everything after the load, may take.
const BOUND: Duration = Duration::from_secs(60);

/// Runs the crashes of one driver.
pub struct Lane<'a> {
    pub guard: &'a Guard,
    pub infra: &'a Infrastructure,
    pub programs: PathBuf,
    pub logs: PathBuf,
    pub driver: Driver,
    pub setting: Setting,
    pub progress: &'a Progress,
}

/// A shop, and all orders that it has accepted so far: the audit checks all of them after every crash.
struct Scene {
    shop: Shop,
    accepted: Vec<Uuid>,
    orders_sent: u64,
}

impl Lane<'_> {
    /// Runs all of these crashes. A shop with a violation is replaced, so that the same violation is not found again.
    pub async fn run(&self, plan: &[(&'static Point, u64)]) -> Result<Vec<Cell>> {
        let mut scene = self.scene(0).await?;
        let mut cells = Vec::new();
        for (number, (point, seed)) in plan.iter().enumerate() {
            let cell = self.crash(&mut scene, point, *seed).await.with_context(|| point.name)?;
            self.progress.phase(words::crash_in(self.driver, point.name, &cell.process));
            self.progress.step();
            if cell.outcome == CellOutcome::Violated {
                let spoilt = std::mem::replace(&mut scene, self.scene(number + 1).await?);
                spoilt.shop.stop(self.infra).await?;
            }
            cells.push(cell);
        }
        scene.shop.stop(self.infra).await?;
        Ok(cells)
    }

    async fn scene(&self, number: usize) -> Result<Scene> {
        let Setting { instances, database_delay_ms } = self.setting;
        let options = ShopOptions {
            instances,
            behind_gateway: instances > 1,
            proxied: database_delay_ms > 0,
            ..ShopOptions::new(&self.programs, self.logs.join(number.to_string()))
        };
        let shop = Shop::start(self.guard, self.driver, self.infra, &options).await?;
        shop.be_patient().await?;
        Goods::new(GOODS).put_into(&shop).await?;
        if database_delay_ms > 0 {
            slow_down(&shop, Duration::from_millis(database_delay_ms))?;
        }
        Ok(Scene { shop, accepted: Vec::new(), orders_sent: 0 })
    }

    /// One crash, from the process that is told to die to the verdict on what it left behind.
    async fn crash(&self, scene: &mut Scene, point: &Point, seed: u64) -> Result<Cell> {
        let began = Instant::now();
        let (service, pass) = choose(&point.processes(self.driver), point.name, seed);
        let (process, others) = instance(&scene.shop, service, seed);
        let arguments = ["--crash-at".to_owned(), format!("{}:{pass}", point.name)];
        // Only one instance of a service runs the relay; the others wait for its lock. This one starts alone, so it
        // gets the lock.
        others.iter().try_for_each(|other| scene.shop.kill(other))?;
        scene.shop.restart_with(&process, &arguments).await?;
        for other in &others {
            scene.shop.restart(other).await?;
        }
        let buyers = Buyers::start(&scene.shop.address, GOODS, scene.orders_sent, BUYERS)?;
        let fired = scene.shop.wait_ended(&process, FIRE).await.is_ok();
        if !others.is_empty() {
            buyers.proceed(ORDERS_AFTER, BOUND).await;
        }
        match fired {
            true => scene.shop.restart(&process).await?,
            // Its crash point has not been reached. It is restarted without one, so that it does not crash in the next
            // cell.
            false => scene.shop.restart_with(&process, &[]).await?,
        }
        if others.is_empty() {
            buyers.proceed(ORDERS_AFTER, BOUND).await;
        }
        let bought = buyers.finish().await?;
        scene.orders_sent += bought.sent;
        scene.accepted.extend(&bought.accepted);
        let mut findings = Vec::new();
        if let Err(error) = scene.shop.drain(BOUND).await {
            findings.push(error.to_string().into());
        }
        findings.extend(audit(&scene.shop, scene.accepted.clone(), point.name).await?);
        let outcome = match (fired, findings.is_empty()) {
            (false, true) => CellOutcome::DidNotFire,
            (true, true) => CellOutcome::Held,
            (_, false) => CellOutcome::Violated,
        };
        Ok(Cell {
            point: point.name.to_owned(),
            driver: self.driver,
            seed,
            process,
            pass,
            outcome,
            findings,
            orders: bought.accepted.len() as u64,
            seconds: seconds(began.elapsed()),
            replay: self.replay(point, seed),
        })
    }

    fn replay(&self, point: &Point, seed: u64) -> String {
        let (name, driver) = (point.name, self.driver);
        let mut replay =
            format!("{CLEAVE} crash-matrix --points {name} --drivers {driver} --seed {seed} --seeds 1");
        if self.setting.instances > 1 {
            replay += &format!(" --instances {}", self.setting.instances);
        }
        if self.setting.database_delay_ms > 0 {
            replay += " --slow-database";
        }
        replay
    }
}

/// Delays every response of every database, by up to half more or less than this.
fn slow_down(shop: &Shop, by: Duration) -> Result<()> {
    for proxy in Link::all(shop.driver)
        .into_iter()
        .filter(|link| matches!(link, Link::Database(_)))
        .flat_map(|link| shop.proxies(link))
    {
        proxy.add(Toxic {
            name: "slow".to_owned(),
            stream: Stream::Downstream,
            toxicity: 1.0,
            effect: Effect::Latency { latency: by, jitter: by / 2 },
        })?;
    }
    Ok(())
}

/// Selects the instance of a service that dies; also returns the others. The seeds go through the instances in turn.
fn instance(shop: &Shop, service: &str, seed: u64) -> (String, Vec<String>) {
    let mut others = shop.instances(service);
    let chosen = others.remove((seed % others.len() as u64) as usize);
    (chosen, others)
}

/// Selects the process that dies, and the pass. The seeds go through the processes in turn, and each point starts with
/// another one, so that few seeds cover many combinations.
fn choose(processes: &[&'static str], point: &str, seed: u64) -> (&'static str, u64) {
    let point: u64 = point.bytes().map(u64::from).sum();
    let process = processes[((point + seed) % processes.len() as u64) as usize];
    (process, 1 + (point + seed * 2) % LATEST_PASS)
}

/// The findings on a shop that has drained. A crash was requested and every outcome was ordered, so missing evidence is
/// a finding too.
async fn audit(shop: &Shop, accepted: Vec<Uuid>, point: &str) -> Result<Vec<Text>> {
    let subject = Subject::of(shop.handle()).expecting(Expected {
        accepted: Some(accepted),
        outcomes: Intended::SHARES.map(|(intended, _)| intended.as_str().to_owned()).to_vec(),
        min_per_outcome: 1,
        faults: vec![Fault { name: format!("crash at {point}").into(), fired: true }],
        ..Expected::default()
    });
    let audits = audit::audit(&subject).await.with_context(words::while_auditing)?;
    let wrong = audits.into_iter().filter(|audit| audit.verdict != Verdict::Held);
    let said =
        |audit: Audit| Text::of(|| format!("{} {:?}: {}", audit.invariant, audit.verdict, audit.evidence));
    Ok(wrong.map(said).collect())
}
