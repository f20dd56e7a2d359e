//! The other driver: a branch a module, and two-phase commit.
//!
//! Each module works in a transaction of its own, on a connection of its own, in a database of its own if need be. When
//! all steps have said yes, every branch is *prepared*: it can be committed whatever happens, and holds its locks until
//! it is. Then the decision to commit is put on record, and only then is the first branch committed (rule 30). Between
//! the first prepare and the last commit a crash leaves branches *in doubt*, which [`Recovery`] finishes.

mod branch;
mod coordinator;
mod decisions;
mod gid;
mod place;
mod recovery;
mod room;
mod schema;

use std::sync::Arc;

use anyhow::anyhow;
use checkout::plan;
use contracts::BoxError;
use diesel_async::AsyncPgConnection;
use futures_util::future::{join_all, try_join_all};
use orders::{Decision, NewOrder, PlaceError};
use platform::CrashPoint;
use platform::telemetry::{DATABASE, Kind, Scope};

use branch::{Branch, Prepared};
use coordinator::Transaction;
use decisions::Verdict;
use place::Place;

use crate::databases::{Databases, Pools};
use crate::decided::{Decided, Rollback, insist, place};
use crate::local;
use crate::modules::{self, Module};

pub use coordinator::Coordinator;
pub use gid::Name;
pub use recovery::Recovery;

/// Takes this process's place as a coordinator, and finishes what an earlier one has left in doubt. `connections` is
/// how many each module may have at once.
pub async fn start(
    coordinator: &Arc<Coordinator>,
    databases: &Databases,
    connections: usize,
) -> anyhow::Result<Recovery> {
    room::check(databases, connections).await?;
    let place = Place::take(coordinator.clone(), databases.url(Module::Orders)).await?;
    let recovery = Recovery::new(coordinator.clone(), place, databases);
    recovery
        .recover()
        .await
        .map_err(|error| anyhow!(error).context("what is in doubt cannot be finished"))?;
    Ok(recovery)
}

/// The driver of one HTTP worker.
#[derive(Clone)]
pub struct TwoPhase {
    coordinator: Arc<Coordinator>,
    pools: Pools,
}

impl TwoPhase {
    /// With the worker's own connections.
    pub fn new(coordinator: Arc<Coordinator>, pools: Pools) -> TwoPhase {
        TwoPhase { coordinator, pools }
    }

    /// Places an order and decides it.
    pub async fn checkout(&self, new: &NewOrder, within: &Scope) -> Result<Decided, PlaceError> {
        insist(async || {
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
                commit(&transaction, prepared, within).await?;
                Ok(decided)
            }
            Err(Rollback::Failed(error)) => {
                branches.roll_back().await;
                Err(error)
            }
            Err(Rollback::Refused(refusal)) => {
                branches.roll_back().await;
                // One module keeps the refused order: that needs no second phase.
                let mut conn = self.pools.of(Module::Orders).get().await.map_err(BoxError::from)?;
                local::cancel(&mut conn, new, refusal, within).await
            }
        }
    }
}

/// The work: every module in its own branch, in the order of the plan.
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

/// The second phase: decides, and commits what is prepared.
async fn commit(
    transaction: &Transaction,
    mut prepared: Vec<Prepared>,
    within: &Scope,
) -> Result<(), BoxError> {
    let orders = prepared.iter().position(|branch| branch.module() == Module::Orders);
    let mut orders = prepared.swap_remove(orders.ok_or("an order has a branch in orders")?);
    CrashPoint::BeforeDecision.pass();
    let decision = within.span(Kind::Client, "decide").with(DATABASE);
    // If this fails, nobody knows what is decided until recovery has asked.
    if decisions::commit(orders.connection(), transaction.subject()).await? == Verdict::Abort {
        return Err("recovery has given this transaction up while it was worked on".into());
    }
    CrashPoint::AfterDecision.pass();
    decision.end();
    let _commit = within.span(Kind::Client, "commit").with(DATABASE);
    // The order first, and the others side by side.
    let committed = async {
        orders.commit().await?;
        try_join_all(prepared.into_iter().map(Prepared::commit)).await
    };
    if let Err(error) = committed.await {
        // It is decided all the same, and recovery will see to it.
        tracing::warn!(%error, "a branch is left to recovery, to be committed");
    }
    Ok(())
}

/// The branches of one transaction, each begun when its module is first needed.
///
/// All orders need the modules in the same order, each with its connection before its locks. So they cannot wait for
/// each other in a circle.
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

    /// The first phase: prepares all of them, or none.
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
        // What cannot be rolled back now, and what was prepared although its answer is lost, is left to recovery.
        for failed in
            join_all(yes.into_iter().map(Prepared::roll_back)).await.into_iter().filter_map(Result::err)
        {
            tracing::warn!(error = %failed, "a branch is left to recovery, to be rolled back");
        }
        Err(error)
    }
}
