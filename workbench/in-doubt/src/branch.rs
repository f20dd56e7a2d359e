//! Prepared branches, and what is known about each.

use chrono::{DateTime, Utc};
use serde::Serialize;
use terminal::text::Text;
use uuid::Uuid;

/// The output of `cleave in-doubt`, described by `docs/in-doubt.schema.json`.
#[derive(Debug, Serialize)]
pub struct InDoubt {
    pub(crate) schema: &'static str,
    /// When the databases were read.
    pub at: DateTime<Utc>,
    /// The databases that were read, without passwords.
    pub databases: Vec<String>,
    /// The prepared branches in them, oldest first.
    pub branches: Vec<Branch>,
}

/// A prepared branch: one module's part of a transaction.
#[derive(Debug, Clone, Serialize)]
pub struct Branch {
    /// The name by which it is committed or rolled back.
    pub gid: String,
    /// The transaction to which it belongs.
    pub transaction_id: Uuid,
    /// The module that prepared it.
    pub module: String,
    /// The database that prepared it. No other database can finish it.
    pub database: String,
    /// When it was prepared.
    pub prepared_at: DateTime<Utc>,
    /// Seconds since it was prepared.
    pub age_s: f64,
    /// The epoch of the coordinator that started it.
    pub epoch: i64,
    /// The coordinator that decides about it.
    pub coordinator: Coordinator,
    /// The recorded decision about its transaction.
    pub decision: Decision,
    /// Locks that it holds, except row locks, which PostgreSQL keeps in the rows.
    pub locks: Vec<Lock>,
    /// Sessions that wait for its locks.
    pub waiters: Vec<Waiter>,
    /// The result of resolving it; `None` if that was not requested.
    pub outcome: Option<Resolution>,
    /// The index of its database among the sources.
    #[serde(skip)]
    pub(crate) source: usize,
    /// The index of the database with its decisions among the sources.
    #[serde(skip)]
    pub(crate) decisions: Option<usize>,
}

/// The process that decides about a transaction.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coordinator {
    /// As in `--coordinator`; part of the gid of each branch.
    pub name: String,
    /// Whether a process of this name is running; `None` if the database that shows it was not read.
    pub alive: Option<bool>,
    /// The epoch of its latest start.
    pub epoch: Option<i64>,
}

/// The recorded decision about a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Decision {
    /// Commit all branches.
    Commit,
    /// Roll back all branches.
    Abort,
    /// No decision is recorded, which means abort.
    None,
    /// The database with the decisions was not read.
    Unknown,
}

/// Locks of one kind on one object.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Lock {
    /// The table, or the lock type if it is not a table.
    pub on: String,
    /// The lock mode, by PostgreSQL's name.
    pub mode: String,
    /// How many the transaction holds.
    pub count: i64,
}

/// A session that waits for a branch.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Waiter {
    /// The process id of the session's backend.
    pub pid: i32,
    /// Seconds since it started to wait.
    pub waiting_s: f64,
    /// The statement that waits.
    pub statement: String,
    /// Number of sessions that wait for this one, directly or indirectly.
    pub behind: usize,
}

/// The result of resolving a branch.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case", tag = "result", content = "reason")]
pub enum Resolution {
    /// Committed, as decided.
    Committed,
    /// Rolled back, as decided or because no decision was recorded.
    RolledBack,
    /// Not resolved, for this reason.
    Left(Text),
}

impl InDoubt {
    /// Whether no branch is open, or all of them were just finished.
    pub fn is_settled(&self) -> bool {
        let ended =
            |branch: &Branch| matches!(branch.outcome, Some(Resolution::Committed | Resolution::RolledBack));
        self.branches.iter().all(ended)
    }
}
