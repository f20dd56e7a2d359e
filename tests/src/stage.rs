//! The servers and the shops that all cases share, started when the first case needs them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, anyhow};
use tokio::sync::OnceCell;
use workbench::audit::Expected;
use workbench::driver::Driver;
use workbench::guard::Guard;
use workbench::infra::{Infrastructure, Options};
use workbench::run::Mode;
use workbench::shop::{Shop, ShopOptions};

use crate::world::{DELIVERIES, World};

/// The drivers that the cases run on: each that is meant to be correct.
pub const DRIVERS: [Driver; 5] = Driver::CORRECT;

/// What is started at most once.
#[derive(Debug)]
pub struct Stage {
    guard: OnceCell<Guard>,
    programs: OnceCell<PathBuf>,
    logs: OnceCell<tempfile::TempDir>,
    infrastructure: OnceCell<Infrastructure>,
    worlds: BTreeMap<Driver, OnceCell<Arc<World>>>,
}

impl Default for Stage {
    fn default() -> Stage {
        Stage {
            guard: OnceCell::new(),
            programs: OnceCell::new(),
            logs: OnceCell::new(),
            infrastructure: OnceCell::new(),
            worlds: DRIVERS.into_iter().map(|driver| (driver, OnceCell::new())).collect(),
        }
    }
}

impl Stage {
    /// The process that cleans up should this one be killed.
    pub async fn guard(&self) -> Result<&Guard> {
        self.guard.get_or_try_init(async || Guard::start()).await
    }

    /// The folder of the shop's programs, built.
    pub async fn programs(&self) -> Result<&PathBuf> {
        let all: Vec<&str> = Mode::ALL.iter().flat_map(|mode| mode.programs()).copied().collect();
        self.programs.get_or_try_init(async || workbench::binaries::ensure_built(&all).await).await
    }

    /// PostgreSQL and RabbitMQ.
    pub async fn infrastructure(&self) -> Result<&Infrastructure> {
        self.infrastructure.get_or_try_init(async || self.new_infrastructure().await).await
    }

    /// Servers that nobody else uses, for a case that breaks them.
    pub async fn new_infrastructure(&self) -> Result<Infrastructure> {
        let options = Options { needs_broker: true, ..Options::default() };
        Infrastructure::find(self.guard().await?, &options).await
    }

    /// The shop that cases of this driver share.
    pub async fn world(&self, driver: Driver) -> Result<Arc<World>> {
        let cell = self.worlds.get(&driver).with_context(|| format!("{driver} is not among DRIVERS"))?;
        let world = cell.get_or_try_init(async || {
            let infrastructure = self.infrastructure().await?;
            anyhow::Ok(Arc::new(self.new_world(driver, infrastructure).await?))
        });
        Ok(world.await?.clone())
    }

    /// A shop that nobody else uses, for a case that breaks it.
    pub async fn new_world(&self, driver: Driver, infrastructure: &Infrastructure) -> Result<World> {
        self.new_world_of(driver, infrastructure, DELIVERIES).await
    }

    /// The same, in which every message is published so often.
    pub async fn new_world_of(
        &self,
        driver: Driver,
        infrastructure: &Infrastructure,
        deliveries: u8,
    ) -> Result<World> {
        let logs = self.logs.get_or_try_init(async || tempfile::tempdir()).await?;
        let options = ShopOptions {
            programs: self.programs().await?.clone(),
            logs: logs.path().join(format!("{}-{}", driver.name(), uuid::Uuid::new_v4().simple())),
            deliveries,
            pool: None,
            flaws: Vec::new(),
        };
        let shop = Shop::start(self.guard().await?, driver, infrastructure, &options)
            .await
            .context("the shop did not start")?;
        World::new(shop).await
    }

    /// Audits a world that only one case used, and stops it.
    pub async fn close(
        &self,
        world: World,
        infrastructure: &Infrastructure,
        expected: Expected,
    ) -> Result<()> {
        let audited = world.audit(expected).await;
        world.into_shop().stop(infrastructure).await?;
        audited
    }

    /// Audits and stops the shared worlds, then the servers.
    pub async fn finish(self) -> Result<()> {
        let worlds = self.worlds.into_values().filter_map(OnceCell::into_inner);
        let mut outcome = Ok(());
        for world in worlds {
            let driver = world.driver;
            let audited = world.audit(Expected::default()).await.context("at the end of all cases");
            let stopped = match (Arc::into_inner(world), self.infrastructure.get()) {
                (Some(world), Some(infrastructure)) => world.into_shop().stop(infrastructure).await,
                _ => Err(anyhow!("a case still holds the world of {driver}")),
            };
            outcome = outcome.and(audited).and(stopped);
        }
        match self.infrastructure.into_inner() {
            Some(infrastructure) => outcome.and(infrastructure.stop().await),
            None => outcome,
        }
    }
}
