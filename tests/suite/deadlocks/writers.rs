//! The writers of the shop's tables.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use chassis::{
    Choreographed, Failure, Fresh, Handle, Lock, NOTHING_SHARED, OutboxEntry, Participant, Protocol, Reactor,
    enqueue,
};
use contracts::{Command, CustomerId, Envelope, Error, Event, OrderId, PlacedOrder, Sku, TraceContext};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use orchestrator::{Decisions, Orchestrator, Start};
use orders::DecisionCounter;
use orders_service::{HANDLE, Listener, home};
use platform::telemetry::Telemetry;
use rand::RngExt;
use uuid::Uuid;

use super::hybrids;
use super::messages::{BATCH, one_of, shuffled};

/// Products and customers: few, so that any two writers meet.
const ROWS: usize = 6;
/// Orders whose commands are sent again and again, as when an answer is late.
const ORDERS: usize = 12;

/// The rows that all writers share.
pub struct Shop {
    pub skus: Vec<Sku>,
    pub customers: Vec<CustomerId>,
    /// Each protocol has its own orders, because no order has commands of two.
    pub orders: Vec<OrderId>,
    pub tcc: Vec<OrderId>,
    pub voided: Vec<OrderId>,
    pub choreographed: Vec<OrderId>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Writer {
    Catalog,
    Inventory,
    /// Reserves and sells.
    Sales,
    Payments,
    /// Holds money, and takes it or gives it back.
    Holds,
    Shipping,
    /// The steps of an order in one transaction.
    Monolith,
    Products,
    Receipts,
    Deposits,
    /// `POST /orders` in the orders service.
    Orders,
    /// Replies of the participants.
    Replies,
    /// Replies that are late.
    Late,
    /// Holds stock, and sells it or gives it back.
    Keeps,
    /// Events in a choreography, in the orders service and in each module.
    Events,
    CatalogReacts,
    InventoryReacts,
    PaymentsReacts,
    ShippingReacts,
    /// Inbox rows that are too old.
    Old,
    /// A hybrid, with the first or the last steps at home.
    HybridFirst,
    HybridLast,
}

pub const WRITERS: [Writer; 22] = [
    Writer::Catalog,
    Writer::Inventory,
    Writer::Sales,
    Writer::Payments,
    Writer::Holds,
    Writer::Shipping,
    Writer::Monolith,
    Writer::Products,
    Writer::Receipts,
    Writer::Deposits,
    Writer::Orders,
    Writer::Replies,
    Writer::Late,
    Writer::Keeps,
    Writer::Events,
    Writer::CatalogReacts,
    Writer::InventoryReacts,
    Writer::PaymentsReacts,
    Writer::ShippingReacts,
    Writer::Old,
    Writer::HybridFirst,
    Writer::HybridLast,
];

impl Shop {
    pub fn new() -> Result<Shop> {
        let name = Uuid::new_v4();
        let sku = |n| Ok(format!("sku-{n}-{name}").try_into()?);
        let customer = |n| Ok(format!("customer-{n}-{name}").try_into()?);
        let orders = || (0..ORDERS).map(|_| OrderId(Uuid::new_v4())).collect();
        Ok(Shop {
            skus: (0..ROWS).map(sku).collect::<Result<_>>()?,
            customers: (0..ROWS).map(customer).collect::<Result<_>>()?,
            orders: orders(),
            tcc: orders(),
            voided: orders(),
            choreographed: orders(),
        })
    }

    /// One transaction of a writer.
    pub async fn write(&self, connection: &mut AsyncPgConnection, writer: Writer) -> Result<()> {
        connection.batch_execute("BEGIN").await?;
        let written = self.work(connection, writer).await;
        connection.batch_execute(if matches!(written, Ok(true)) { "COMMIT" } else { "ROLLBACK" }).await?;
        written.map(|_| ())
    }

    /// Returns whether the transaction is to be committed.
    async fn work(&self, connection: &mut AsyncPgConnection, writer: Writer) -> Result<bool> {
        match writer {
            Writer::Catalog
            | Writer::Inventory
            | Writer::Sales
            | Writer::Payments
            | Writer::Holds
            | Writer::Keeps
            | Writer::Shipping => {
                let (lock, handle) = module(writer);
                let participant = Participant { name: "test", lock, handle };
                batch(connection, &participant, alone(self.commands(writer))).await
            }
            Writer::CatalogReacts
            | Writer::InventoryReacts
            | Writer::PaymentsReacts
            | Writer::ShippingReacts => {
                let (lock, handle) = module(writer);
                let module = Choreographed { name: "test", react: reaction(writer), lock, handle };
                batch(connection, &module, self.events(writer)).await
            }
            Writer::Monolith => self.checkout(connection).await,
            Writer::Products => {
                catalog::put(connection, &self.products()).await.map_err(anyhow::Error::from_boxed)?;
                Ok(true)
            }
            Writer::Receipts => {
                inventory::receive(connection, &self.receipt())
                    .await
                    .map_err(|error| anyhow!("{error:?}"))?;
                Ok(true)
            }
            Writer::Deposits => {
                payments::deposit(connection, &self.deposits())
                    .await
                    .map_err(|error| anyhow!("{error:?}"))?;
                Ok(true)
            }
            Writer::Orders => self.place(connection).await,
            Writer::Replies => batch(connection, &orchestrator(), alone(self.replies())).await,
            Writer::Late => match orchestrator().ask_again(connection).await {
                Ok(_) => Ok(true),
                Err(failure) => Err(anyhow!("{failure:?}")),
            },
            Writer::Events => {
                let module = Choreographed {
                    name: "orders",
                    react: orders::react,
                    lock: NOTHING_SHARED,
                    handle: HANDLE,
                };
                let listener = Listener { module, decisions: decisions() };
                let order = self.new_order(self.choreographed[0])?.placed;
                let scheduled = |_| {
                    let order_id = one_of(&self.choreographed);
                    (Event::ShipmentScheduled { order_id }, Some(order.clone()))
                };
                batch(connection, &listener, (0..BATCH).map(scheduled).collect()).await
            }
            Writer::Old => {
                chassis::forget_old(connection).await.map_err(anyhow::Error::from_boxed)?;
                Ok(true)
            }
            Writer::HybridFirst => hybrids::work(self, connection, hybrids::FIRST_STEPS).await,
            Writer::HybridLast => hybrids::work(self, connection, hybrids::LAST_STEPS).await,
        }
    }

    /// Orders of two protocols, and one that was placed before.
    async fn place(&self, connection: &mut AsyncPgConnection) -> Result<bool> {
        let scope = Telemetry::off().scope(TraceContext::root());
        for (protocol, orders) in [(Protocol::Tcc, &self.tcc), (Protocol::Choreographed, &self.choreographed)]
        {
            let start = Start { protocol, home: Arc::new(home()), answer_within: Duration::ZERO };
            for order in shuffled(orders) {
                // One that another session is placing is left to it, as the API does.
                let placed = start.place_and_start(connection, &self.new_order(order)?, &scope).await;
                match placed {
                    Ok(_) | Err(orders::PlaceError::KeyBusy | orders::PlaceError::KeyReused) => {}
                    Err(error) => return Err(anyhow!("{error:?}")),
                }
            }
        }
        Ok(true)
    }

    /// An order in the monolith: each step locks its rows, in the order of the plan.
    async fn checkout(&self, connection: &mut AsyncPgConnection) -> Result<bool> {
        let order = OrderId(Uuid::new_v4());
        orders::place(connection, &self.new_order(order)?).await.map_err(|error| anyhow!("{error:?}"))?;
        let done = async {
            catalog::handle(connection, self.command(Writer::Catalog, order)).await?;
            inventory::handle(connection, self.command(Writer::Inventory, order)).await?;
            payments::handle(connection, self.command(Writer::Payments, order)).await?;
            shipping::handle(connection, self.command(Writer::Shipping, order)).await?;
            orders::handle(connection, Command::ConfirmOrder { order_id: order }).await
        };
        match done.await {
            Ok(_) | Err(Error::Refused(_)) => Ok(true),
            Err(Error::Broken(error)) => Err(anyhow::Error::from_boxed(error)),
        }
    }
}

/// A module's own lock and handler.
fn module(writer: Writer) -> (Lock, Handle) {
    match writer {
        Writer::Catalog | Writer::CatalogReacts => {
            (|c, all| Box::pin(catalog::lock(c, all)), |c, one| Box::pin(catalog::handle(c, one)))
        }
        Writer::Inventory | Writer::Sales | Writer::Keeps | Writer::InventoryReacts => {
            (|c, all| Box::pin(inventory::lock(c, all)), |c, one| Box::pin(inventory::handle(c, one)))
        }
        Writer::Payments | Writer::Holds | Writer::PaymentsReacts => {
            (|c, all| Box::pin(payments::lock(c, all)), |c, one| Box::pin(payments::handle(c, one)))
        }
        _ => (NOTHING_SHARED, |c, one| Box::pin(shipping::handle(c, one))),
    }
}

/// A module's own reaction to an event.
fn reaction(writer: Writer) -> fn(&Event, &PlacedOrder) -> Option<Command> {
    match writer {
        Writer::CatalogReacts => catalog::react,
        Writer::InventoryReacts => inventory::react,
        Writer::PaymentsReacts => payments::react,
        _ => shipping::react,
    }
}

/// Messages that carry no order.
fn alone<M>(messages: Vec<M>) -> Vec<(M, Option<PlacedOrder>)> {
    messages.into_iter().map(|message| (message, None)).collect()
}

/// What a consumer does with a batch in one transaction: inbox, reaction, outbox. A message that can never be
/// handled is set aside, and the batch is rolled back.
pub async fn batch<R: Reactor>(
    connection: &mut AsyncPgConnection,
    reactor: &R,
    messages: Vec<(R::Message, Option<PlacedOrder>)>,
) -> Result<bool> {
    let telemetry = Telemetry::off();
    let mut envelopes: Vec<Envelope<R::Message>> = messages
        .into_iter()
        .map(|(message, order)| {
            let attempt = rand::rng().random_range(0..9);
            Envelope { order, ..Envelope::new("test", TraceContext::root(), attempt, message) }
        })
        .collect();
    let ids: Vec<Uuid> = envelopes.iter().map(|envelope| envelope.id).collect();
    let mut fresh = chassis::claim(connection, &ids).await.map_err(anyhow::Error::from_boxed)?;
    envelopes.retain(|envelope| fresh.remove(&envelope.id));
    let fresh = envelopes.into_iter().map(|envelope| {
        let scope = telemetry.scope(envelope.traceparent);
        Fresh { envelope, scope }
    });
    let outgoing: Vec<OutboxEntry> = match reactor.react(connection, fresh.collect()).await {
        Ok(outgoing) => outgoing,
        Err(Failure::Poison(_)) => return Ok(false),
        Err(Failure::Broken(error)) => return Err(anyhow::Error::from_boxed(error)),
    };
    let _ = enqueue(connection, outgoing).await.map_err(anyhow::Error::from_boxed)?;
    Ok(true)
}

pub fn decisions() -> Arc<Decisions> {
    Arc::new(Decisions::new(DecisionCounter::new(&Telemetry::off())))
}

/// An orchestrator for which every reply is late.
fn orchestrator() -> Orchestrator {
    Orchestrator { decisions: decisions(), home: Arc::new(home()), answer_within: Duration::ZERO }
}
