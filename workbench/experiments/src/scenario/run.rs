//! A scenario on one shop after the other.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use super::file::{Action, Scenario, Step};
use super::load::{Customers, Experience};
use super::observe::{FaultWindow, Request, RequestOutcome, availability, impact};
use super::own_shop::{self, AtRest, Beginning};
use super::record::{SCHEMA, ScenarioOutcome, ScenarioRun, SteadyState};
use super::report;
use crate::words;
use audit::live::{self, Live, Recording};
use audit::{Fault, Verdict};
use faults::Record;
use servers::binaries;
use servers::guard::Guard;
use servers::record;
use shop::seed::Goods;
use shop::supervisor::{Deployment, Supervisor};
use terminal::text::Text;
use topology::Capability;
use topology::Driver;

/// The options.
#[derive(Debug)]
pub struct ScenarioOptions {
    /// The shops, one after the other.
    pub drivers: Vec<Driver>,
    /// The seed of the load.
    pub seed: u64,
    /// Which servers to use.
    pub infra: servers::ServerOptions,
}

/// Runs a scenario and writes its report below `folder`. Returns the run and the folder of the report.
pub async fn run(
    guard: &Guard,
    folder: &Path,
    scenario: &Scenario,
    options: &ScenarioOptions,
) -> Result<(ScenarioRun, PathBuf)> {
    let started_at = Utc::now();
    let folder = folder.join("runs").join(format!("{}-scenario", started_at.format("%Y%m%dT%H%M%SZ")));
    let logs = folder.join("logs");
    std::fs::create_dir_all(&logs).with_context(|| words::cannot_create(logs.display()))?;
    let programs = binaries::ensure_built(&own_shop::programs(&options.drivers)).await?;
    let mut shops = Vec::new();
    for driver in &options.drivers {
        let logs = logs.join(driver.to_string().replace(':', "-"));
        std::fs::create_dir_all(&logs).with_context(|| words::cannot_create(logs.display()))?;
        let runner = Runner { guard, driver: *driver, programs: &programs, logs: &logs, options };
        shops.push(runner.run(scenario).await.with_context(|| driver.to_string())?);
    }
    let run = ScenarioRun {
        schema: SCHEMA.to_owned(),
        started_at,
        commit: record::commit(),
        cleave_version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: options.seed,
        machine: record::machine(),
        name: scenario.name.clone(),
        about: scenario.about.clone(),
        length_s: scenario.length.as_secs_f64(),
        steady: scenario.steady,
        verdict: Verdict::of_all(shops.iter().flat_map(verdicts)),
        shops,
    };
    report::write(&run, &folder)?;
    Ok((run, folder))
}

/// The audit's verdicts, and the steady state. If the shop was not well at the start, or if part of the load could
/// not be sent, there is no evidence.
fn verdicts(shop: &ScenarioOutcome) -> impl Iterator<Item = Verdict> {
    let steady = match shop.steady {
        SteadyState { before: false, .. } => Verdict::NoEvidence,
        SteadyState { after: false, .. } => Verdict::Violated,
        SteadyState { before: true, after: true } => Verdict::Held,
    };
    shop.audit.iter().map(|audit| audit.verdict).chain([steady, shop.orders.sent()])
}

/// Runs a scenario on one shop.
struct Runner<'a> {
    guard: &'a Guard,
    driver: Driver,
    programs: &'a Path,
    logs: &'a Path,
    options: &'a ScenarioOptions,
}

/// What the steps did.
#[derive(Default)]
struct Done {
    windows: Vec<FaultWindow>,
    deployments: Vec<Deployment>,
    without_counterpart: Vec<Text>,
}

impl Runner<'_> {
    /// Each shop has its own servers, because the scenario may break them.
    async fn run(&self, scenario: &Scenario) -> Result<ScenarioOutcome> {
        terminal::note!("{}", words::starting(self.driver));
        let beginning = Beginning {
            guard: self.guard,
            driver: self.driver,
            programs: self.programs,
            logs: self.logs,
            infra: &self.options.infra,
            seed: self.options.seed,
            // Proxies cost a little, the same in every shop, and are only needed for faults.
            proxied: scenario.steps.iter().any(|step| matches!(step.action, Action::Fault(_))),
        };
        let shop = beginning.start().await?;
        let live = Live::start(shop.subject(poison(scenario)).await, live::Pace::default());

        terminal::note!("{}", words::playing(self.driver, &scenario.name, format!("{:?}", scenario.length)));
        let customers = Customers::new(&shop.address().await, self.options.seed)?;
        let (started, started_at) = (customers.started(), Utc::now() - customers.started().elapsed());
        let steps = self.take_steps(&shop.supervisor, scenario, started);
        let (experience, done) = tokio::join!(customers.run(&scenario.parts), steps);

        terminal::note!("{}", words::auditing(self.driver));
        let shop = shop.come_to_rest().await?;
        let (_, live) = live.finish().await?;
        let live = live.since(started_at);
        let outcome = self.outcome(scenario, &shop, experience, done?, live, started_at).await;
        shop.stop().await?;
        outcome
    }

    /// Takes each step when its time has come. A step that takes long, such as a deployment, does not delay the next.
    async fn take_steps(
        &self,
        supervisor: &Supervisor,
        scenario: &Scenario,
        started: Instant,
    ) -> Result<Done> {
        let steps = scenario.steps.iter().map(|step| self.take(supervisor, step, started));
        let mut all = Done::default();
        for done in futures_util::future::join_all(steps).await {
            let done = done?;
            all.windows.extend(done.windows);
            all.deployments.extend(done.deployments);
            all.without_counterpart.extend(done.without_counterpart);
        }
        Ok(all)
    }

    async fn take(&self, supervisor: &Supervisor, step: &Step, started: Instant) -> Result<Done> {
        tokio::time::sleep_until((started + step.at).into()).await;
        let from_s = started.elapsed().as_secs_f64();
        let mut done = Done::default();
        let name = Text::of(|| step.action.to_string());
        let at = || words::step_at(&name, step.at.as_secs_f64());
        terminal::note!("{}: {}", self.driver, at());
        match &step.action {
            Action::Fault(fault) => match fault.in_shop(self.driver) {
                Err(why) => {
                    done.without_counterpart.push(Text::of(|| format!("{name}: {why:#}")));
                    return Ok(done);
                }
                Ok(_) => {
                    supervisor.faults().add(fault).await.with_context(at)?;
                    tokio::time::sleep_until((started + step.at + fault.time_to_live).into()).await;
                }
            },
            Action::Scale { service, instances } => {
                supervisor.scale(service, *instances).await.with_context(at)?;
            }
            Action::Deploy { service, again_for } => loop {
                done.deployments.push(supervisor.deploy(service).await.with_context(at)?);
                if started.elapsed() >= step.at + *again_for {
                    break;
                }
            },
            Action::FlashSale(sale) => {
                let address = supervisor.shop().await.address.clone();
                let goods = Goods::new(self.options.seed);
                goods.put_on_sale(&address, sale.products, sale.quota.into()).await.with_context(at)?;
                let lasts = Duration::from_secs_f64(sale.for_s);
                tokio::time::sleep_until((started + step.at + lasts).into()).await;
            }
        }
        done.windows.push(FaultWindow { name, from_s, to_s: started.elapsed().as_secs_f64() });
        Ok(done)
    }

    async fn outcome(
        &self,
        scenario: &Scenario,
        shop: &AtRest,
        experience: Experience,
        mut done: Done,
        live: Recording,
        started_at: DateTime<Utc>,
    ) -> Result<ScenarioOutcome> {
        let orders = shop.orders(&experience, started_at).await?;
        let fault = |record: &Record| {
            let name = Text::of(|| record.fault.to_string());
            Fault { name, fired: record.hits > 0 }
        };
        let audit = shop.audit(&experience, shop.faults.iter().map(fault).collect()).await?;
        done.windows.sort_by(|a, b| a.from_s.total_cmp(&b.from_s));
        let requests = &experience.requests;
        let end = scenario.length.as_secs_f64();
        let blast_radius = Capability::ALL.into_iter().map(|capability| {
            let impacts = done.windows.iter().map(|window| {
                let next = done.windows.iter().map(|other| other.from_s).find(|from| *from >= window.to_s);
                impact(requests, capability, window, next.unwrap_or(end))
            });
            (capability, impacts.collect())
        });
        Ok(ScenarioOutcome {
            driver: self.driver,
            steady: steady(scenario, requests),
            availability: availability(requests, scenario.length),
            blast_radius: blast_radius.collect(),
            orders,
            faults: shop.faults.clone(),
            without_counterpart: done.without_counterpart,
            deployments: done.deployments,
            restarts: shop.restarts.clone(),
            live,
            audit,
            windows: done.windows,
        })
    }
}

/// The number of unreadable messages that the scenario puts in.
fn poison(scenario: &Scenario) -> u64 {
    let count = |step: &Step| match &step.action {
        Action::Fault(fault) if fault.kind.name == "poison" => fault.attributes.get("count")?.as_u64(),
        _ => None,
    };
    scenario.steps.iter().filter_map(count).sum()
}

/// The first seconds, and the last.
fn steady(scenario: &Scenario, requests: &[Request]) -> SteadyState {
    let over = Duration::from_secs_f64(scenario.steady.over_s);
    let served = |from: Duration, to: Duration| {
        Capability::ALL.into_iter().all(|capability| {
            let of_it = |request: &&Request| {
                request.capability == capability && (from..to).contains(&request.intended)
            };
            let sent = requests.iter().filter(of_it).count();
            let failed = requests
                .iter()
                .filter(of_it)
                .filter(|request| request.outcome == RequestOutcome::Failed)
                .count();
            // A capability without requests counts as served.
            sent == 0 || (sent - failed) as f64 / sent as f64 >= scenario.steady.served
        })
    };
    SteadyState {
        before: served(Duration::ZERO, over),
        after: served(scenario.length - over, scenario.length),
    }
}
