//! What must be true at the end of a schedule, when nothing more can happen.

use std::collections::BTreeMap;

use catalog::Claim;
use contracts::{CustomerId, RefusalCode};
use inventory::Reservation;
use orders::{Order, Status};
use payments::Payment;

use super::case::Protocol;
use super::local;
use super::node::{Service, short};
use super::scenario::Errand;
use super::watch::{Violation, insist};
use super::world::World;

impl World<'_> {
    /// Checks all invariants at the end of a schedule.
    pub(super) fn holds_at_rest(&mut self) -> Result<(), Violation> {
        self.nothing_is_left()?;
        let orders: Vec<Order> = self.node(Service::Orders).stores.orders.orders().cloned().collect();
        for order in &orders {
            let name = short(order.placed.order_id);
            insist(order.status.is_terminal(), "I1", || format!("{name} was never decided"))?;
            self.is_all_or_nothing(order)?;
            self.watch.events_are_in_order(order, self.ground.protocol == Protocol::Tcc)?;
            let code = order.refusal.as_ref().map(|refusal| refusal.code);
            insist(code != Some(RefusalCode::Withdrawn), "I5", || {
                format!("{name} was cancelled with the code withdrawn")
            })?;
            let hopeless = self.scenario.is_hopeless(&order.placed);
            insist(!hopeless || order.status == Status::Cancelled, "I5", || {
                format!("{name} was confirmed, but must be refused")
            })?;
            self.tally.ended(code.map_or("confirmed", RefusalCode::as_str));
            self.history.note(format_args!("{name} is {}", order.status.as_str()));
        }
        for (key, (id, _)) in &self.accepted {
            let exists = orders.iter().any(|order| order.placed.order_id == *id);
            insist(exists, "I1", || format!("{} was accepted with {key}, and is gone", short(*id)))?;
        }
        insist(self.accepted.len() == orders.len(), "I1", || "there are orders without a request".into())?;
        self.wallets_hold_the_rest(&orders)?;
        if self.scenario.one_at_a_time { self.is_as_in_the_monolith(&orders) } else { Ok(()) }
    }

    fn nothing_is_left(&self) -> Result<(), Violation> {
        for service in Service::ALL {
            let left = self.node(service).outbox.len() + self.queues[service as usize].len();
            insist(left == 0, "I6", || format!("{left} messages are left at {}", service.name()))?;
        }
        let mut checkouts = self.node(Service::Orders).checkouts.iter();
        match checkouts.find(|(_, stored)| !stored.process.is_finished()) {
            Some((order, _)) => {
                Err(Violation::of("I5", format!("the checkout of {} is stuck", short(*order))))
            }
            None => Ok(()),
        }
    }

    /// Invariants I3 and I5: an order is completely confirmed or completely undone.
    fn is_all_or_nothing(&self, order: &Order) -> Result<(), Violation> {
        let placed = &order.placed;
        let id = placed.order_id;
        let claim = self.node(Service::Catalog).stores.catalog.claim(id);
        let reservation = self.node(Service::Inventory).stores.stock.reservation(id);
        let payment = self.node(Service::Payments).stores.payments.payment(id);
        let shipment = self.node(Service::Shipping).stores.shipments.region(id);
        if order.status == Status::Confirmed {
            let sold = match reservation {
                Some(Reservation::Committed(_)) => self.ground.protocol == Protocol::Tcc,
                Some(Reservation::Reserved(_)) => self.ground.protocol != Protocol::Tcc,
                _ => false,
            };
            let paid = payment == Some(&Payment::Captured(placed.customer_id.clone(), placed.total));
            insist(paid, "I3", || format!("{} is confirmed, and its payment {payment:?}", short(id)))?;
            let whole = sold && claim != Some(&Claim::Released) && shipment == Some(&placed.region);
            return insist(whole, "I5", || {
                format!("{} is confirmed, with {claim:?}, {reservation:?}, {shipment:?}", short(id))
            });
        }
        let unpaid = matches!(payment, None | Some(Payment::Returned));
        insist(unpaid, "I3", || format!("{} is cancelled, and its payment {payment:?}", short(id)))?;
        let undone = matches!(claim, None | Some(Claim::Released))
            && matches!(reservation, None | Some(Reservation::Released))
            && shipment.is_none();
        insist(undone, "I5", || {
            format!("{} is cancelled, with {claim:?}, {reservation:?}, {shipment:?}", short(id))
        })
    }

    /// Invariant I4: the wallets hold the deposits less the totals of confirmed orders.
    fn wallets_hold_the_rest(&self, orders: &[Order]) -> Result<(), Violation> {
        let mut deposits = BTreeMap::new();
        for (_, errand) in &self.asked {
            if let Errand::Deposit(deposit) = errand {
                deposits.insert(deposit.deposit_id, deposit);
            }
        }
        let mut expected: BTreeMap<&CustomerId, i64> = BTreeMap::new();
        for deposit in deposits.values() {
            *expected.entry(&deposit.customer_id).or_default() += deposit.amount.0;
        }
        for order in orders.iter().filter(|order| order.status == Status::Confirmed) {
            *expected.entry(&order.placed.customer_id).or_default() -= order.placed.total.0;
        }
        for (customer, expected) in expected {
            let balance = self.node(Service::Payments).stores.payments.balance(customer);
            insist(balance.is_some_and(|balance| balance.0 == expected), "I4", || {
                format!("{customer} has {balance:?}, and should have {expected}")
            })?;
        }
        Ok(())
    }

    /// With one errand at a time there is no interference, so the outcome must equal that of one transaction.
    /// If all modules are asked at once, any of them may refuse first, so the reason is not compared.
    fn is_as_in_the_monolith(&self, orders: &[Order]) -> Result<(), Violation> {
        let errands = self.asked.iter().map(|(_, errand)| *errand);
        let reference = local::decide(&self.scenario.products, errands)?;
        for order in orders {
            let id = order.placed.order_id;
            let code = |order: &Order| order.refusal.as_ref().map(|refusal| refusal.code);
            let same = reference.iter().find(|other| other.placed.order_id == id).is_some_and(|other| {
                other.status == order.status
                    && (self.ground.protocol == Protocol::Tcc || code(other) == code(order))
            });
            insist(same, "I5", || {
                let status = order.status.as_str();
                format!("{} is {status} ({:?}), unlike in one transaction", short(id), code(order))
            })?;
        }
        Ok(())
    }
}
