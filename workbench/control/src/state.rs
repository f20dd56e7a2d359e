//! What is up, written down for the commands that come after.

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

/// What is up, and the process that holds it up.
#[derive(Debug, Serialize, Deserialize)]
pub struct State {
    /// When it was all up.
    pub started_at: DateTime<Utc>,
    /// The process of `cleave up`.
    pub pid: u32,
    /// When that process started, in seconds since 1970. A bare id may be another process's by now.
    pub pid_started: u64,
    /// Rules that every shop leaves out on purpose.
    pub flaws: Vec<String>,
    /// The shops.
    pub shops: Vec<ShopHandle>,
    /// How other commands reach the shops.
    pub control: Option<Access>,
}

/// The right to be the one that is up, as long as it is kept.
#[derive(Debug)]
pub struct Claim {
    path: PathBuf,
    _lock: File,
}

impl Claim {
    /// Takes the right, or says who has it.
    pub fn take(folder: &Path) -> Result<Claim> {
        fs::create_dir_all(folder).with_context(|| words::cannot_create(folder.display()))?;
        // The system lets go of a lock when its holder ends, however it ends.
        let lock = File::create(folder.join("up.lock")).with_context(words::cannot_lock)?;
        match lock.try_lock() {
            Ok(()) => Ok(Claim { path: path(folder), _lock: lock }),
            Err(TryLockError::WouldBlock) => {
                bail!(words::up_already())
            }
            Err(TryLockError::Error(error)) => Err(error).with_context(words::cannot_lock),
        }
    }

    /// Writes down what is up. For this user alone: there are passwords in it.
    pub fn publish(&self, state: &State) -> Result<()> {
        // Beside it, and then in its place: whoever reads meanwhile finds the old one or the new one.
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

impl State {
    /// What is up now; `None` if nothing is. What a `cleave up` that was killed has left does not count.
    pub fn read(folder: &Path) -> Result<Option<State>> {
        let path = path(folder);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| words::cannot_read(path.display())),
        };
        let state: State =
            serde_json::from_slice(&text).with_context(|| words::state_damaged(path.display()))?;
        Ok(Some(state).filter(State::lives))
    }

    /// Whether the process that holds all of this up still runs.
    pub fn lives(&self) -> bool {
        start_time(self.pid) == Some(self.pid_started)
    }
}

/// A client of the control interface of what is up.
pub fn client_of(state: &State) -> Result<Client> {
    let access = state.control.clone();
    Client::new(access.with_context(words::another_version)?)
}

/// The same, for commands that only know the folder.
pub fn client(folder: &Path) -> Result<Client> {
    client_of(&running(folder)?)
}

/// Whether anything is up.
pub fn is_running(folder: &Path) -> Result<bool> {
    Ok(State::read(folder)?.is_some())
}

/// What is up; an error that says so if nothing is.
pub fn running(folder: &Path) -> Result<State> {
    State::read(folder)?.with_context(words::nothing_is_up)
}

/// The URLs of all databases of what is up; `None` if nothing is.
pub fn databases(folder: &Path) -> Result<Option<Vec<String>>> {
    let Some(state) = State::read(folder)? else { return Ok(None) };
    let urls = state.shops.iter().flat_map(|shop| shop.databases.distinct());
    Ok(Some(urls.map(|(_, url)| url.to_owned()).collect()))
}

/// The shops that are up, each with the processes that it has now.
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
