//! The processes of a move: the monolith that can send messages, the service, and what the gateway is told.

use std::time::Duration;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::{Means, Side};
use crate::member::Recipe;
use crate::supervisor::Supervisor;
use crate::{READY, words};
use topology::{Driver, MONOLITH, MOVABLE};

/// The gateway's `GET /health/placement`.
#[derive(Debug, Deserialize)]
pub(super) struct Placement {
    pub(super) held: Vec<String>,
    pub(super) writes: u64,
    pub(super) same: u64,
    pub(super) different: u64,
}

impl Supervisor {
    /// Replaces the monolith by one that can send messages, unless it can already, and starts the service with empty
    /// tables.
    pub(super) async fn prepare(&self, module: &'static str, means: Means<'_>) -> Result<()> {
        let home = self.shop().await.databases.orders.clone();
        anyhow::ensure!(Side::open(&home).await?.can_replicate().await?, words::cannot_replicate());
        if self.shop().await.namespace.is_none() {
            self.give_broker(means).await?;
        }
        if self.shop().await.instances(module).is_empty() {
            // A monolith that handles the module's queue would take commands that are for the service.
            self.redeploy(MONOLITH, |recipe| recipe.serve(module, false)).await?;
            self.start_service(module, means).await?;
        }
        Ok(())
    }

    /// The monolith gets a broker, instance by instance, without a failed request.
    async fn give_broker(&self, means: Means<'_>) -> Result<()> {
        let mut infra = means.infra.lock().await;
        let guard = self.shop().await.guard().clone();
        infra.add_broker(&guard, means.servers).await?;
        let url = infra.amqp_url().with_context(words::needs_broker)?.to_owned();
        let (namespace, environment) = {
            let mut shop = self.shop().await;
            let namespace = shop.connect_broker(&infra, &url)?;
            (namespace, shop.links.through(MONOLITH, vec![("AMQP_URL", url)])?)
        };
        drop(infra);
        self.redeploy(MONOLITH, |recipe| {
            recipe.arguments.extend(["--hybrid".into(), "--namespace".into(), namespace.clone()]);
            recipe.environment.extend(environment.clone());
        })
        .await?;
        Ok(())
    }

    async fn start_service(&self, module: &'static str, means: Means<'_>) -> Result<()> {
        let known = self.shop().await.service_database(module).map(str::to_owned);
        let url = match known {
            Some(url) => url,
            None => self.create_database(module, means).await?,
        };
        let (recipe, guard) = {
            let shop = self.shop().await;
            (shop.service_recipe(module, &url)?, shop.guard().clone())
        };
        let mut member = recipe.start(&guard, READY).await?;
        member.ready(READY).await?;
        self.attach_proxies(module, &member).await?;
        self.shop().await.insert(member);
        self.journal().info(module, "started as a service");
        Ok(())
    }

    async fn create_database(&self, module: &'static str, means: Means<'_>) -> Result<String> {
        let name = format!("{}-{module}", self.shop().await.namespace.clone().unwrap_or_default());
        let url = means.infra.lock().await.postgres.create_database(&name).await?;
        let mut shop = self.shop().await;
        shop.database_names.push(name);
        shop.service_databases.insert(module.to_owned(), url.clone());
        Ok(url)
    }

    /// The service finishes its work and ends: its outbox is published, and what it has not handled stays in its queue.
    pub(super) async fn remove_service(&self, module: &'static str) -> Result<()> {
        let instances = self.shop().await.instances(module);
        for name in instances {
            self.retire(&name).await?;
        }
        Ok(())
    }

    /// The monolith handles what is left in the queue of a module that has come home.
    pub(super) async fn let_monolith_serve(&self, module: &'static str) -> Result<()> {
        self.redeploy(MONOLITH, |recipe| recipe.serve(module, true)).await.map(|_| ())
    }

    /// Records in the shop where a module is now.
    pub(super) async fn now_is(&self, module: &'static str, leaves: bool, driver: Driver) -> Result<()> {
        let mut shop = self.shop().await;
        shop.driver = driver;
        let url = match leaves {
            true => shop.service_database(module).context("its database was created before")?.to_owned(),
            false => shop.databases.orders.clone(),
        };
        *shop.databases.of_mut(module) = url;
        self.faults().now_in(driver, shop.amqp_url.clone().zip(shop.namespace.clone()));
        Ok(())
    }

    /// Tells the gateway where a module is, and lets its writes through.
    pub(super) async fn say_placement(&self, module: &str, away: bool) -> Result<()> {
        self.set_placement("placement.away", module, away).await?;
        self.set_placement("placement.held", module, false).await
    }

    /// Changes one module's bit in a setting.
    pub(super) async fn set_placement(&self, setting: &str, module: &str, on: bool) -> Result<()> {
        let shop = self.shop().await;
        let known = shop.settings().await?;
        let before = known[setting]["value"].as_u64().unwrap_or_default();
        // Before the first move, the gateway goes by what it was started with.
        let before = match (setting, before) {
            ("placement.away", 0) => sum_of(&shop.driver.away()),
            (_, before) => before,
        };
        let bit = sum_of(&[module]);
        shop.set(setting, if on { before | bit } else { before & !bit }).await
    }

    /// The gateway's view.
    pub(super) async fn placement(&self) -> Result<Placement> {
        let gateway = self.shop().await.address_of("gateway")?.to_owned();
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let answer = client.get(format!("{gateway}/health/placement")).send().await?;
        Ok(answer.error_for_status()?.json().await?)
    }
}

/// The modules as a number, as in the settings: module n has the value 2ⁿ.
fn sum_of(modules: &[&str]) -> u64 {
    let bit = |module: &&str| MOVABLE.iter().position(|movable| movable == module).map(|n| 1 << n);
    modules.iter().filter_map(bit).sum()
}

impl Recipe {
    /// Whether the monolith also handles what is in the queue of this module.
    fn serve(&mut self, module: &str, on: bool) {
        const FLAG: &str = "--serves";
        let at = self.arguments.iter().position(|argument| argument == FLAG);
        let listed = at.map(|at| self.arguments[at + 1].clone()).unwrap_or_default();
        let mut served: Vec<&str> = listed.split(',').filter(|it| !it.is_empty() && *it != module).collect();
        if on {
            served.push(module);
        }
        let served = served.join(",");
        if let Some(at) = at {
            self.arguments.drain(at..at + 2);
        }
        if !served.is_empty() {
            self.arguments.extend([FLAG.to_owned(), served]);
        }
    }
}
