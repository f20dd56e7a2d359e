//! A scenario on one shop after the other.

use std::collections::{BTreeMap, HashSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde_json::json;
use tokio::sync::Mutex;

use super::file::{Action, FlashSale, Scenario, Step};
use super::load::{Customers, Experience, sale_price};
use super::observe::{Capability, FaultWindow, Outcome as Fate, Request, availability, impact};
use super::record::{Orders, Outcome, SCHEMA, ScenarioRun, SteadyState};
use super::report;
use crate::audit::{self, Expected, Fault, Subject};
use crate::compare::programs;
use crate::driver::Driver;
use crate::faults::Record;
use crate::guard::Guard;
use crate::infra::{self, Infrastructure};
use crate::run::{Audit, Mode, Verdict};
use crate::seed::{Goods, sku};
use crate::shop::{BEFORE_MONOLITHS, Shop, ShopOptions};
use crate::supervisor::{Deployment, Supervisor};
use crate::{binaries, record, trial};

/// How long a shop may take to come to rest after the load.
const DRAIN: Duration = Duration::from_secs(60);
/// An order that is decided later than this after it was wanted counts as delayed.
const DELAYED: Duration = Duration::from_secs(2);

/// What is asked for.
#[derive(Debug)]
pub struct Options {
    /// The shops, one after the other.
    pub drivers: Vec<Driver>,
    /// Where all randomness of the load comes from.
    pub seed: u64,
    /// Which servers to use.
    pub infra: infra::Options,
}

/// Runs a scenario and writes its report below `folder`; answers the run and the folder of the report.
pub async fn run(
    guard: &Guard,
    folder: &Path,
    scenario: &Scenario,
    options: &Options,
) -> Result<(ScenarioRun, PathBuf)> {
    let started_at = Utc::now();
    let folder = folder.join("runs").join(format!("{}-scenario", started_at.format("%Y%m%dT%H%M%SZ")));
    let logs = folder.join("logs");
    std::fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
    eprintln!("Building what is needed");
    let mut wanted = programs(&options.drivers);
    wanted.extend(BEFORE_MONOLITHS);
    wanted.sort_unstable();
    wanted.dedup();
    let programs = binaries::ensure_built(&wanted).await?;
    let mut shops = Vec::new();
    for driver in &options.drivers {
        let logs = logs.join(driver.to_string().replace(':', "-"));
        std::fs::create_dir_all(&logs).with_context(|| format!("cannot create {}", logs.display()))?;
        let place = Place { guard, driver: *driver, programs: &programs, logs: &logs, options };
        shops.push(place.run(scenario).await.with_context(|| driver.to_string())?);
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
        verdict: Verdict::of_all(shops.iter().flat_map(|shop| &shop.audit).map(|audit| audit.verdict)),
        shops,
    };
    report::write(&run, &folder)?;
    Ok((run, folder))
}

/// Where a scenario is run.
struct Place<'a> {
    guard: &'a Guard,
    driver: Driver,
    programs: &'a Path,
    logs: &'a Path,
    options: &'a Options,
}

/// What the steps did.
#[derive(Default)]
struct Done {
    windows: Vec<FaultWindow>,
    deployments: Vec<Deployment>,
    without_counterpart: Vec<String>,
}

impl Place<'_> {
    /// Each shop has servers of its own: the scenario may break them.
    async fn run(&self, scenario: &Scenario) -> Result<Outcome> {
        eprintln!("{}: starting", self.driver);
        let needs_broker = self.driver.mode() == Mode::Split;
        let wanted =
            infra::Options { needs_broker, logs: Some(self.logs.to_owned()), ..self.options.infra.clone() };
        let infra = Infrastructure::find(self.guard, &wanted).await?;
        let shop = self.shop(&infra, scenario).await?;
        let infra = Arc::new(Mutex::new(infra));
        let supervisor = Supervisor::start(shop, infra.clone(), self.logs).await?;

        eprintln!("{}: {} for {:?}", self.driver, scenario.name, scenario.length);
        let address = supervisor.shop().await.address.clone();
        let customers = Customers::new(&address, self.options.seed)?;
        let (started, started_at) = (customers.started(), Utc::now() - customers.started().elapsed());
        let (experience, done) =
            tokio::join!(customers.run(&scenario.parts), self.take_steps(&supervisor, scenario, started));
        supervisor.faults().heal_all().await?;

        eprintln!("{}: waiting until all is decided, and auditing", self.driver);
        let faults = supervisor.faults().log();
        let restarts = supervisor.restarts();
        let shop = supervisor.release().await?;
        if let Err(error) = shop.drain(DRAIN).await {
            eprintln!("{}: {error:#}", self.driver);
        }
        let outcome = self.outcome(scenario, &shop, experience, done?, faults, restarts, started_at).await;
        let infra = Arc::into_inner(infra).context("something still works on the servers")?.into_inner();
        shop.stop(&infra).await?;
        infra.stop().await?;
        outcome
    }

    async fn shop(&self, infra: &Infrastructure, scenario: &Scenario) -> Result<Shop> {
        let has_fault = scenario.steps.iter().any(|step| matches!(step.action, Action::Fault(_)));
        let options = ShopOptions {
            programs: self.programs.to_owned(),
            logs: self.logs.to_owned(),
            deliveries: 1,
            pool: None,
            flaws: Vec::new(),
            behind_gateway: true,
            // They cost a little, the same in every shop; without a fault nobody needs them.
            proxied: has_fault,
        };
        let shop = Shop::start(self.guard, self.driver, infra, &options).await?;
        Goods::new(self.options.seed).put_into(&shop).await?;
        Ok(shop)
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
        let name = step.action.to_string();
        let at = || format!("{name}, at {} s", step.at.as_secs_f64());
        eprintln!("{}: {}", self.driver, at());
        match &step.action {
            Action::Fault(fault) => match fault.in_mode(self.driver.mode()) {
                Err(why) => {
                    done.without_counterpart.push(format!("{name}: {why:#}"));
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
            Action::Deploy { service } => {
                done.deployments.push(supervisor.deploy(service).await.with_context(at)?);
            }
            Action::FlashSale(sale) => {
                let address = supervisor.shop().await.address.clone();
                self.announce(&address, *sale).await.with_context(at)?;
                let lasts = Duration::from_secs_f64(sale.for_s);
                tokio::time::sleep_until((started + step.at + lasts).into()).await;
            }
        }
        done.windows.push(FaultWindow { name, from_s, to_s: started.elapsed().as_secs_f64() });
        Ok(done)
    }

    /// Puts products on sale.
    async fn announce(&self, address: &str, sale: FlashSale) -> Result<()> {
        let goods = Goods::new(self.options.seed);
        let product = |n: usize| {
            let price = goods.price(n);
            let sale = json!({ "price": sale_price(price), "quota": sale.quota });
            json!({ "sku": sku(n), "name": format!("On sale no. {}", n + 1), "price": price, "sale": sale })
        };
        let products: Vec<_> = (0..sale.products).map(product).collect();
        let client = reqwest::Client::builder().no_proxy().build()?;
        client.put(format!("{address}/products")).json(&products).send().await?.error_for_status()?;
        Ok(())
    }

    #[allow(clippy::too_many_arguments, reason = "all that was seen, put together in one place")]
    async fn outcome(
        &self,
        scenario: &Scenario,
        shop: &Shop,
        experience: Experience,
        mut done: Done,
        faults: Vec<Record>,
        restarts: BTreeMap<String, u64>,
        started_at: DateTime<Utc>,
    ) -> Result<Outcome> {
        let (recorded, _) = trial::read_orders(&shop.databases.orders).await?;
        let orders = count(&experience, &recorded, started_at);
        let audit = self.audit(shop, &experience, &faults).await?;
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
        Ok(Outcome {
            driver: self.driver,
            steady: steady(scenario, requests),
            availability: availability(requests, scenario.length),
            blast_radius: blast_radius.collect(),
            orders,
            faults,
            without_counterpart: done.without_counterpart,
            deployments: done.deployments,
            restarts,
            audit,
            windows: done.windows,
        })
    }

    async fn audit(&self, shop: &Shop, experience: &Experience, faults: &[Record]) -> Result<Vec<Audit>> {
        let poison = faults.iter().filter(|fault| fault.fault.kind.name == "poison").map(|fault| fault.hits);
        let fault = |record: &Record| Fault { name: record.fault.to_string(), fired: record.hits > 0 };
        let subject = Subject {
            driver: shop.driver,
            databases: shop.databases.clone(),
            namespace: shop.namespace.clone(),
            amqp_url: shop.amqp_url().map(str::to_owned),
            expected: Expected {
                accepted: Some(
                    experience.orders.iter().filter_map(|order| Some(order.order_id?.0)).collect(),
                ),
                outcomes: vec!["confirmed".to_owned()],
                min_per_outcome: 1,
                poison: poison.sum(),
                faults: faults.iter().map(fault).collect(),
            },
        };
        audit::audit(&subject).await.context("the audit")
    }
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
            let failed =
                requests.iter().filter(of_it).filter(|request| request.outcome == Fate::Failed).count();
            // What nobody asked for says nothing, and what nobody wanted is not missed.
            sent == 0 || (sent - failed) as f64 / sent as f64 >= scenario.steady.served
        })
    };
    SteadyState {
        before: served(Duration::ZERO, over),
        after: served(scenario.length - over, scenario.length),
    }
}

fn count(
    experience: &Experience,
    recorded: &std::collections::HashMap<String, trial::Recorded>,
    started_at: DateTime<Utc>,
) -> Orders {
    let keys: HashSet<&String> = experience.orders.iter().map(|order| &order.key).collect();
    let mut orders = Orders {
        wanted: experience.orders.len() as u64,
        doubled: recorded.keys().filter(|key| !keys.contains(key)).count() as u64,
        ..Orders::default()
    };
    for order in &experience.orders {
        let record = recorded.get(&order.key);
        let Some(order_id) = order.order_id else { continue };
        orders.accepted += 1;
        if record.is_none_or(|record| record.order_id != order_id) {
            orders.lost += 1;
            continue;
        }
        let Some(decided_at) = record.and_then(|record| record.decided_at) else { continue };
        orders.decided += 1;
        let took = (decided_at - started_at).to_std().unwrap_or_default().saturating_sub(order.intended);
        orders.delayed += u64::from(took > DELAYED);
        orders.slowest_s = orders.slowest_s.max(took.as_secs_f64());
    }
    orders
}
