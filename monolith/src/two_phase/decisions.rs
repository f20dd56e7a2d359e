//! What is decided about each transaction, on record beside the orders.
//!
//! A decision is made by inserting its row, and the first to insert it has made it: a coordinator that has all votes
//! inserts *commit*; whoever finds branches of a coordinator that is gone inserts *abort* before it rolls any of them
//! back. So a statement of a dead process that is still on its way cannot overturn what was done meanwhile.

use contracts::BoxError;
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use platform::Flaw;

use super::gid::Name;
use super::schema::decisions;

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

// Without the last attribute every field might be `DEFAULT`, and diesel would not keep the statement prepared.
#[derive(Insertable)]
#[diesel(table_name = decisions, treat_none_as_default_value = false)]
struct NewDecision<'a> {
    transaction_id: uuid::Uuid,
    coordinator: &'a str,
    epoch: i64,
    decision: &'a str,
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
    let decision = NewDecision {
        transaction_id: subject.transaction,
        coordinator: subject.coordinator.as_str(),
        epoch: subject.epoch,
        decision: wish.as_str(),
    };
    let inserted = diesel::insert_into(decisions::table)
        .values(decision)
        .on_conflict(decisions::transaction_id)
        .do_nothing()
        .execute(conn)
        .await?;
    if inserted == 1 {
        return Ok(wish);
    }
    recorded(conn, subject.transaction).await
}

/// What is on record. Nothing means abort.
pub async fn recorded(conn: &mut AsyncPgConnection, transaction: uuid::Uuid) -> Result<Verdict, BoxError> {
    let decision: Option<String> =
        decisions::table.find(transaction).select(decisions::decision).get_result(conn).await.optional()?;
    let commit = decision.is_some_and(|decision| decision == Verdict::Commit.as_str());
    Ok(if commit { Verdict::Commit } else { Verdict::Abort })
}

/// The transactions of a coordinator that are decided and not forgotten, up to this epoch.
pub async fn known(
    conn: &mut AsyncPgConnection,
    coordinator: &Name,
    epoch: i64,
) -> Result<Vec<uuid::Uuid>, BoxError> {
    let transactions = decisions::table
        .filter(decisions::coordinator.eq(coordinator.as_str()))
        .filter(decisions::epoch.le(epoch))
        .select(decisions::transaction_id)
        .load(conn)
        .await?;
    Ok(transactions)
}

/// Forgets what nobody will ask for any more.
pub async fn forget(conn: &mut AsyncPgConnection, transactions: &[uuid::Uuid]) -> Result<(), BoxError> {
    diesel::delete(decisions::table.filter(decisions::transaction_id.eq_any(transactions)))
        .execute(conn)
        .await?;
    Ok(())
}
