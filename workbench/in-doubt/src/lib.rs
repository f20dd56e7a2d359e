//! Lists prepared transactions that are in doubt, shows what they block, and finishes them.
//!
//! A prepared transaction has no session. It outlives its process and even the server, and keeps its locks. So no
//! list of sessions shows it, and the sessions that wait for it seem to wait for nothing.

use anyhow::{Context, Result};
use chrono::Utc;

mod branch;
mod read;
mod resolve;
mod text;
mod words;

pub use branch::{Branch, Coordinator, Decision, InDoubt, Lock, Resolution, Waiter};
use read::Source;

/// Reads the prepared branches of these databases.
pub async fn look(urls: &[String]) -> Result<InDoubt> {
    let mut sources = Vec::new();
    for url in urls {
        let shown = servers::shown(url)?;
        let mut connection = servers::connect(url).await.with_context(|| words::cannot_connect(&shown))?;
        let source = Source::read(&mut connection).await.with_context(|| words::cannot_read(&shown))?;
        sources.push((shown, source));
    }
    let (databases, sources): (Vec<String>, Vec<Source>) = sources.into_iter().unzip();
    let mut branches: Vec<Branch> =
        (0..sources.len()).flat_map(|index| read::branches(&sources, index)).collect();
    branches.sort_by(|one, other| (one.prepared_at, &one.gid).cmp(&(other.prepared_at, &other.gid)));
    Ok(InDoubt { schema: "cleave.in-doubt/1", at: Utc::now(), databases, branches })
}

/// Finishes the branches in these databases according to the recorded decisions. Leaves a branch alone if its
/// coordinator is running, because that finishes the branch itself.
pub async fn resolve(urls: &[String]) -> Result<InDoubt> {
    let mut in_doubt = look(urls).await?;
    resolve::all(&mut in_doubt, urls).await?;
    Ok(in_doubt)
}
