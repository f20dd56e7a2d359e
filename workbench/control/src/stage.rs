//! What the shops of one `cleave up` share, and how one of them is replaced by a fresh one.

use parking_lot::{Mutex, MutexGuard};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use tokio::sync::RwLock;

use super::state::{Claim, UpState};
use crate::words;
use servers::Infrastructure;
use servers::binaries;
use servers::guard::Guard;
use shop::seed::Goods;
use shop::shared::Shared;
use shop::supervisor::Supervisor;
use shop::{Shop, ShopOptions};
use topology::{BEFORE_MONOLITHS, Driver, programs};

/// The seed of the products. It never changes, so the examples in the guides work.
pub const SEED: u64 = 1;
/// The folder of the logs, in the folder of runs and state.
pub const LOGS: &str = "up-logs";

/// The shops to start.
#[derive(Debug)]
pub struct WantedShops {
    /// One shop per driver.
    pub drivers: Vec<Driver>,
    /// Rules that every shop leaves out on purpose.
    pub flaws: Vec<String>,
    /// Whether every link has a proxy, where faults can act.
    pub proxies: bool,
    /// Which servers to use.
    pub infra: servers::ServerOptions,
}

/// Shops with their supervisors. A replacement waits until no request uses the shops.
pub type Shops = RwLock<Vec<(Driver, Supervisor)>>;

/// Controls the running shops.
#[derive(Debug, Clone)]
pub struct Control {
    /// Each shop with its supervisor.
    pub shops: Shared<Shops>,
    /// Replaces a shop by a fresh one.
    pub stage: Shared<Stage>,
}

/// Programs, servers, and the published state of the shops.
#[derive(Debug)]
pub struct Stage {
    guard: Guard,
    folder: PathBuf,
    programs: PathBuf,
    flaws: Vec<String>,
    proxies: bool,
    servers: servers::ServerOptions,
    /// The servers of the shops.
    pub infra: Shared<tokio::sync::Mutex<Infrastructure>>,
    published: Mutex<Option<(Claim, UpState)>>,
    /// Only one renewal at a time.
    renewing: tokio::sync::Mutex<()>,
}

impl Stage {
    /// Builds the programs, and finds or starts the servers.
    pub async fn set(guard: &Guard, folder: &Path, wanted: &WantedShops) -> Result<Stage> {
        let mut needed = programs(&wanted.drivers);
        needed.extend(BEFORE_MONOLITHS);
        needed.sort_unstable();
        needed.dedup();
        let programs = binaries::ensure_built(&needed).await?;
        let logs = folder.join(LOGS);
        std::fs::create_dir_all(&logs).with_context(|| words::cannot_create(logs.display()))?;
        let needs_broker = wanted.drivers.iter().any(|driver| driver.has_messages());
        let servers = servers::ServerOptions { needs_broker, logs: Some(logs), ..wanted.infra.clone() };
        let infra = Infrastructure::find(guard, &servers).await?;
        Ok(Stage {
            guard: guard.clone(),
            folder: folder.to_owned(),
            programs,
            flaws: wanted.flaws.clone(),
            proxies: wanted.proxies,
            servers,
            infra: Shared::new(tokio::sync::Mutex::new(infra)),
            published: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        })
    }

    /// Starts a shop on fresh databases, and fills it with products.
    pub async fn start(&self, driver: Driver) -> Result<Shop> {
        terminal::note!("{}", words::starting(driver));
        let logs = logs_of(&self.folder, driver);
        // Remove the old logs: a process's address is read from the beginning of its log.
        let _ = std::fs::remove_dir_all(&logs);
        let options = ShopOptions {
            flaws: self.flaws.clone(),
            exports: true,
            ..ShopOptions::behind_gateway(&self.programs, logs, self.proxies)
        };
        let shop = Shop::start(&self.guard, driver, &*self.infra.lock().await, &options).await?;
        Goods::new(SEED).put_into(&shop).await?;
        Ok(shop)
    }

    /// How servers are found that are not needed from the start.
    pub fn servers(&self) -> &servers::ServerOptions {
        &self.servers
    }

    /// Builds the program of a module that is about to become a service.
    pub async fn build_service(&self, module: &str) -> Result<()> {
        binaries::ensure_built(&[&format!("{module}-service")]).await.map(|_| ())
    }

    /// A shop's driver has changed: the other commands learn of it.
    pub async fn changed(&self, shops: &Shops, before: Driver, supervisor: &Supervisor) -> Result<()> {
        let handle = supervisor.shop().await.handle();
        if let Some((known, _)) = shops.write().await.iter_mut().find(|(known, _)| *known == before) {
            *known = handle.driver;
        }
        if let Some((claim, state)) = &mut *self.published() {
            if let Some(known) = state.shops.iter_mut().find(|known| known.driver == before) {
                *known = handle;
            }
            claim.publish(state)?;
        }
        Ok(())
    }

    /// Supervises the shop: from now on processes that end are restarted.
    pub async fn supervise(&self, shop: Shop) -> Result<Supervisor> {
        let logs = logs_of(&self.folder, shop.driver);
        Supervisor::start(shop, self.infra.clone(), &logs).await
    }

    /// Writes the state of the running shops for other commands.
    pub fn publish(&self, claim: Claim, state: UpState) -> Result<()> {
        claim.publish(&state)?;
        *self.published() = Some((claim, state));
        Ok(())
    }

    /// Removes the state: from now on nothing counts as running.
    pub fn withdraw(&self) {
        *self.published() = None;
    }

    /// Replaces a running shop by a fresh one with this driver and the initial products.
    pub async fn renew(&self, shops: &Shops, shop: Driver, driver: Driver) -> Result<()> {
        ensure!(shop.mode() == driver.mode(), words::another_mode(shop.mode(), driver));
        let _one_at_a_time = self.renewing.lock().await;
        let place = self.place_of(shop, driver)?;
        let old = {
            let mut shops = shops.write().await;
            let known = shops.iter().position(|(known, _)| *known == shop);
            known.map(|known| shops.remove(known).1)
        };
        // There is no old shop if an earlier renewal failed halfway.
        if let Some(old) = old
            && let Err(why) = self.clear(old).await
        {
            // Leftovers of the old shop do not prevent a fresh one.
            terminal::note!("{shop}: {why:#}");
        }
        let fresh = self.start(driver).await?;
        let running = fresh.handle();
        let supervisor = self.supervise(fresh).await?;
        let mut shops = shops.write().await;
        let last = shops.len();
        shops.insert(place.min(last), (driver, supervisor));
        if let Some((claim, state)) = &mut *self.published() {
            state.shops.retain(|known| known.driver != shop);
            let last = state.shops.len();
            state.shops.insert(place.min(last), running);
            claim.publish(state)?;
        }
        Ok(())
    }

    /// The index of a shop among the running ones.
    fn place_of(&self, shop: Driver, driver: Driver) -> Result<usize> {
        let published = self.published();
        let (_, state) = published.as_ref().with_context(words::stopping)?;
        let known = |driver: Driver| state.shops.iter().position(|known| known.driver == driver);
        ensure!(driver == shop || known(driver).is_none(), words::is_up_already(driver));
        known(shop).with_context(|| words::not_up(shop))
    }

    async fn clear(&self, old: Supervisor) -> Result<()> {
        // A fault that cannot be healed ends with the shop.
        let healed = old.faults().heal_all().await;
        old.release().await?.stop(&*self.infra.lock().await).await?;
        healed.map(drop)
    }

    fn published(&self) -> MutexGuard<'_, Option<(Claim, UpState)>> {
        self.published.lock()
    }
}

/// The log folder of a shop.
fn logs_of(folder: &Path, driver: Driver) -> PathBuf {
    folder.join(LOGS).join(driver.to_string().replace(':', "-"))
}
