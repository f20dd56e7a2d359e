//! The queues of a shop on a broker of the user's. AMQP cannot list queues, so each shop's namespace is written down while
//! its queues are there: what was not removed can be removed later.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use terminal::output::default_folder;

use crate::words;
use faults::tap::delete_queues;
use servers::left::Owner;
use servers::{FoundBy, Infrastructure};

/// The queues of one shop.
#[derive(Debug, Serialize, Deserialize)]
pub struct Queues {
    /// What their names begin with.
    pub namespace: String,
    /// The broker, without its password.
    pub broker: String,
    owner: Owner,
}

impl Queues {
    /// Whether the `cleave` that made them still runs.
    pub fn in_use(&self) -> bool {
        self.owner.lives()
    }
}

/// Deletes the queues with this namespace, and forgets them.
pub async fn delete(url: &str, namespace: &str) -> Result<()> {
    delete_queues(url, namespace).await?;
    forget(&folder()?, namespace)
}

/// Whether they stay when Cleave ends: a private broker goes with its queues.
pub(crate) fn stay(infra: &Infrastructure) -> bool {
    infra.rabbitmq.as_ref().is_some_and(|broker| broker.running.found_by() == FoundBy::Url)
}

/// Writes down that this process makes queues on this broker.
pub(crate) fn record(url: &str, namespace: &str) -> Result<()> {
    let (folder, broker) = (folder()?, servers::shown(url)?);
    let queues = Queues { namespace: namespace.to_owned(), broker, owner: Owner::this() };
    let path = path(&folder, namespace);
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, serde_json::to_vec(&queues)?));
    written.with_context(|| words::cannot_write(path.display()))
}

/// What was written down and not forgotten.
pub fn left() -> Result<Vec<Queues>> {
    let entries = fs::read_dir(folder()?).into_iter().flatten().flatten();
    // What cannot be read is not known to be ours.
    Ok(entries.filter_map(|entry| serde_json::from_slice(&fs::read(entry.path()).ok()?).ok()).collect())
}

fn folder() -> Result<PathBuf> {
    Ok(default_folder()?.join("queues"))
}

fn path(folder: &Path, namespace: &str) -> PathBuf {
    folder.join(format!("{namespace}.json"))
}

fn forget(folder: &Path, namespace: &str) -> Result<()> {
    let path = path(folder, namespace);
    fs::remove_file(&path).with_context(|| words::cannot_write(path.display()))
}
