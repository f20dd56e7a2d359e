//! What the shops of one `cleave up` have in common, and how one of them is replaced by a fresh one.

use parking_lot::{Mutex, MutexGuard};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use tokio::sync::RwLock;

use super::state::{Claim, State};
use crate::words;
use servers::Infrastructure;
use servers::binaries;
use servers::guard::Guard;
use shop::seed::Goods;
use shop::supervisor::Supervisor;
use shop::{Shop, ShopOptions};
use topology::{BEFORE_MONOLITHS, Driver, Mode, programs};

/// The seed of the goods. Always the same, so that what a guide says to try works.
pub const SEED: u64 = 1;
/// The folder of the logs, in the folder of runs and state.
pub const LOGS: &str = "up-logs";

/// What is to be up.
#[derive(Debug)]
pub struct Wanted {
    /// A shop with each of these drivers.
    pub drivers: Vec<Driver>,
    /// Rules that every shop leaves out on purpose.
    pub flaws: Vec<String>,
    /// Whether there is a proxy in every link, where faults can be put.
    pub proxies: bool,
    /// Which servers to use.
    pub infra: servers::Options,
}

/// Shops with their supervisors. Whoever replaces one waits until nobody uses it any more.
pub type Shops = RwLock<Vec<(Driver, Supervisor)>>;

/// The shops that can be controlled.
#[derive(Debug, Clone)]
pub struct Control {
    /// Each with its supervisor.
    pub shops: Arc<Shops>,
    /// What replaces one by a fresh one.
    pub stage: Arc<Stage>,
}

/// Programs, servers, and what is written down of the shops.
#[derive(Debug)]
pub struct Stage {
    guard: Guard,
    folder: PathBuf,
    programs: PathBuf,
    flaws: Vec<String>,
    proxies: bool,
    /// The servers underneath.
    pub infra: Arc<tokio::sync::Mutex<Infrastructure>>,
    published: Mutex<Option<(Claim, State)>>,
    /// One at a time.
    renewing: tokio::sync::Mutex<()>,
}

impl Stage {
    /// Builds the programs, and finds or starts the servers.
    pub async fn set(guard: &Guard, folder: &Path, wanted: &Wanted) -> Result<Stage> {
        let mut needed = programs(&wanted.drivers);
        needed.extend(BEFORE_MONOLITHS);
        needed.sort_unstable();
        needed.dedup();
        let programs = binaries::ensure_built(&needed).await?;
        let logs = folder.join(LOGS);
        std::fs::create_dir_all(&logs).with_context(|| words::cannot_create(logs.display()))?;
        let needs_broker = wanted.drivers.iter().any(|driver| driver.mode() == Mode::Split);
        let servers = servers::Options { needs_broker, logs: Some(logs), ..wanted.infra.clone() };
        let infra = Infrastructure::find(guard, &servers).await?;
        Ok(Stage {
            guard: guard.clone(),
            folder: folder.to_owned(),
            programs,
            flaws: wanted.flaws.clone(),
            proxies: wanted.proxies,
            infra: Arc::new(tokio::sync::Mutex::new(infra)),
            published: Mutex::default(),
            renewing: tokio::sync::Mutex::default(),
        })
    }

    /// Starts a shop on fresh databases, and puts goods into it.
    pub async fn start(&self, driver: Driver) -> Result<Shop> {
        terminal::note!("{}", words::starting(driver));
        let logs = logs_of(&self.folder, driver);
        // Of the last time; a log is read from its beginning to learn where its process listens.
        let _ = std::fs::remove_dir_all(&logs);
        let options = ShopOptions {
            flaws: self.flaws.clone(),
            behind_gateway: true,
            proxied: self.proxies,
            exports: true,
            ..ShopOptions::new(&self.programs, logs)
        };
        let shop = Shop::start(&self.guard, driver, &*self.infra.lock().await, &options).await?;
        Goods::new(SEED).put_into(&shop).await?;
        Ok(shop)
    }

    /// From here on whatever ends in the shop is started again.
    pub async fn supervise(&self, shop: Shop) -> Result<Supervisor> {
        let logs = logs_of(&self.folder, shop.driver);
        Supervisor::start(shop, self.infra.clone(), &logs).await
    }

    /// Writes down what is up, for the commands that come after.
    pub fn publish(&self, claim: Claim, state: State) -> Result<()> {
        claim.publish(&state)?;
        *self.published() = Some((claim, state));
        Ok(())
    }

    /// From here on nothing is up, for those who ask.
    pub fn withdraw(&self) {
        *self.published() = None;
    }

    /// Puts a fresh shop, with this driver and the goods that every shop begins with, in the place of one that is up.
    pub async fn renew(&self, shops: &Shops, shop: Driver, driver: Driver) -> Result<()> {
        ensure!(shop.mode() == driver.mode(), words::another_mode(shop.mode(), driver));
        let _one_at_a_time = self.renewing.lock().await;
        let place = self.place_of(shop, driver)?;
        let old = {
            let mut shops = shops.write().await;
            let known = shops.iter().position(|(known, _)| *known == shop);
            known.map(|known| shops.remove(known).1)
        };
        // There is none where this failed the last time, and is tried again.
        if let Some(old) = old
            && let Err(why) = self.clear(old).await
        {
            // What is left of it does not stand in the way of a fresh one.
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

    /// Where a shop stands among those that are up.
    fn place_of(&self, shop: Driver, driver: Driver) -> Result<usize> {
        let published = self.published();
        let (_, state) = published.as_ref().with_context(words::stopping)?;
        let known = |driver: Driver| state.shops.iter().position(|known| known.driver == driver);
        ensure!(driver == shop || known(driver).is_none(), words::is_up_already(driver));
        known(shop).with_context(|| words::not_up(shop))
    }

    async fn clear(&self, old: Supervisor) -> Result<()> {
        // What cannot be healed goes with the shop.
        let healed = old.faults().heal_all().await;
        old.release().await?.stop(&*self.infra.lock().await).await?;
        healed.map(drop)
    }

    fn published(&self) -> MutexGuard<'_, Option<(Claim, State)>> {
        self.published.lock()
    }
}

/// The folder of the logs of a shop.
fn logs_of(folder: &Path, driver: Driver) -> PathBuf {
    folder.join(LOGS).join(driver.to_string().replace(':', "-"))
}
