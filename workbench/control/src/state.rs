//! The state file: the running shops, for other commands.

use std::fs::{self, File, TryLockError};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use servers::process_tree::start_time;
use topology::{ProcessHandle, ShopHandle};

use crate::{Access, Client, ProcessState, ShopState, words};

/// The running shops, and the process that runs them.
#[derive(Debug, Serialize, Deserialize)]
pub struct UpState {
    /// When all of it was ready.
    pub started_at: DateTime<Utc>,
    /// The process of `cleave up`.
    pub pid: u32,
    /// When that process started, in seconds since 1970. The id alone may belong to another process by now.
    pub pid_started: u64,
    /// Rules that every shop leaves out on purpose.
    pub flaws: Vec<String>,
    /// The shops.
    pub shops: Vec<ShopHandle>,
    /// How other commands reach the shops.
    pub control: Option<Access>,
}

/// The exclusive right to be the running `cleave up`, until it is dropped.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    _lock: File,
}

impl Claim {
    /// Takes the right. If another process has it, the error says so.
    pub fn take(folder: &Path) -> Result<Claim> {
        fs::create_dir_all(folder).with_context(|| words::cannot_create(folder.display()))?;
        // The operating system releases the lock when its holder ends, even after a crash.
        let lock = File::create(folder.join("up.lock")).with_context(words::cannot_lock)?;
        match lock.try_lock() {
            Ok(()) => Ok(Claim { path: path(folder), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!(words::up_already())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(words::cannot_lock),
        }
    }

    /// Writes the state. Readable by this user only, because it contains passwords.
    pub fn publish(&self, state: &UpState) -> Result<()> {
        // Written to a new file and renamed, so that a reader finds either the old or the new state.
        let fresh = self.path.with_extension("new");
        let _ = fs::remove_file(&fresh);
        let file = File::options().write(true).create_new(true).mode(0o600).open(&fresh);
        let written =
            file.and_then(|mut file| file.write_all(serde_json::to_string_pretty(state)?.as_bytes()));
        written
            .and_then(|()| fs::rename(&fresh, &self.path))
            .with_context(|| words::cannot_write(self.path.display()))
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

impl UpState {
    /// The state of what is running; `None` if nothing is. The state that a killed `cleave up` left behind does not
    /// count.
    pub fn read(folder: &Path) -> Result<Option<UpState>> {
        let path = path(folder);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| words::cannot_read(path.display())),
        };
        let state: UpState =
            serde_json::from_slice(&text).with_context(|| words::state_damaged(path.display()))?;
        Ok(Some(state).filter(UpState::lives))
    }

    /// Whether the process that runs the shops is still alive.
    pub fn lives(&self) -> bool {
        start_time(self.pid) == Some(self.pid_started)
    }
}

/// A client for the control interface in this state.
pub fn client_of(state: &UpState) -> Result<Client> {
    let access = state.control.clone();
    Client::new(access.with_context(words::another_version)?)
}

/// A client for the control interface, given only the folder.
pub fn client(folder: &Path) -> Result<Client> {
    client_of(&running(folder)?)
}

/// Whether anything is running.
pub fn is_running(folder: &Path) -> Result<bool> {
    Ok(UpState::read(folder)?.is_some())
}

/// The state of what is running; an error if nothing is.
pub fn running(folder: &Path) -> Result<UpState> {
    UpState::read(folder)?.with_context(words::nothing_is_up)
}

/// The URLs of all databases in use; `None` if nothing is running.
pub fn databases(folder: &Path) -> Result<Option<Vec<String>>> {
    let Some(state) = UpState::read(folder)? else { return Ok(None) };
    let urls = state.shops.iter().flat_map(|shop| shop.databases.distinct());
    Ok(Some(urls.map(|(_, url)| url.to_owned()).collect()))
}

/// The running shops with their current processes.
pub async fn shops(folder: &Path) -> Result<Vec<ShopHandle>> {
    let state = running(folder)?;
    let now: Vec<ShopState> = client_of(&state)?.get("/state").await?;
    let with_processes = |shop: ShopHandle| {
        let now = now.iter().find(|now| now.shop == shop.driver)?;
        let process = |process: &ProcessState| ProcessHandle {
            name: process.name.clone(),
            pid: process.pid,
            address: process.address.clone(),
        };
        Some(ShopHandle { processes: now.processes.iter().map(process).collect(), ..shop })
    };
    Ok(state.shops.into_iter().filter_map(with_processes).collect())
}
