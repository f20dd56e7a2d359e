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

#[cfg(test)]
mod tests {
    use chassis::NOTHING_SHARED;
    use contracts::{Money, OrderId, OrderLine, OrderRequest, PlacedOrder};

    use super::*;

    fn home(modules: &[&'static str]) -> Home {
        Home::fixed(modules.to_vec(), NOTHING_SHARED, |_, _| unreachable!("no step is taken"))
    }

    fn started() -> (Process, Vec<Command>) {
        let line =
            OrderLine { sku: "a".parse().unwrap(), quantity: 1.try_into().unwrap(), unit_price: Money(5) };
        let request = OrderRequest {
            customer_id: "c".parse().unwrap(),
            region: "seoul".parse().unwrap(),
            lines: vec![line],
        };
        Process::saga(PlacedOrder::new(OrderId::new(), request).unwrap())
    }

    /// The commands that may follow at home, each once, after these steps were done elsewhere or here.
    fn ahead(modules: &[&'static str], steps_before: usize) -> Vec<&'static str> {
        let (mut process, mut next) = started();
        for _ in 0..steps_before {
            let Progress::Next(commands) = process.on_event(&done(&next[0])) else { panic!("the end") };
            next = commands;
        }
        let mut commands = Vec::new();
        home(modules).ahead(&process, next, &mut commands);
        let mut keys: Vec<&str> = commands.iter().map(Command::routing_key).collect();
        keys.sort_unstable();
        keys.dedup();
        keys
    }

    #[test]
    fn the_steps_ahead_end_where_a_module_has_left() {
        let payments_away = ["orders", "catalog", "inventory", "shipping"];
        let first = [
            "catalog.honour-prices",
            "catalog.release-prices",
            "inventory.release-stock",
            "inventory.reserve-stock",
            "orders.cancel-order",
        ];
        assert_eq!(ahead(&payments_away, 0), first);
        assert!(ahead(&payments_away, 2).is_empty(), "payments comes next, and is away");
        // The compensation of the payment is a message, and what comes after its reply is another transaction.
        assert_eq!(ahead(&payments_away, 3), ["orders.confirm-order", "shipping.schedule-shipment"]);
    }

    #[test]
    fn with_one_module_away_all_others_are_ahead_only_as_far_as_they_follow_each_other() {
        let catalog_away = ["orders", "inventory", "payments", "shipping"];
        assert!(ahead(&catalog_away, 0).is_empty());
        let rest = [
            "inventory.release-stock",
            "inventory.reserve-stock",
            "orders.confirm-order",
            "payments.capture-payment",
            "payments.refund-payment",
            "shipping.schedule-shipment",
        ];
        assert_eq!(ahead(&catalog_away, 1), rest);
    }

    #[test]
    fn the_orders_service_is_home_to_its_own_commands() {
        assert!(ahead(&["orders"], 0).is_empty());
        assert_eq!(ahead(&["orders"], 4), ["orders.confirm-order"]);
    }
}
