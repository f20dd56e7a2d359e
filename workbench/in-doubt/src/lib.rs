//! Prepared transactions that wait for their end, what they block, and how they are finished.
//!
//! A prepared transaction has no session: it outlives its process and even the server, and keeps its locks. So nothing
//! that lists sessions shows it, and those who wait for it seem to wait for nobody.

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use serde::Serialize;
use uuid::Uuid;

mod read;
mod resolve;
mod text;
mod words;

use read::Source;

/// What `in-doubt` writes; `docs/in-doubt.schema.json` describes it.
#[derive(Debug, Serialize)]
pub struct InDoubt {
    schema: &'static str,
    /// When it was looked.
    pub at: DateTime<Utc>,
    /// The databases that were looked into, without passwords.
    pub databases: Vec<String>,
    /// What is prepared there, the oldest first.
    pub branches: Vec<Branch>,
}

/// One module's part of a transaction, prepared.
#[derive(Debug, Clone, Serialize)]
pub struct Branch {
    /// Its name, by which it is finished.
    pub gid: String,
    /// The transaction that it is a part of.
    pub transaction_id: Uuid,
    /// Whose part it is.
    pub module: String,
    /// The database that prepared it, which is the only one that can finish it.
    pub database: String,
    /// When it was prepared.
    pub prepared_at: DateTime<Utc>,
    /// Seconds since then.
    pub age_s: f64,
    /// The start of the coordinator that it is of.
    pub epoch: i64,
    /// Who decides.
    pub coordinator: Coordinator,
    /// What is on record about its transaction.
    pub decision: Decision,
    /// Locks that it holds. Locks of single rows are not among them: the server keeps these in the rows.
    pub locks: Vec<Lock>,
    /// Sessions that wait for it.
    pub waiters: Vec<Waiter>,
    /// What became of it just now, where it was to be resolved.
    pub outcome: Option<Outcome>,
    /// The place of its database among the sources.
    #[serde(skip)]
    source: usize,
    /// The place of the database with its decisions among the sources.
    #[serde(skip)]
    decisions: Option<usize>,
}

/// Who decides about a transaction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coordinator {
    /// What it is called.
    pub name: String,
    /// Whether a process of this name is running; `None` where the database that would tell was not looked into.
    pub alive: Option<bool>,
    /// The number of its last start.
    pub epoch: Option<i64>,
}

/// What is on record about a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// All branches are to be committed.
    Commit,
    /// All are to be rolled back.
    Abort,
    /// Nothing is, which means abort.
    None,
    /// The database with the decisions was not looked into.
    Unknown,
}

/// Locks of one kind.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lock {
    /// The table, or what else is locked.
    pub on: String,
    /// The mode, as PostgreSQL calls it.
    pub mode: String,
    /// How many.
    pub count: i64,
}

/// A session that waits for a branch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waiter {
    /// The session's process on the server.
    pub pid: i32,
    /// Seconds since it began to wait.
    pub waiting_s: f64,
    /// What it wants to do.
    pub statement: String,
    /// How many sessions wait for it in their turn.
    pub behind: usize,
}

/// What became of a branch that was to be resolved.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "result", content = "reason")]
pub enum Outcome {
    /// It was committed, as decided.
    Committed,
    /// It was rolled back, as decided, or because nothing was.
    RolledBack,
    /// It was left alone, for this reason.
    Left(String),
}

/// Looks into these databases.
pub async fn look(urls: &[String]) -> Result<InDoubt> {
    let mut sources = Vec::new();
    for url in urls {
        let shown = servers::shown(url)?;
        let mut connection =
            servers::connect(url).await.with_context(|| format!("cannot connect to {shown}"))?;
        let source =
            Source::read(&mut connection).await.with_context(|| format!("cannot look into {shown}"))?;
        sources.push((shown, source));
    }
    let (databases, sources): (Vec<String>, Vec<Source>) = sources.into_iter().unzip();
    let mut branches: Vec<Branch> =
        (0..sources.len()).flat_map(|index| read::branches(&sources, index)).collect();
    branches.sort_by(|one, other| (one.prepared_at, &one.gid).cmp(&(other.prepared_at, &other.gid)));
    Ok(InDoubt { schema: "cleave.in-doubt/1", at: Utc::now(), databases, branches })
}

/// Finishes what is in doubt in these databases by the decisions on record, except for the branches of those who are
/// alive and do so themselves.
pub async fn resolve(urls: &[String]) -> Result<InDoubt> {
    let mut in_doubt = look(urls).await?;
    resolve::all(&mut in_doubt, urls).await?;
    Ok(in_doubt)
}

impl InDoubt {
    /// Whether nothing waits for its end, or has come to it just now.
    pub fn is_settled(&self) -> bool {
        let ended =
            |branch: &Branch| matches!(branch.outcome, Some(Outcome::Committed | Outcome::RolledBack));
        self.branches.iter().all(ended)
    }
}
