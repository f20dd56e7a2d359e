//! The queues of a shop on a broker that the user supplies. AMQP cannot list queues, so the namespace of each shop is
//! recorded on disk while its queues exist. Queues that are left over can then be removed later.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use terminal::output::default_folder;

use crate::words;
use faults::tap::delete_queues;
use servers::mark::Owner;
use servers::{FoundBy, Infrastructure};

/// The queues of one shop.
#[derive(Debug, Serialize, Deserialize)]
pub struct Queues {
    /// The prefix of their names.
    pub namespace: String,
    /// The broker, without its password.
    pub broker: String,
    owner: Owner,
}

impl Queues {
    /// Whether the `cleave` process that created them is still running.
    pub fn in_use(&self) -> bool {
        self.owner.lives()
    }
}

/// Deletes the queues with this namespace, and their record.
pub async fn delete(url: &str, namespace: &str) -> Result<()> {
    delete_queues(url, namespace).await?;
    forget(&folder()?, namespace)
}

/// Whether queues outlive Cleave. Those on a private broker do not.
pub(crate) fn stay(infra: &Infrastructure) -> bool {
    infra.rabbitmq.as_ref().is_some_and(|broker| broker.running.found_by() == FoundBy::Url)
}

/// Records that this process creates queues on this broker.
pub(crate) fn record(url: &str, namespace: &str) -> Result<()> {
    let (folder, broker) = (folder()?, servers::shown(url)?);
    let queues = Queues { namespace: namespace.to_owned(), broker, owner: Owner::this() };
    let path = path(&folder, namespace);
    let written = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, serde_json::to_vec(&queues)?));
    written.with_context(|| words::cannot_write(path.display()))
}

/// The recorded queues that were not deleted.
pub fn left() -> Result<Vec<Queues>> {
    let entries = fs::read_dir(folder()?).into_iter().flatten().flatten();
    // An unreadable record may not be Cleave's, so it is skipped.
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
