//! The *supervisor* keeps the processes of a shop running, and changes the number of instances at run time.
//!
//! It restarts processes that end or no longer respond, with back-off. It does not decide which instances get
//! traffic: the registry does, and lists an instance only while it is ready. (The pattern is from Armstrong, "Making
//! reliable distributed systems in the presence of software errors", 2003. Liveness and readiness are named as in
//! Kubernetes.)

mod backoff;
mod deploy;
mod effort;
mod journal;
mod liveness;
mod owner;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::{Mutex, MutexGuard};
use tokio::task::JoinHandle;

use crate::shared::Shared;
use crate::{Member, Recipe, Shop, words};
use backoff::Backoff;
pub use deploy::{Deployment, Replacement};
use faults::{Faults, Link, Place};
pub use journal::{Entry, Journal};
use servers::{FoundBy, Infrastructure};
use topology::SERVICES;

/// The interval between checks of the processes.
const TICK: Duration = Duration::from_millis(20);
/// How long a new instance may take until it is ready.
const READY: Duration = Duration::from_secs(180);
/// How long a removed instance may take to finish its work.
const GRACE: Duration = Duration::from_secs(15);
/// The most instances per service: more would be too many for a laptop.
pub const MOST: usize = 8;

/// A supervised shop. Cheap to clone; all clones refer to the same supervisor.
#[derive(Debug, Clone)]
pub struct Supervisor(Shared<Inner>);

#[derive(Debug)]
struct Inner {
    shop: Mutex<Shop>,
    restarts: parking_lot::Mutex<BTreeMap<String, u64>>,
    journal: Journal,
    faults: Faults,
    /// Held while the number of instances changes: one change at a time.
    changing: Mutex<()>,
    /// Held while a module moves: one at a time.
    moving: Mutex<()>,
    tasks: parking_lot::Mutex<Vec<JoinHandle<()>>>,
}

/// A process that has ended and waits for its restart.
#[derive(Debug)]
struct Patient {
    backoff: Backoff,
    due: Option<Instant>,
}

impl Supervisor {
    /// Starts to supervise a shop on these servers. Its own log goes to `supervisor.log` in this folder.
    pub async fn start(shop: Shop, infra: Shared<Mutex<Infrastructure>>, logs: &Path) -> Result<Supervisor> {
        let (faults, requests) = Faults::new(place(&shop, &*infra.lock().await));
        for link in Link::all(shop.driver) {
            for proxy in shop.proxies(link) {
                faults.attach(link, proxy).await?;
            }
        }
        let supervisor = Supervisor(Shared::new(Inner {
            shop: Mutex::new(shop),
            restarts: Default::default(),
            journal: Journal::open(logs)?,
            faults,
            changing: Mutex::default(),
            moving: Mutex::default(),
            tasks: Default::default(),
        }));
        let tasks = [
            tokio::spawn(supervisor.clone().restart_what_ends()),
            tokio::spawn(owner::obey(supervisor.clone(), infra, requests)),
            liveness::watch(supervisor.clone()),
        ];
        supervisor.0.tasks.lock().extend(tasks);
        Ok(supervisor)
    }

    /// Stops supervising and returns the shop, which continues to run.
    pub async fn release(self) -> Result<Shop> {
        let tasks: Vec<_> = self.0.tasks.lock().drain(..).collect();
        for task in tasks {
            task.abort();
            // It was aborted, so its result is of no interest.
            let _ = task.await;
        }
        let inner = self.0.take_back().await.with_context(words::still_in_use)?;
        Ok(inner.shop.into_inner())
    }

    /// Locks the shop.
    pub async fn shop(&self) -> MutexGuard<'_, Shop> {
        self.0.shop.lock().await
    }

    /// The faults of the shop.
    pub fn faults(&self) -> &Faults {
        &self.0.faults
    }

    /// The events so far.
    pub fn journal(&self) -> &Journal {
        &self.0.journal
    }

    /// The number of restarts of each process.
    pub fn restarts(&self) -> BTreeMap<String, u64> {
        self.0.restarts.lock().clone()
    }

    /// The process name behind a service: `monolith` for every module that has not left it.
    pub async fn service(&self, name: &str) -> Result<String> {
        let driver = self.shop().await.driver;
        let module = SERVICES.into_iter().find(|module| *module == name);
        let services = driver.services();
        match module.map(|module| driver.service_of(module)) {
            Some(service) => Ok(service.to_owned()),
            None if services.contains(&name) => Ok(name.to_owned()),
            None => bail!(words::cannot_change(name, services.join(", "))),
        }
    }

    /// Changes the number of instances of a service, and returns their names.
    pub async fn scale(&self, service: &str, instances: usize) -> Result<Vec<String>> {
        ensure!((1..=MOST).contains(&instances), words::instances_out_of_range(MOST, instances));
        let service = self.service(service).await?;
        let _one_at_a_time = self.0.changing.lock().await;
        loop {
            let running = self.shop().await.instances(&service);
            if running.len() < instances {
                self.add(&service).await?;
            } else if running.len() > instances {
                let last = running.last().context("there is one")?;
                self.retire(last).await?;
            } else {
                return Ok(running);
            }
        }
    }

    /// Starts one more instance, and waits until it is ready. The shop is not locked meanwhile.
    async fn add(&self, service: &str) -> Result<String> {
        self.add_changed(service, |_| ()).await
    }

    /// The same, with changes to the recipe.
    async fn add_changed(&self, service: &str, change: impl Fn(&mut Recipe)) -> Result<String> {
        let (mut recipe, guard) = {
            let shop = self.shop().await;
            let running = shop.instances(service);
            let first = running.first().with_context(|| words::no_instance(service))?;
            (shop.recipe(first)?, shop.guard().clone())
        };
        change(&mut recipe);
        let mut member = recipe.start(&guard, READY).await?;
        member.ready(READY).await?;
        let name = member.name().to_owned();
        self.attach_proxies(service, &member).await?;
        self.shop().await.insert(member);
        self.journal().info(&name, "started as an additional instance");
        Ok(name)
    }

    /// Held while a module moves.
    pub(crate) fn moving(&self) -> &Mutex<()> {
        &self.0.moving
    }

    /// Puts the faults that are active in the link to a service into effect for a new instance.
    pub(crate) async fn attach_proxies(&self, service: &str, member: &Member) -> Result<()> {
        if let (Ok(link), Some(proxy)) = (between_gateway_and(service), member.proxy()) {
            self.faults().attach(link, proxy).await?;
        }
        Ok(())
    }

    /// Removes an instance: it deregisters, finishes its work and ends.
    pub(crate) async fn retire(&self, name: &str) -> Result<()> {
        let member = self.take(name).await?;
        member.stop(GRACE).await?;
        self.journal().info(name, "removed after an orderly stop");
        Ok(())
    }

    /// Removes a process from the shop and returns it, to be stopped.
    async fn take(&self, name: &str) -> Result<Member> {
        let member = self.shop().await.take(name)?;
        if let Ok(link) = between_gateway_and(member.service()) {
            self.faults().detach(link, name);
        }
        Ok(member)
    }

    async fn restart_what_ends(self) {
        let mut patients: BTreeMap<String, Patient> = BTreeMap::new();
        loop {
            tokio::time::sleep(TICK).await;
            let mut shop = self.shop().await;
            let names: Vec<String> = shop.processes().into_iter().map(|(name, _)| name.to_owned()).collect();
            patients.retain(|name, _| names.contains(name));
            for name in names {
                let fresh = || Patient { backoff: Backoff::new(Instant::now()), due: None };
                let patient = patients.entry(name.clone()).or_insert_with(fresh);
                self.attend(&mut shop, &name, patient);
            }
        }
    }

    fn attend(&self, shop: &mut Shop, name: &str, patient: &mut Patient) {
        let now = Instant::now();
        let Ok(Some(status)) = shop.ended(name) else { return };
        let due = match patient.due {
            Some(due) => due,
            None => {
                let due = patient.backoff.ended(now);
                let after = (due - now).as_millis();
                self.journal().warn(name, format!("ended ({status}); restart in {after} ms"));
                *patient.due.insert(due)
            }
        };
        if now < due {
            return;
        }
        patient.due = None;
        patient.backoff.started(now);
        match shop.respawn(name, &[]) {
            Ok(()) => {
                *self.0.restarts.lock().entry(name.to_owned()).or_default() += 1;
                self.journal().info(name, "restarted");
            }
            Err(error) => self.journal().warn(name, format!("cannot be restarted: {error:#}")),
        }
    }
}

/// Where the faults of a shop are injected.
fn place(shop: &Shop, infra: &Infrastructure) -> Place {
    let ours = infra.postgres.running.found_by() == FoundBy::Private;
    Place {
        driver: shop.driver,
        database: ours.then(|| infra.postgres.admin_url().to_owned()),
        broker: shop.amqp_url().map(str::to_owned).zip(shop.namespace.clone()),
    }
}

fn between_gateway_and(service: &str) -> Result<Link> {
    format!("gateway-{service}").parse()
}
