//! What must be true after every commit.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use contracts::{Event, OrderId, RefusalCode};
use orders::{Order, Status};
use payments::Payment;

use super::node::{Database, Service, short};
use super::reactions::Work;
use super::tally::Tally;

/// An invariant that was violated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// `I1` to `I8`.
    pub invariant: &'static str,
    /// What was found instead.
    pub what: String,
}

impl Violation {
    /// A violation of this invariant.
    pub fn of(invariant: &'static str, what: impl Into<String>) -> Violation {
        Violation { invariant, what: what.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} violated: {}", self.invariant, self.what)
    }
}

/// `Ok` if the condition holds.
pub fn insist(holds: bool, invariant: &'static str, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::of(invariant, what())) }
}

/// The steps in the order of a checkout, each with its compensation.
const STEPS: [(&str, &str); 4] = [
    ("catalog.prices-honoured", "catalog.prices-released"),
    ("inventory.stock-reserved", "inventory.stock-released"),
    ("payments.payment-captured", "payments.payment-refunded"),
    ("shipping.shipment-scheduled", ""),
];

/// The past, as far as the stores do not remember it.
#[derive(Default)]
pub struct Watch {
    captures: BTreeMap<OrderId, u32>,
    decided: BTreeMap<OrderId, Order>,
    /// Each order's kinds of events, in the order of their first occurrence.
    happened: BTreeMap<OrderId, Vec<&'static str>>,
    refused: BTreeSet<(OrderId, &'static str)>,
}

impl Watch {
    /// Compares a database with the tables of these modules before and after a commit.
    pub fn committed(
        &mut self,
        mut modules: impl Iterator<Item = Service>,
        before: &Database,
        after: &Database,
        work: &Work,
        tally: &mut Tally,
    ) -> Result<(), Violation> {
        for (asked, event) in &work.answers {
            self.answered(asked, event, tally);
        }
        modules.try_for_each(|module| self.holds(module, before, after, work))
    }

    /// What must be true of one module after a commit.
    fn holds(
        &mut self,
        module: Service,
        before: &Database,
        after: &Database,
        work: &Work,
    ) -> Result<(), Violation> {
        let stores = &after.stores;
        match module {
            Service::Catalog => insist(stores.catalog.balances(), "I2", || {
                "the claims of a sale differ from what orders hold, or exceed its quota".into()
            }),
            Service::Inventory => insist(stores.stock.balances(), "I2", || {
                format!("the received units differ from those on hand or reserved: {:?}", stores.stock)
            }),
            Service::Payments => {
                self.count_captures(before, after, work)?;
                insist(stores.payments.balances(), "I4", || {
                    format!("the ledger does not balance: {:?}", stores.payments)
                })
            }
            Service::Shipping => Ok(()),
            Service::Orders => self.ends_are_ends(before, after),
        }
    }

    fn answered(&mut self, asked: &'static str, event: &Event, tally: &mut Tally) {
        let order = event.order_id();
        match event.refusal() {
            Some(refusal) if asked != "orders.cancel-order" => {
                tally.withdrawn += u64::from(refusal.code == RefusalCode::Withdrawn);
                self.refused.insert((order, asked));
            }
            _ => {
                tally.flips += u64::from(self.refused.remove(&(order, asked)));
                let happened = self.happened.entry(order).or_default();
                let key = event.routing_key();
                if !happened.contains(&key) {
                    happened.push(key);
                }
            }
        }
    }

    fn count_captures(&mut self, before: &Database, after: &Database, work: &Work) -> Result<(), Violation> {
        let is_captured =
            |db: &Database, order| matches!(db.stores.payments.payment(order), Some(Payment::Captured(..)));
        let touched: BTreeSet<OrderId> = work.answers.iter().map(|(_, event)| event.order_id()).collect();
        for order in touched {
            if !is_captured(before, order) && is_captured(after, order) {
                let captures = self.captures.entry(order).or_default();
                *captures += 1;
                insist(*captures == 1, "I3", || format!("{} was paid {captures} times", short(order)))?;
            }
        }
        Ok(())
    }

    /// A decision never changes, and neither does a finished checkout: rule 21 (compare-and-set).
    fn ends_are_ends(&mut self, before: &Database, after: &Database) -> Result<(), Violation> {
        for order in after.stores.orders.orders() {
            let id = order.placed.order_id;
            match self.decided.get(&id) {
                Some(decided) => insist(decided == order, "I1", || {
                    format!("{} was {} and is {}", short(id), decided.status.as_str(), order.status.as_str())
                })?,
                None if order.status.is_terminal() => {
                    self.decided.insert(id, order.clone());
                }
                None => {}
            }
        }
        for (order, stored) in before.checkouts.iter().filter(|(_, stored)| stored.process.is_finished()) {
            insist(after.checkouts[order].process == stored.process, "I5", || {
                format!("the checkout of {} continued after its end", short(*order))
            })?;
        }
        Ok(())
    }

    /// Invariant I8: an order's steps were done in the order of the plan, unless all are tried at once; none
    /// was done after its compensation; and no step of a confirmed order was undone.
    pub fn events_are_in_order(&self, order: &Order, at_once: bool) -> Result<(), Violation> {
        let id = order.placed.order_id;
        let nothing = Vec::new();
        let happened = self.happened.get(&id).unwrap_or(&nothing);
        let when = |key: &str| happened.iter().position(|known| *known == key);
        let mut latest = None;
        for (done, undone) in STEPS {
            let holds = match (when(done), when(undone)) {
                (Some(done), Some(undone)) => done < undone && order.status == Status::Cancelled,
                (None, Some(_)) => order.status == Status::Cancelled,
                _ => true,
            };
            insist(holds, "I8", || format!("{}: {undone} does not fit in {happened:?}", short(id)))?;
            if let Some(done_at) = when(done).filter(|_| !at_once) {
                insist(latest < Some(done_at), "I8", || {
                    format!("{}: {done} is out of order in {happened:?}", short(id))
                })?;
                latest = Some(done_at);
            }
        }
        Ok(())
    }
}
