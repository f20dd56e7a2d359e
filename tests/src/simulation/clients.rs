//! Clients: each sends a request and repeats it until there is a response.

use std::rc::Rc;

use orders::{NewOrder, PlaceError, Placed};
use platform::Flaw;

use super::checkouts;
use super::faults::Transaction;
use super::node::{Database, Service, now, short};
use super::reactions::Work;
use super::scenario::Errand;
use super::watch::{Violation, insist};
use super::world::World;

impl<'a> World<'a> {
    /// A client sends the request of one errand.
    pub(super) fn ask(&mut self, place: usize, fault: Transaction) -> Result<(), Violation> {
        let (number, errand) = self.errands[place];
        let mut work = Work::default();
        let (service, done) = match errand {
            Errand::Order(new) => (Service::Orders, self.place(new, &mut work)?),
            Errand::Deposit(deposit) => {
                let mut db = self.node(Service::Payments).clone();
                let store = Rc::make_mut(&mut db.stores.payments);
                (
                    Service::Payments,
                    written(now(payments::deposit(store, std::slice::from_ref(deposit))), db)?,
                )
            }
            Errand::Receipt(receipt) => {
                let mut db = self.node(Service::Inventory).clone();
                let store = Rc::make_mut(&mut db.stores.stock);
                (Service::Inventory, written(now(inventory::receive(store, receipt)), db)?)
            }
        };
        let what = match fault {
            Transaction::Fine => "",
            Transaction::DiesBeforeCommit => "; the service DIES before the commit",
            Transaction::AnswerLost => "; the answer is LOST",
        };
        self.history.note(format_args!("a client asks for errand #{number}: {}{what}", Sentence(errand)));
        self.tally.crashes += u64::from(fault != Transaction::Fine);
        if fault == Transaction::DiesBeforeCommit {
            if let (Errand::Order(new), true) = (errand, self.ground.lacks(Flaw::IntentNotStored)) {
                self.accept(new, &done);
                let orders = done.stores.orders;
                self.node_mut(service).stores.orders = orders;
            }
            return Ok(());
        }
        if fault == Transaction::Fine {
            self.errands.remove(place);
        }
        if let Errand::Order(new) = errand {
            self.accept(new, &done);
        }
        self.commit(service, done, &work)
    }

    /// One transaction: the order, its checkout if there is a coordinator, the first steps if they are at home, and the
    /// first messages.
    fn place(&mut self, new: &'a NewOrder, work: &mut Work) -> Result<Database, Violation> {
        let mut db = self.node(Service::Orders).clone();
        let known = self.accepted.get(new.key.as_str());
        match now(orders::place(Rc::make_mut(&mut db.stores.orders), new)) {
            Ok(Placed::New(event)) => {
                insist(known.is_none(), "I1", || format!("{} has two orders", new.key))?;
                checkouts::start(&self.ground, &mut db, &new.placed, &event, work)
                    .map_err(|failure| Self::dead_letter(Service::Orders, failure))?;
            }
            Ok(Placed::Known(order)) => {
                self.tally.replayed += 1;
                let id = order.placed.order_id;
                insist(known == Some(&(id, new.fingerprint)), "I1", || {
                    format!("{} returned {}, the order of another key", new.key, short(id))
                })?;
            }
            Err(PlaceError::KeyReused) => {
                let another = known.is_some_and(|(_, fingerprint)| *fingerprint != new.fingerprint);
                insist(another, "I1", || {
                    format!("{} was refused as reused, but no other request used it", new.key)
                })?;
            }
            Err(PlaceError::KeyBusy) => {
                return Err(Violation::of(
                    "I1",
                    format!("{} is busy, but no request is working on it", new.key),
                ));
            }
            Err(PlaceError::Broken(error) | PlaceError::Unknown(error)) => {
                return Err(Violation::of("I1", error.to_string()));
            }
        }
        Ok(db)
    }

    /// An order counts as accepted from its commit on.
    fn accept(&mut self, new: &'a NewOrder, db: &Database) {
        if db.stores.orders.orders().any(|order| order.placed.order_id == new.placed.order_id) {
            self.accepted.insert(&new.key, (new.placed.order_id, new.fingerprint));
        }
    }
}

fn written<E: std::fmt::Debug>(outcome: Result<(), E>, db: Database) -> Result<Database, Violation> {
    outcome.map(|()| db).map_err(|error| Violation::of("I4", format!("{error:?}")))
}

/// An errand as a phrase.
struct Sentence<'a>(&'a Errand);

impl std::fmt::Display for Sentence<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Errand::Order(new) => {
                write!(f, "{} orders", new.placed.customer_id)?;
                for line in &new.placed.lines {
                    write!(f, " {} {} at {}", line.quantity, line.sku, line.unit_price)?;
                }
                write!(f, " to {} ({})", new.placed.region, new.key)
            }
            Errand::Deposit(deposit) => write!(f, "{} deposits {}", deposit.customer_id, deposit.amount),
            Errand::Receipt(receipt) => {
                write!(f, "the warehouse receives")?;
                receipt.lines.iter().try_for_each(|piece| write!(f, " {} {}", piece.quantity, piece.sku))
            }
        }
    }
}
