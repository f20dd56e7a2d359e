//! A supervised shop behind a gateway, on its own servers, so that an experiment may break anything in it.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use tokio::sync::Mutex;

use super::load::Experience;
use super::record::Orders;
use crate::words;
use audit::{Audit, Expected, Fault, Subject};
use faults::Record;
use report::trial;
use servers::Infrastructure;
use servers::guard::Guard;
use shop::seed::Goods;
use shop::shared::Shared;
use shop::supervisor::Supervisor;
use shop::{Shop, ShopOptions};
use topology::{BEFORE_MONOLITHS, Driver};

/// How long a shop may take to come to rest after the load.
const DRAIN: Duration = Duration::from_secs(60);
/// An order that is decided later than this after its customer wanted it counts as delayed.
const DELAYED: Duration = Duration::from_secs(2);

/// What the shop is started with.
#[derive(Debug, Clone, Copy)]
pub struct Beginning<'a> {
    /// Cleans up if this process is killed.
    pub guard: &'a Guard,
    /// The driver.
    pub driver: Driver,
    /// The folder of the programs.
    pub programs: &'a Path,
    /// The folder for their logs.
    pub logs: &'a Path,
    /// Which servers to use.
    pub infra: &'a servers::ServerOptions,
    /// The seed of the products.
    pub seed: u64,
    /// Whether every link has a proxy.
    pub proxied: bool,
}

/// The shop while it runs.
pub struct OwnShop {
    /// Keeps it running, and has its faults.
    pub supervisor: Supervisor,
    infra: Shared<Mutex<Infrastructure>>,
}

/// The shop when the load is over and nothing is under way any more.
pub struct AtRest {
    shop: Shop,
    infra: Infrastructure,
    /// All faults that there were.
    pub faults: Vec<Record>,
    /// How often each process was restarted.
    pub restarts: BTreeMap<String, u64>,
}

/// The programs that these shops need, a monolith's gateway included.
pub fn programs(drivers: &[Driver]) -> Vec<&'static str> {
    let mut wanted = topology::programs(drivers);
    wanted.extend(BEFORE_MONOLITHS);
    wanted.sort_unstable();
    wanted.dedup();
    wanted
}

impl Beginning<'_> {
    /// Starts servers, shop and supervisor, and fills the shop with products.
    pub async fn start(&self) -> Result<OwnShop> {
        let needs_broker = self.driver.has_messages();
        let wanted =
            servers::ServerOptions { needs_broker, logs: Some(self.logs.to_owned()), ..self.infra.clone() };
        let infra = Infrastructure::find(self.guard, &wanted).await?;
        let options = ShopOptions::behind_gateway(self.programs, self.logs, self.proxied);
        let shop = Shop::start(self.guard, self.driver, &infra, &options).await?;
        Goods::new(self.seed).put_into(&shop).await?;
        let infra = Shared::new(Mutex::new(infra));
        let supervisor = Supervisor::start(shop, infra.clone(), self.logs).await?;
        Ok(OwnShop { supervisor, infra })
    }
}

impl OwnShop {
    /// The address for its customers.
    pub async fn address(&self) -> String {
        self.supervisor.shop().await.address.clone()
    }

    /// The audit's input while it runs. `poison` is the number of unreadable messages that will be put in.
    pub async fn subject(&self, poison: u64) -> Subject {
        Subject::of(self.supervisor.shop().await.handle())
            .expecting(Expected { poison, ..Expected::default() })
    }

    /// Ends all faults, and waits until everything is decided. The audit reports what is not decided in time.
    pub async fn come_to_rest(self) -> Result<AtRest> {
        let OwnShop { supervisor, infra } = self;
        supervisor.faults().heal_all().await?;
        let (faults, restarts) = (supervisor.faults().log(), supervisor.restarts());
        let shop = supervisor.release().await?;
        if let Err(error) = shop.drain(DRAIN).await {
            terminal::note!("{}: {error:#}", shop.driver);
        }
        let infra = infra.take_back().await.with_context(words::servers_in_use)?.into_inner();
        Ok(AtRest { shop, infra, faults, restarts })
    }
}

impl AtRest {
    /// The outcomes of the orders of a load that began at this time.
    pub async fn orders(&self, experience: &Experience, started_at: DateTime<Utc>) -> Result<Orders> {
        let (recorded, _) = trial::read_orders(&self.shop.databases.orders).await?;
        Ok(count(experience, &recorded, started_at))
    }

    /// Checks the invariants; these faults should have fired.
    pub async fn audit(&self, experience: &Experience, faults: Vec<Fault>) -> Result<Vec<Audit>> {
        let poison = self.faults.iter().filter(|record| record.fault.kind.name == "poison");
        let accepted = experience.orders.iter().filter_map(|order| Some(order.order_id?.0));
        let expected = Expected {
            accepted: Some(accepted.collect()),
            outcomes: vec!["confirmed".to_owned()],
            min_per_outcome: 1,
            poison: poison.map(|record| record.hits).sum(),
            // A poison message is not one of the shop's own: it has no id.
            poison_ids: Some(BTreeSet::new()),
            faults,
        };
        let subject = Subject::of(self.shop.handle()).expecting(expected);
        audit::audit(&subject).await.with_context(words::while_auditing)
    }

    /// Stops the shop and its servers.
    pub async fn stop(self) -> Result<()> {
        self.shop.stop(&self.infra).await?;
        self.infra.stop().await
    }
}

fn count(
    experience: &Experience,
    recorded: &HashMap<String, trial::Recorded>,
    started_at: DateTime<Utc>,
) -> Orders {
    let keys: HashSet<&String> = experience.orders.iter().map(|order| &order.key).collect();
    let mut orders = Orders {
        wanted: experience.orders.len() as u64,
        doubled: recorded.keys().filter(|key| !keys.contains(key)).count() as u64,
        hindered: experience.hindered.clone(),
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
        *(if took > DELAYED { &mut orders.delayed } else { &mut orders.decided_within_2_s }) += 1;
        orders.slowest_s = orders.slowest_s.into_iter().chain([took.as_secs_f64()]).max_by(f64::total_cmp);
    }
    orders
}
