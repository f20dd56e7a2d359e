//! What is up, written down for the commands that come after.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::control::Access;
use crate::driver::Driver;
use crate::process::start_time;
use crate::shop::{Databases, Shop};

/// What is up, and the process that holds it up.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    pub(crate) started_at: DateTime<Utc>,
    pub(crate) pid: u32,
    /// Seconds since 1970. A bare id may be another process's by now.
    pub(crate) pid_started: u64,
    /// Rules that every shop leaves out on purpose.
    pub(crate) flaws: Vec<String>,
    pub(crate) shops: Vec<RunningShop>,
    /// How other commands reach the shops.
    pub(crate) control: Option<Access>,
}

/// A shop that is up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunningShop {
    pub(crate) driver: Driver,
    pub(crate) address: String,
    pub(crate) databases: Databases,
    pub(crate) namespace: Option<String>,
    pub(crate) amqp_url: Option<String>,
    pub(crate) processes: Vec<(String, u32)>,
}

/// The right to be the one that is up, as long as it is kept.
#[derive(Debug)]
pub(super) struct Claim {
    path: PathBuf,
    _lock: File,
}

impl Claim {
    /// Takes the right, or says who has it.
    pub(super) fn take(folder: &Path) -> Result<Claim> {
        fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
        // The system lets go of a lock when its holder ends, however it ends.
        let lock = File::create(folder.join("up.lock")).context("cannot create the lock of `cleave up`")?;
        match lock.try_lock() {
            Ok(()) => Ok(Claim { path: path(folder), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!("`cleave up` is running already; see `cleave status`, or stop it with `cleave down`")
            }
            Err(TryLockError::Error(error)) => Err(error).context("cannot lock the state of `cleave up`"),
        }
    }

    /// Writes down what is up. For this user alone: there are passwords in it.
    pub(super) fn publish(&self, state: &State) -> Result<()> {
        // Beside it, and then in its place: whoever reads meanwhile finds the old one or the new one.
        let fresh = self.path.with_extension("new");
        let _ = fs::remove_file(&fresh);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&fresh);
        let written =
            file.and_then(|mut file| file.write_all(serde_json::to_string_pretty(state)?.as_bytes()));
        written
            .and_then(|()| fs::rename(&fresh, &self.path))
            .with_context(|| format!("cannot write {}", self.path.display()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("up.json")
}

impl State {
    /// What is up now; `None` if nothing is. What a `cleave up` that was killed has left does not count.
    pub(crate) fn read(folder: &Path) -> Result<Option<State>> {
        let path = path(folder);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {}", path.display())),
        };
        let state: State = serde_json::from_slice(&text)
            .with_context(|| format!("{} is damaged; remove it", path.display()))?;
        Ok(Some(state).filter(State::lives))
    }

    /// Whether the process that holds all of this up still runs.
    pub(crate) fn lives(&self) -> bool {
        start_time(self.pid) == Some(self.pid_started)
    }
}

impl RunningShop {
    pub(crate) fn of(shop: &Shop) -> RunningShop {
        RunningShop {
            driver: shop.driver,
            address: shop.address.clone(),
            databases: shop.databases.clone(),
            namespace: shop.namespace.clone(),
            amqp_url: shop.amqp_url().map(str::to_owned),
            processes: shop.processes().into_iter().map(|(name, pid)| (name.to_owned(), pid)).collect(),
        }
    }

    /// Whether its door answers that it is ready.
    pub(crate) async fn is_ready(&self) -> bool {
        let Ok(client) = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build() else {
            return false;
        };
        let answer = client.get(format!("{}/health/ready", self.address)).send().await;
        answer.is_ok_and(|response| response.status().is_success())
    }
}
