//! The decision on each transaction, stored in the database of orders.
//!
//! A decision is a row, and inserting the row makes the decision: the first insert wins. The coordinator inserts
//! *commit* once it has all votes. Recovery inserts *abort* before it rolls anything back, so that an insert of
//! *commit* that is still on its way cannot overturn it.
//!
//! *Commit* is fenced: it is inserted only if the coordinator's epoch in `two_phase.coordinators` is still that of the
//! transaction. A process that takes over a coordinator raises its epoch first. So a process that was paused, and whose
//! transactions were rolled back and forgotten in the meantime, can no longer decide on them: rule 60 (abort record).

use contracts::BoxError;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::{Flaw, sql};

use super::gid::Name;
use super::schema::decisions;

/// What happens to all branches of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Each is committed.
    Commit,
    /// Each is rolled back.
    Abort,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Verdict::Commit => "commit",
            Verdict::Abort => "abort",
        }
    }
}

/// A transaction, and the coordinator and epoch that began it.
#[derive(Debug, Clone, Copy)]
pub struct FencedTransaction<'a> {
    pub(super) id: uuid::Uuid,
    pub(super) coordinator: &'a Name,
    pub(super) epoch: i64,
}

/// Inserts a decision if the epoch in which the transaction began is still current. `FOR SHARE` keeps the epoch from
/// being raised until the decision is committed.
const INSERT_FENCED: &str = "WITH epoch AS (
         SELECT FROM two_phase.coordinators WHERE name = $2 AND epoch = $3 FOR SHARE
     )
     INSERT INTO two_phase.decisions (transaction_id, coordinator, epoch, decision)
     SELECT $1, $2, $3, $4 FROM epoch ON CONFLICT (transaction_id) DO NOTHING";

const INSERT: &str = "INSERT INTO two_phase.decisions (transaction_id, coordinator, epoch, decision)
     VALUES ($1, $2, $3, $4) ON CONFLICT (transaction_id) DO NOTHING";

/// Decides to commit. Returns the valid decision, which another process may have made. `None` means that there is no
/// decision and the epoch is over, so this coordinator can never decide on the transaction any more.
///
/// `Ok` is durable, because the insert is its own transaction. `Err` says nothing about the decision: call
/// [`read_back`] on another connection.
pub async fn commit(
    conn: &mut AsyncPgConnection,
    transaction: FencedTransaction<'_>,
) -> Result<Option<Verdict>, BoxError> {
    if Flaw::DecisionNotDurable.is_on() {
        return Ok(Some(Verdict::Commit));
    }
    insert(conn, INSERT_FENCED, transaction, Verdict::Commit).await
}

/// Finds out the result of a call of [`commit`] whose reply was lost. Decides to abort if there is no decision yet;
/// otherwise the lost insert could still arrive after this look-up.
///
/// `None` means that there is no decision and the epoch is over: a successor has finished the transaction and forgotten
/// the decision.
pub async fn read_back(
    conn: &mut AsyncPgConnection,
    transaction: FencedTransaction<'_>,
) -> Result<Option<Verdict>, BoxError> {
    insert(conn, INSERT_FENCED, transaction, Verdict::Abort).await
}

/// Decides to abort unless there is a decision already, and returns the valid one. For recovery, which holds the
/// coordinator's lock.
pub async fn abort(
    conn: &mut AsyncPgConnection,
    transaction: FencedTransaction<'_>,
) -> Result<Verdict, BoxError> {
    let stands = insert(conn, INSERT, transaction, Verdict::Abort).await?;
    stands.ok_or_else(|| {
        let FencedTransaction { id, coordinator, .. } = transaction;
        format!("another process has finished and forgotten the transaction {id} of {coordinator}").into()
    })
}

/// Inserts a decision if there is none, and returns the valid one.
async fn insert(
    conn: &mut AsyncPgConnection,
    insert: &'static str,
    transaction: FencedTransaction<'_>,
    verdict: Verdict,
) -> Result<Option<Verdict>, BoxError> {
    // If another insert for this transaction is in progress, this waits until it ends and then finds its row.
    let inserted = sql(insert)
        .bind::<Uuid, _>(transaction.id)
        .bind::<Text, _>(transaction.coordinator.as_str())
        .bind::<BigInt, _>(transaction.epoch)
        .bind::<Text, _>(verdict.as_str())
        .execute(conn)
        .await?;
    if inserted == 1 { Ok(Some(verdict)) } else { recorded(conn, transaction.id).await }
}

/// The decision on record, if any.
pub async fn recorded(
    conn: &mut AsyncPgConnection,
    transaction: uuid::Uuid,
) -> Result<Option<Verdict>, BoxError> {
    let decision: Option<String> =
        decisions::table.find(transaction).select(decisions::decision).get_result(conn).await.optional()?;
    Ok(decision.map(|decision| match decision.as_str() {
        "commit" => Verdict::Commit,
        _ => Verdict::Abort,
    }))
}

/// The coordinators that have decisions on record.
pub async fn coordinators(conn: &mut AsyncPgConnection) -> Result<Vec<Name>, BoxError> {
    let names: Vec<String> = decisions::table.select(decisions::coordinator).distinct().load(conn).await?;
    Ok(names.into_iter().filter_map(|name| name.parse().ok()).collect())
}

/// Transactions of a coordinator whose decisions can be forgotten once they have no branch left: all commits, and the
/// aborts of epochs before `epoch`, the current one. An abort of the current epoch stays: otherwise an insert of
/// *commit* from a lost connection could still arrive and succeed. See rule 60 (abort record).
pub async fn forgettable(
    conn: &mut AsyncPgConnection,
    coordinator: &Name,
    epoch: i64,
) -> Result<Vec<uuid::Uuid>, BoxError> {
    let commits = decisions::epoch.eq(epoch).and(decisions::decision.eq(Verdict::Commit.as_str()));
    let transactions = decisions::table
        .filter(decisions::coordinator.eq(coordinator.as_str()))
        .filter(decisions::epoch.lt(epoch).or(commits))
        .select(decisions::transaction_id)
        .load(conn)
        .await?;
    Ok(transactions)
}

/// Deletes the decisions on these transactions.
pub async fn forget(conn: &mut AsyncPgConnection, transactions: &[uuid::Uuid]) -> Result<(), BoxError> {
    diesel::delete(decisions::table.filter(decisions::transaction_id.eq_any(transactions)))
        .execute(conn)
        .await?;
    Ok(())
}
