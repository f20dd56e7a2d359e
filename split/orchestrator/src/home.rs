//! The steps that need no message, because their modules are in the orchestrator's own process.

use std::sync::atomic::{AtomicBool, Ordering};

use chassis::{Failure, Handle, Lock, lock_all, perform};
use checkout::{Process, Progress, done};
use contracts::{Command, Refusal, RefusalCode};
use diesel::prelude::*;
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use orders::Decision;
use parking_lot::RwLock;
use platform::telemetry::Scope;

use crate::decisions::decision_in;
use crate::schema::placement;

/// The modules in this process: only orders in the orders service, more in a hybrid.
///
/// Consecutive steps at home run in one transaction. A monolith is the case in which all are at home.
///
/// In a hybrid modules can leave and come back while it runs. What is known here may then be out of date. A step of a
/// module that has left fails at its gate (rule 61, one owner), the transaction is rolled back, and the next attempt
/// reads the placement again.
pub struct Home {
    /// All modules of this program.
    modules: Vec<&'static str>,
    /// Those that have left, as far as is known.
    away: RwLock<Vec<String>>,
    /// Whether the placement has to be read again. Never, if no module can move.
    stale: AtomicBool,
    can_move: bool,
    lock: Lock,
    handle: Handle,
}

/// How far a checkout came.
#[derive(Debug, Default)]
pub struct Walked {
    /// The commands for other processes that come next. None if the checkout is finished.
    pub away: Vec<Command>,
    /// The decision on the order, if it was made on the way.
    pub decision: Option<Decision>,
}

impl Home {
    /// Modules that stay where they are, by name, with what locks the rows that their orders share, in the order of the
    /// plan, and what handles their commands.
    pub fn fixed(modules: Vec<&'static str>, lock: Lock, handle: Handle) -> Home {
        let (away, stale) = (RwLock::default(), AtomicBool::new(false));
        Home { modules, away, stale, can_move: false, lock, handle }
    }

    /// Modules that can move. The table `checkout.placement` says where they are.
    pub fn movable(modules: Vec<&'static str>, lock: Lock, handle: Handle) -> Home {
        Home { can_move: true, stale: AtomicBool::new(true), ..Home::fixed(modules, lock, handle) }
    }

    /// Whether the module that handles this command is here.
    pub fn has(&self, command: &Command) -> bool {
        command.routing_key().split_once('.').is_some_and(|(module, _)| self.has_module(module))
    }

    fn has_module(&self, module: &str) -> bool {
        self.modules.contains(&module) && !self.away.read().iter().any(|away| away == module)
    }

    /// Has the placement read again before the next step.
    pub fn doubt(&self) {
        self.stale.store(self.can_move, Ordering::Relaxed);
    }

    /// Reads the placement if it may have changed, in the caller's transaction.
    pub(crate) async fn know(&self, conn: &mut AsyncPgConnection) -> Result<(), Failure> {
        if self.stale.swap(false, Ordering::Relaxed) {
            let away = placement::table.filter(placement::away).select(placement::module).load(conn).await;
            *self.away.write() = away.inspect_err(|_| self.doubt())?;
        }
        Ok(())
    }

    /// Locks the rows for all steps at home that these checkouts may come to in this transaction: rule 48 (batch
    /// locks). Each checkout is given with the commands that come next.
    ///
    /// The rows of orders need no lock, because an order's saga is locked, or not visible to others yet.
    pub async fn lock(
        &self,
        conn: &mut AsyncPgConnection,
        checkouts: impl Iterator<Item = (Process, Vec<Command>)>,
    ) -> Result<(), Failure> {
        if self.modules == ["orders"] {
            return Ok(());
        }
        let mut commands = Vec::new();
        for (process, next) in checkouts {
            self.ahead(&process, next, &mut commands);
        }
        commands.retain(|command| decision_in(command).is_none());
        let commands: Vec<&Command> = commands.iter().collect();
        Ok(lock_all(self.lock, conn, &commands).await?)
    }

    /// Collects the commands at home that may follow, whether each is done or refused.
    fn ahead(&self, process: &Process, next: Vec<Command>, commands: &mut Vec<Command>) {
        let refusal = Refusal { code: RefusalCode::Withdrawn, detail: String::new() };
        for command in next.into_iter().filter(|command| self.has(command)) {
            for answer in [Some(done(&command)), command.refused(refusal.clone())].into_iter().flatten() {
                let mut process = process.clone();
                if let Progress::Next(next) = process.on_event(&answer) {
                    self.ahead(&process, next, commands);
                }
            }
            commands.push(command);
        }
    }

    /// Takes the next steps for as long as they are at home, in the caller's transaction.
    pub async fn walk(
        &self,
        conn: &mut AsyncPgConnection,
        process: &mut Process,
        mut next: Vec<Command>,
        within: &Scope,
    ) -> Result<Walked, Failure> {
        let mut decision = None;
        loop {
            match next.as_slice() {
                [command] if self.has(command) => decision = decision_in(command).or(decision),
                _ => return Ok(Walked { away: next, decision }),
            }
            let command = next.remove(0);
            let (key, order) = (command.routing_key(), command.order_id());
            // A closed gate looks like any other failure of the database.
            let event = perform(self.handle, conn, command, within).await.inspect_err(|_| self.doubt())?;
            match process.on_event(&event) {
                Progress::Next(commands) => next = commands,
                Progress::Finished => return Ok(Walked { away: Vec::new(), decision }),
                Progress::Late | Progress::Unexpected => {
                    let answer = event.routing_key();
                    return Err(Failure::Poison(format!("{answer} for order {order} does not answer {key}")));
                }
            }
        }
    }
}
