//! The servers and shops that all cases share, started when the first case needs them.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result};
use audit::Expected;
use servers::guard::Guard;
use servers::{Infrastructure, ServerOptions};
use shop::{Shop, ShopOptions};
use tokio::sync::{OnceCell, RwLock, RwLockReadGuard, RwLockWriteGuard};
use topology::Driver;

use crate::world::{DELIVERIES, World};

/// Instances of each service. With two, cases find what a single instance gets right only by chance.
const INSTANCES: usize = 2;
/// Database connections of each instance, so that both together have as many as a single one has.
const POOL: u16 = 4;

/// The drivers that the cases run on.
pub const DRIVERS: [Driver; 8] = Driver::CHECKED;

/// What is started at most once per run of the suite.
#[derive(Debug, Default)]
pub struct Stage {
    guard: OnceCell<Guard>,
    programs: OnceCell<PathBuf>,
    logs: OnceCell<tempfile::TempDir>,
    infrastructure: OnceCell<Infrastructure>,
    turns: RwLock<()>,
}

/// The shop that all cases of one driver share. Each case holds the seat, and the last one closes the shop,
/// so that an idle shop does not disturb the cases of other drivers.
#[derive(Debug)]
pub struct Seat {
    driver: Driver,
    world: OnceCell<Arc<World>>,
}

impl Seat {
    /// Starts nothing yet; the first case does.
    pub fn new(driver: Driver) -> Seat {
        Seat { driver, world: OnceCell::new() }
    }

    /// The shop, started if necessary.
    pub async fn world(&self, stage: &Stage) -> Result<Arc<World>> {
        let world = self.world.get_or_try_init(async || {
            anyhow::Ok(Arc::new(stage.new_world(self.driver, stage.infrastructure().await?).await?))
        });
        Ok(world.await?.clone())
    }

    /// Audits the shop and stops it, if it was started.
    pub async fn close(self, stage: &Stage) -> Result<()> {
        let Some(world) = self.world.into_inner() else { return Ok(()) };
        let world = Arc::into_inner(world).with_context(|| format!("a case still holds {}", self.driver))?;
        let closed = stage.close(world, stage.infrastructure().await?, Expected::default()).await;
        closed.with_context(|| format!("at the end of all cases of {}", self.driver))
    }
}

impl Stage {
    /// The process that cleans up if this one is killed.
    pub async fn guard(&self) -> Result<&Guard> {
        self.guard.get_or_try_init(async || Guard::start()).await
    }

    /// The folder with the shop's programs and `cleave`, built if necessary.
    pub async fn programs(&self) -> Result<&PathBuf> {
        let mut all = topology::programs(&[Driver::Local, Driver::Orchestrated]);
        all.push("cleave");
        self.programs.get_or_try_init(async || servers::binaries::ensure_built(&all).await).await
    }

    /// For a case that may run in parallel with others. The runner calls this, not the case.
    pub async fn with_others(&self) -> RwLockReadGuard<'_, ()> {
        self.turns.read().await
    }

    /// For a case that measures, or uses every core: waits until no other case runs, and keeps others from
    /// starting.
    pub async fn to_itself(&self) -> RwLockWriteGuard<'_, ()> {
        self.turns.write().await
    }

    /// PostgreSQL and RabbitMQ.
    pub async fn infrastructure(&self) -> Result<&Infrastructure> {
        self.infrastructure.get_or_try_init(async || self.new_infrastructure().await).await
    }

    /// Separate servers, for a case that breaks them.
    pub async fn new_infrastructure(&self) -> Result<Infrastructure> {
        let options = ServerOptions { needs_broker: true, ..ServerOptions::default() };
        Infrastructure::find(self.guard().await?, &options).await
    }

    /// A separate shop, for a case that breaks it. A split shop has two instances of each service.
    pub async fn new_world(&self, driver: Driver, infrastructure: &Infrastructure) -> Result<World> {
        self.new_world_of(driver, infrastructure, DELIVERIES).await
    }

    /// The same, with a gateway in front of a monolith.
    pub async fn new_world_behind_gateway(
        &self,
        driver: Driver,
        infrastructure: &Infrastructure,
    ) -> Result<World> {
        let options = self.options(driver, DELIVERIES, 1).await?;
        self.start(driver, infrastructure, ShopOptions { behind_gateway: true, ..options }).await
    }

    /// The same, with telemetry off.
    pub async fn new_world_without_telemetry(
        &self,
        driver: Driver,
        infrastructure: &Infrastructure,
    ) -> Result<World> {
        let options = self.options(driver, DELIVERIES, INSTANCES).await?;
        self.start(driver, infrastructure, ShopOptions { telemetry: false, ..options }).await
    }

    /// The same, with every message published this many times.
    pub async fn new_world_of(
        &self,
        driver: Driver,
        infrastructure: &Infrastructure,
        deliveries: u8,
    ) -> Result<World> {
        let options = self.options(driver, deliveries, INSTANCES).await?;
        self.start(driver, infrastructure, options).await
    }

    /// The same with one instance of each service, for a case that kills or pauses an instance that must have no
    /// substitute, or that counts what one process does.
    pub async fn new_world_of_one(
        &self,
        driver: Driver,
        infrastructure: &Infrastructure,
        deliveries: u8,
    ) -> Result<World> {
        let options = self.options(driver, deliveries, 1).await?;
        self.start(driver, infrastructure, options).await
    }

    /// The same, with these rules left out.
    pub async fn new_flawed_world(
        &self,
        driver: Driver,
        infrastructure: &Infrastructure,
        flaws: &[&str],
    ) -> Result<World> {
        let flaws = flaws.iter().map(|flaw| (*flaw).to_owned()).collect();
        let options = ShopOptions { flaws, ..self.options(driver, DELIVERIES, INSTANCES).await? };
        self.start(driver, infrastructure, options).await
    }

    async fn options(&self, driver: Driver, deliveries: u8, instances: usize) -> Result<ShopOptions> {
        let logs = self.logs.get_or_try_init(async || tempfile::tempdir()).await?;
        let logs = logs.path().join(format!(
            "{}-{}",
            driver.name().replace('/', "-"),
            uuid::Uuid::new_v4().simple()
        ));
        let pool = (instances > 1 && driver.has_messages()).then_some(POOL);
        Ok(ShopOptions { deliveries, instances, pool, ..ShopOptions::new(self.programs().await?, logs) })
    }

    async fn start(
        &self,
        driver: Driver,
        infrastructure: &Infrastructure,
        options: ShopOptions,
    ) -> Result<World> {
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

    /// Stops the servers.
    pub async fn finish(self) -> Result<()> {
        match self.infrastructure.into_inner() {
            Some(infrastructure) => infrastructure.stop().await,
            None => Ok(()),
        }
    }
}
