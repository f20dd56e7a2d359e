//! A service: its module's store, and around it what a service has because it is alone.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

use catalog::MemoryCatalog;
use contracts::{Command, Envelope, Error, Event, Invalid, OrderId, PlacedOrder};
use futures_util::FutureExt;
use inventory::MemoryStock;
use orders::MemoryOrders;
use payments::MemoryPayments;
use shipping::MemoryShipments;
use uuid::Uuid;

use super::checkouts::Stored;

/// One of the five services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Prices and sales.
    Catalog,
    /// The warehouse.
    Inventory,
    /// Wallets and the ledger.
    Payments,
    /// Parcels.
    Shipping,
    /// Orders, and their checkouts where somebody coordinates them.
    Orders,
}

impl Service {
    /// All of them, in the order of a checkout.
    pub const ALL: [Service; 5] =
        [Service::Catalog, Service::Inventory, Service::Payments, Service::Shipping, Service::Orders];

    /// Its name: the first half of its routing keys.
    pub fn name(self) -> &'static str {
        match self {
            Service::Catalog => "catalog",
            Service::Inventory => "inventory",
            Service::Payments => "payments",
            Service::Shipping => "shipping",
            Service::Orders => "orders",
        }
    }

    /// What it listens to in a choreography.
    pub fn hears(self) -> &'static [&'static str] {
        match self {
            Service::Catalog => catalog::HEARS,
            Service::Inventory => inventory::HEARS,
            Service::Payments => payments::HEARS,
            Service::Shipping => shipping::HEARS,
            Service::Orders => orders::HEARS,
        }
    }

    /// What it does about an event in a choreography.
    pub fn react(self, event: &Event, order: &PlacedOrder) -> Option<Command> {
        match self {
            Service::Catalog => catalog::react(event, order),
            Service::Inventory => inventory::react(event, order),
            Service::Payments => payments::react(event, order),
            Service::Shipping => shipping::react(event, order),
            Service::Orders => orders::react(event, order),
        }
    }
}

/// The tables of all modules. A service uses its own; in the monolith they are one database.
#[derive(Clone, Default)]
pub struct Stores {
    pub catalog: Rc<MemoryCatalog>,
    pub stock: Rc<MemoryStock>,
    pub payments: Rc<MemoryPayments>,
    pub shipments: Rc<MemoryShipments>,
    pub orders: Rc<MemoryOrders>,
}

impl Stores {
    /// Has the module that this is for do it.
    pub fn handle(&mut self, command: Command) -> Result<Event, Error> {
        let key = command.routing_key();
        match key.split('.').next() {
            Some("catalog") => now(catalog::handle(Rc::make_mut(&mut self.catalog), command)),
            Some("inventory") => now(inventory::handle(Rc::make_mut(&mut self.stock), command)),
            Some("payments") => now(payments::handle(Rc::make_mut(&mut self.payments), command)),
            Some("shipping") => now(shipping::handle(Rc::make_mut(&mut self.shipments), command)),
            Some("orders") => now(orders::handle(Rc::make_mut(&mut self.orders), command)),
            _ => Err(Error::Broken(format!("no module does {key}").into())),
        }
    }
}

/// The outcome of work that never waits: all there is to wait for is a store, and these are in memory.
pub fn now<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("a store in memory keeps nobody waiting")
}

/// A service's database. A transaction works on a clone of it, which then takes its place, or is thrown away.
#[derive(Clone, Default)]
pub struct Database {
    pub stores: Stores,
    /// The ids of the messages that were handled.
    pub inbox: BTreeSet<Uuid>,
    /// The messages that wait to be published.
    pub outbox: VecDeque<Mail>,
    /// Where each order's checkout stands, in the orders service.
    pub checkouts: BTreeMap<OrderId, Rc<Stored>>,
}

/// A message on its way.
#[derive(Clone)]
pub enum Mail {
    /// Somebody is told.
    Command(Rc<Envelope<Command>>),
    /// Whoever listens hears.
    Event(Rc<Envelope<Event>>),
}

impl Mail {
    /// What the inbox knows it by.
    pub fn id(&self) -> Uuid {
        match self {
            Mail::Command(envelope) => envelope.id,
            Mail::Event(envelope) => envelope.id,
        }
    }

    /// The order that it is about.
    pub fn order(&self) -> OrderId {
        match self {
            Mail::Command(envelope) => envelope.subject,
            Mail::Event(envelope) => envelope.subject,
        }
    }

    /// Where it is routed by.
    pub fn routing_key(&self) -> &'static str {
        match self {
            Mail::Command(envelope) => envelope.message.routing_key(),
            Mail::Event(envelope) => envelope.message.routing_key(),
        }
    }

    /// Whether the envelope fits what is in it, as the consumer asks of every message.
    pub fn check(&self) -> Result<(), Invalid> {
        match self {
            Mail::Command(envelope) => envelope.check(),
            Mail::Event(envelope) => envelope.check(),
        }
    }
}

impl std::fmt::Display for Mail {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.routing_key(), short(self.order()))?;
        match self {
            Mail::Command(envelope) if envelope.attempt > 0 => write!(f, " (attempt {})", envelope.attempt),
            _ => Ok(()),
        }
    }
}

/// An order as the history calls it: its number among the clients' errands.
pub fn short(order: OrderId) -> String {
    format!("#{}", order.0.as_u128() & 0xffff)
}
