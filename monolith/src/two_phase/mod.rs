//! The two-phase driver: two-phase commit with one branch per module.
//!
//! Each module works in its own transaction, on its own connection, possibly in its own database. Once all steps have
//! accepted, every branch is *prepared*: it can be committed even after a crash, and keeps its locks until then. Next the
//! decision to commit is recorded, and only then is the first branch committed: rule 30 (decision). A crash between the
//! first prepare and the last commit leaves branches *in doubt*, and [`Recovery`] finishes them.

mod branch;
mod coordinator;
mod decisions;
mod gid;
mod lock;
mod outcome;
mod recovery;
mod room;
mod schema;

use std::sync::Arc;
use std::time::Duration;

use anyhow::anyhow;
use checkout::plan;
use contracts::{BoxError, OrderId};
use diesel_async::AsyncPgConnection;
use futures_util::future::join_all;
use orders::{Decision, NewOrder, PlaceError};
use platform::telemetry::{DATABASE, Kind, Scope};
use platform::{CrashPoint, Waits, db};

use branch::{Branch, Prepared};
use coordinator::Transaction;
use decisions::{FencedTransaction, Verdict};
use lock::CoordinatorLock;
use outcome::OutcomeUnknown;

use crate::databases::{Databases, Pools};
use crate::decided::{Decided, Rollback, insist, place};
use crate::local;
use crate::modules::{self, Module};

pub use coordinator::Coordinator;
pub use gid::Name;
pub use outcome::told_apart;
pub use recovery::Recovery;

/// How many times to ask for a lost decision, and the pause in between: long enough for the server to restart.
const ASKED: u32 = 10;
const ASKED_EVERY: Duration = Duration::from_millis(500);

/// Acquires the coordinator lock, finishes transactions in doubt, and registers this instance. `connections` is the
/// maximum per module.
pub async fn start(
    coordinator: &Arc<Coordinator>,
    databases: &Databases,
    connections: usize,
) -> anyhow::Result<Recovery> {
    let lock = CoordinatorLock::acquire(coordinator.clone(), databases.url(Module::Orders)).await?;
    let mut recovery = Recovery::new(coordinator.clone(), lock, databases);
    recovery
        .recover()
        .await
        .map_err(|error| anyhow!(error).context("cannot finish the transactions in doubt"))?;
    // After recovery, since branches that a dead instance left prepared take up room.
    room::claim(&mut recovery.lock, databases, connections).await?;
    Ok(recovery)
}

/// The driver of one HTTP worker.
#[derive(Clone)]
pub struct TwoPhase {
    coordinator: Arc<Coordinator>,
    pools: Pools,
    /// The URL of the database with the decisions, for a connection outside the pools.
    decisions: String,
}

impl TwoPhase {
    /// A driver that uses a worker's own pools.
    pub fn new(coordinator: Arc<Coordinator>, pools: Pools, databases: &Databases) -> TwoPhase {
        TwoPhase { coordinator, pools, decisions: databases.url(Module::Orders).to_owned() }
    }

    /// Places an order and decides it.
    pub async fn checkout(
        &self,
        waits: &Waits,
        new: &NewOrder,
        within: &Scope,
    ) -> Result<Decided, PlaceError> {
        insist(waits, async || {
            let mut span = within.span(Kind::Internal, "transaction").with(DATABASE);
            let outcome = self.attempt(new, span.scope()).await;
            if matches!(outcome, Err(PlaceError::Broken(_))) {
                span.failed("broken");
            }
            outcome
        })
        .await
    }

    async fn attempt(&self, new: &NewOrder, within: &Scope) -> Result<Decided, PlaceError> {
        let transaction = self.coordinator.begin()?;
        let mut branches = Branches { pools: &self.pools, open: Vec::new() };
        match vote(&mut branches, new, within).await {
            Ok(decided) if decided.replayed => {
                branches.roll_back().await;
                Ok(decided)
            }
            Ok(decided) => {
                let prepare = within.span(Kind::Client, "prepare").with(DATABASE);
                let prepared = branches.prepare(&transaction).await?;
                prepare.end();
                self.finish(&transaction, prepared, new.placed.order_id, within).await?;
                Ok(decided)
            }
            Err(Rollback::Failed(error)) => {
                branches.roll_back().await;
                Err(error)
            }
            Err(Rollback::Refused(refusal)) => {
                branches.roll_back().await;
                // Only one module stores the refused order, so this needs no second phase.
                let mut conn = self.pools.of(Module::Orders).get().await.map_err(BoxError::from)?;
                local::cancel(&mut conn, new, refusal, within).await
            }
        }
    }

    /// The second phase: decides, then commits or rolls back every branch. Returns `Ok` only if *commit* is on record.
    async fn finish(
        &self,
        transaction: &Transaction,
        mut prepared: Vec<Prepared>,
        order: OrderId,
        within: &Scope,
    ) -> Result<(), PlaceError> {
        let orders = prepared.iter().position(|branch| branch.module() == Module::Orders);
        let orders = orders.ok_or_else(|| BoxError::from("an order has a branch in orders"))?;
        let mut orders = prepared.swap_remove(orders);
        CrashPoint::BeforeDecision.pass();
        let decision = within.span(Kind::Client, "decide").with(DATABASE);
        let verdict = match decisions::commit(orders.connection(), transaction.fenced()).await {
            // The epoch is over and *commit* is not on record, so it never will be.
            Ok(stands) => stands.unwrap_or(Verdict::Abort),
            // The insert may have been committed with only the reply lost.
            Err(lost) => self.read_back(transaction.fenced(), order, lost).await?,
        };
        if verdict == Verdict::Abort {
            roll_back_all([orders].into_iter().chain(prepared)).await;
            let error = "the transaction was rolled back before it was decided; the order was not placed";
            return Err(BoxError::from(error).into());
        }
        CrashPoint::AfterDecision.pass();
        decision.end();
        let _commit = within.span(Kind::Client, "commit").with(DATABASE);
        commit_all(orders, prepared).await;
        Ok(())
    }

    /// Asks for a decision whose reply was lost, on a new connection, until it is known or the attempts are used up.
    async fn read_back(
        &self,
        transaction: FencedTransaction<'_>,
        order: OrderId,
        lost: BoxError,
    ) -> Result<Verdict, OutcomeUnknown> {
        tracing::warn!(error = %lost, %order, "the reply to a decision was lost, asking for it");
        let mut cause = lost;
        for _ in 0..ASKED {
            let asked = async {
                let mut connection = db::connect_one(&self.decisions).await?;
                decisions::read_back(&mut connection, transaction).await
            };
            match asked.await {
                Ok(Some(verdict)) => return Ok(verdict),
                Ok(None) => {
                    let cause = "a successor took over before the decision could be read back".into();
                    return Err(OutcomeUnknown::new(order, cause));
                }
                Err(error) => cause = error,
            }
            tokio::time::sleep(ASKED_EVERY).await;
        }
        Err(OutcomeUnknown::new(order, cause))
    }
}

/// The first half of the first phase: every module works in its own branch, in the order of the plan.
async fn vote(branches: &mut Branches<'_>, new: &NewOrder, within: &Scope) -> Result<Decided, Rollback> {
    if let Some(known) = place(branches.of(Module::Orders).await?, new, within).await? {
        return Ok(known);
    }
    for step in plan(&new.placed) {
        let conn = branches.of(Module::of(&step.action)).await?;
        modules::handle(conn, step.action, within).await?;
    }
    Ok(Decided::new(new, Decision::Confirm))
}

/// Commits every branch: orders first, then the others concurrently. Failures are left to recovery, since the decision
/// is on record.
async fn commit_all(orders: Prepared, others: Vec<Prepared>) {
    let first = orders.commit().await;
    let rest = join_all(others.into_iter().map(Prepared::commit)).await;
    for error in [first].into_iter().chain(rest).filter_map(Result::err) {
        tracing::warn!(%error, "a branch could not be committed and is left to recovery");
    }
}

/// Rolls every branch back. Failures are left to recovery.
async fn roll_back_all(prepared: impl IntoIterator<Item = Prepared>) {
    for error in
        join_all(prepared.into_iter().map(Prepared::roll_back)).await.into_iter().filter_map(Result::err)
    {
        tracing::warn!(%error, "a branch could not be rolled back and is left to recovery");
    }
}

/// The branches of one transaction. Each begins when its module is first needed.
///
/// All orders need the modules in the same order, and take the connection before any locks. So they cannot deadlock.
struct Branches<'a> {
    pools: &'a Pools,
    open: Vec<Branch>,
}

impl Branches<'_> {
    /// The connection on which a module works.
    async fn of(&mut self, module: Module) -> Result<&mut AsyncPgConnection, BoxError> {
        let open = self.open.iter().position(|branch| branch.module == module);
        let index = match open {
            Some(index) => index,
            None => {
                self.open.push(Branch::begin(self.pools.of(module), module).await?);
                self.open.len() - 1
            }
        };
        Ok(self.open[index].connection())
    }

    async fn roll_back(self) {
        join_all(self.open.into_iter().map(Branch::roll_back)).await;
    }

    /// The second half of the first phase: prepares all branches, or none.
    async fn prepare(self, transaction: &Transaction) -> Result<Vec<Prepared>, BoxError> {
        let votes = self.open.into_iter().map(|branch| {
            let gid = transaction.gid(branch.module);
            branch.prepare(gid)
        });
        let (mut yes, mut no) = (Vec::new(), None);
        for vote in join_all(votes).await {
            match vote {
                Ok(prepared) => yes.push(prepared),
                Err(error) => no = Some(error),
            }
        }
        let Some(error) = no else { return Ok(yes) };
        // A branch that was prepared although its reply was lost is left to recovery.
        roll_back_all(yes).await;
        Err(error)
    }
}
