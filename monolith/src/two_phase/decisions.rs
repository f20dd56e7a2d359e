//! What is decided about each transaction, on record beside the orders.
//!
//! A decision is made by inserting its row, and the first to insert it has made it: a coordinator that has all votes
//! inserts *commit*; whoever finds branches of a coordinator that is gone inserts *abort* before it rolls any of them
//! back. So a statement of a dead process that is still on its way cannot overturn what was done meanwhile.

use contracts::BoxError;
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text, Uuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::{Flaw, sql};

use super::gid::Name;

/// What becomes of a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All branches are committed.
    Commit,
    /// All branches are rolled back.
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

/// A transaction, and the start of the coordinator that began it.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub(super) transaction: uuid::Uuid,
    pub(super) coordinator: &'a Name,
    pub(super) epoch: i64,
}

#[derive(QueryableByName)]
struct TransactionRow {
    #[diesel(sql_type = Uuid)]
    transaction_id: uuid::Uuid,
}

#[derive(QueryableByName)]
struct DecisionRow {
    #[diesel(sql_type = Text)]
    decision: String,
}

/// Decides to commit, and answers what is decided now: somebody may have decided otherwise before. The answer is
/// durable, because the statement is a transaction of its own.
pub async fn commit(conn: &mut AsyncPgConnection, subject: Subject<'_>) -> Result<Verdict, BoxError> {
    if Flaw::DecisionNotDurable.is_on() {
        return Ok(Verdict::Commit);
    }
    settle(conn, subject, Verdict::Commit).await
}

/// Decides to abort unless something is decided already, and answers what is decided now.
pub async fn abort(conn: &mut AsyncPgConnection, subject: Subject<'_>) -> Result<Verdict, BoxError> {
    settle(conn, subject, Verdict::Abort).await
}

async fn settle(
    conn: &mut AsyncPgConnection,
    subject: Subject<'_>,
    wish: Verdict,
) -> Result<Verdict, BoxError> {
    // The insertion waits for another of the same key that is under way, and then sees it.
    let inserted = sql("INSERT INTO two_phase.decisions (transaction_id, coordinator, epoch, decision)
         VALUES ($1, $2, $3, $4) ON CONFLICT (transaction_id) DO NOTHING")
    .bind::<Uuid, _>(subject.transaction)
    .bind::<Text, _>(subject.coordinator.as_str())
    .bind::<BigInt, _>(subject.epoch)
    .bind::<Text, _>(wish.as_str())
    .execute(conn)
    .await?;
    if inserted == 1 {
        return Ok(wish);
    }
    recorded(conn, subject.transaction).await
}

/// What is on record. Nothing means abort.
pub async fn recorded(conn: &mut AsyncPgConnection, transaction: uuid::Uuid) -> Result<Verdict, BoxError> {
    let rows: Vec<DecisionRow> = sql("SELECT decision FROM two_phase.decisions WHERE transaction_id = $1")
        .bind::<Uuid, _>(transaction)
        .load(conn)
        .await?;
    let commit = rows.iter().any(|row| row.decision == Verdict::Commit.as_str());
    Ok(if commit { Verdict::Commit } else { Verdict::Abort })
}

/// The transactions of a coordinator that are decided and not forgotten, up to this epoch.
pub async fn known(
    conn: &mut AsyncPgConnection,
    coordinator: &Name,
    epoch: i64,
) -> Result<Vec<uuid::Uuid>, BoxError> {
    let rows: Vec<TransactionRow> =
        sql("SELECT transaction_id FROM two_phase.decisions WHERE coordinator = $1 AND epoch <= $2")
            .bind::<Text, _>(coordinator.as_str())
            .bind::<BigInt, _>(epoch)
            .load(conn)
            .await?;
    Ok(rows.into_iter().map(|row| row.transaction_id).collect())
}

/// Forgets what nobody will ask for any more.
pub async fn forget(conn: &mut AsyncPgConnection, transactions: &[uuid::Uuid]) -> Result<(), BoxError> {
    sql("DELETE FROM two_phase.decisions WHERE transaction_id = ANY($1)")
        .bind::<Array<Uuid>, _>(transactions)
        .execute(conn)
        .await?;
    Ok(())
}
