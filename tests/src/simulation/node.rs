//! A service: its module's store, and the tables that a separate service needs besides.

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

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Service {
    /// Prices and sales.
    Catalog,
    /// Stock.
    Inventory,
    /// Wallets and the ledger.
    Payments,
    /// Shipments.
    Shipping,
    /// Orders, and their checkouts if there is a coordinator.
    Orders,
}

impl Service {
    /// In the order of a checkout.
    pub const ALL: [Service; 5] =
        [Service::Catalog, Service::Inventory, Service::Payments, Service::Shipping, Service::Orders];

    /// The first half of its routing keys.
    pub fn name(self) -> &'static str {
        match self {
            Service::Catalog => "catalog",
            Service::Inventory => "inventory",
            Service::Payments => "payments",
            Service::Shipping => "shipping",
            Service::Orders => "orders",
        }
    }

    /// Whether it is the first half of this routing key.
    pub fn is_named_in(self, routing_key: &str) -> bool {
        routing_key.split('.').next() == Some(self.name())
    }

    /// The events that it reacts to in a choreography.
    pub fn hears(self) -> &'static [&'static str] {
        match self {
            Service::Catalog => catalog::HEARS,
            Service::Inventory => inventory::HEARS,
            Service::Payments => payments::HEARS,
            Service::Shipping => shipping::HEARS,
            Service::Orders => orders::HEARS,
        }
    }

    /// The command that an event leads to in a choreography.
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

/// The tables of all modules. A service uses its own; the monolith has all in one database.
#[derive(Clone, Default)]
pub struct Stores {
    pub catalog: Rc<MemoryCatalog>,
    pub stock: Rc<MemoryStock>,
    pub payments: Rc<MemoryPayments>,
    pub shipments: Rc<MemoryShipments>,
    pub orders: Rc<MemoryOrders>,
}

impl Stores {
    /// Passes the command to its module.
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

/// The result of a future that never waits: it only waits for stores, and they are in memory.
pub fn now<T>(work: impl Future<Output = T>) -> T {
    work.now_or_never().expect("an in-memory store never waits")
}

/// A service's database. A transaction works on a clone, which then replaces it or is dropped.
#[derive(Clone, Default)]
pub struct Database {
    pub stores: Stores,
    /// The ids of handled messages.
    pub inbox: BTreeSet<Uuid>,
    /// The messages to be published, oldest first.
    pub outbox: VecDeque<Mail>,
    /// The state of each order's checkout, in the orders service.
    pub checkouts: BTreeMap<OrderId, Rc<Stored>>,
}

/// A message on its way.
#[derive(Clone)]
pub enum Mail {
    /// For one service.
    Command(Rc<Envelope<Command>>),
    /// For all services that react to it.
    Event(Rc<Envelope<Event>>),
}

impl Mail {
    /// The id that the inbox stores.
    pub fn id(&self) -> Uuid {
        match self {
            Mail::Command(envelope) => envelope.id,
            Mail::Event(envelope) => envelope.id,
        }
    }

    pub fn order(&self) -> OrderId {
        match self {
            Mail::Command(envelope) => envelope.subject,
            Mail::Event(envelope) => envelope.subject,
        }
    }

    pub fn routing_key(&self) -> &'static str {
        match self {
            Mail::Command(envelope) => envelope.message.routing_key(),
            Mail::Event(envelope) => envelope.message.routing_key(),
        }
    }

    /// Checks that the envelope matches its content, as the consumer does with every message.
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

/// The name of an order in the history: the number of its errand.
pub fn short(order: OrderId) -> String {
    format!("#{}", order.0.as_u128() & 0xffff)
}
