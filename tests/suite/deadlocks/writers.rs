//! The writers of the shop's tables.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, anyhow};
use catalog::{Product, Sale};
use chassis::{
    Choreographed, Failure, Fresh, Handle, Lock, NOTHING_SHARED, OutboxEntry, Participant, Protocol, Reactor,
    enqueue,
};
use contracts::{
    Command, CustomerId, Envelope, Error, Event, Money, OrderId, OrderLine, OrderRequest, PlacedOrder,
    Refusal, RefusalCode, Region, Sku, TraceContext,
};
use diesel_async::{AsyncPgConnection, SimpleAsyncConnection};
use inventory::{Pieces, Receipt};
use orchestrator::{Decisions, Orchestrator, Start};
use orders::{DecisionCounter, NewOrder};
use orders_service::{HANDLE, Listener, home};
use payments::Deposit;
use platform::telemetry::Telemetry;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use uuid::Uuid;

use super::hybrids;

/// Messages in a batch.
const BATCH: usize = 8;
/// Products and customers: few, so that any two writers meet.
const ROWS: usize = 6;
/// Orders whose commands are sent again and again, as when an answer is late.
const ORDERS: usize = 12;

/// The rows that all writers share.
pub struct Shop {
    skus: Vec<Sku>,
    customers: Vec<CustomerId>,
    /// Each protocol has its own orders, because no order has commands of two.
    orders: Vec<OrderId>,
    tcc: Vec<OrderId>,
    voided: Vec<OrderId>,
    choreographed: Vec<OrderId>,
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
    /// Events in a choreography.
    Events,
    /// Inbox rows that are too old.
    Old,
    /// A hybrid, with the first or the last steps at home.
    HybridFirst,
    HybridLast,
}

pub const WRITERS: [Writer; 17] = [
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
    Writer::Events,
    Writer::Old,
    Writer::HybridFirst,
    Writer::HybridLast,
];

fn shuffled<T: Clone>(all: &[T]) -> Vec<T> {
    let mut all = all.to_vec();
    all.shuffle(&mut rand::rng());
    all
}

fn region() -> Region {
    Region::try_from("seoul".to_owned()).expect("seoul is a region")
}

fn one_of<T: Clone>(all: &[T]) -> T {
    all.choose(&mut rand::rng()).expect("there are some").clone()
}

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

    /// Two products, sorted by sku like the lines of every order.
    fn lines(&self) -> Vec<OrderLine> {
        let mut skus = shuffled(&self.skus)[..2].to_vec();
        skus.sort();
        let quantity = 1.try_into().expect("one is a quantity");
        skus.into_iter().map(|sku| OrderLine { sku, quantity, unit_price: Money(7) }).collect()
    }

    /// Commands for several orders, some for the same one.
    fn commands(&self, writer: Writer) -> Vec<Command> {
        let several = |commands: &dyn Fn() -> Vec<Command>| (0..BATCH).flat_map(|_| commands()).collect();
        match writer {
            Writer::Sales => several(&|| {
                let (order_id, lines) = (one_of(&self.tcc), self.lines());
                vec![Command::ReserveStock { order_id, lines }, Command::CommitReservation { order_id }]
            }),
            Writer::Holds => several(&|| {
                let takes = rand::rng().random_bool(0.5);
                let order_id = one_of(if takes { &self.tcc } else { &self.voided });
                let (customer_id, amount) = (one_of(&self.customers), Money(7));
                let hold = Command::AuthorizePayment { order_id, customer_id: customer_id.clone(), amount };
                let take = Command::CapturePayment { order_id, customer_id, amount };
                vec![hold, if takes { take } else { Command::VoidPayment { order_id } }]
            }),
            _ => several(&|| vec![self.command(writer, one_of(&self.orders))]),
        }
    }

    fn command(&self, writer: Writer, order_id: OrderId) -> Command {
        let (lines, customer_id, amount) = (self.lines(), one_of(&self.customers), Money(7));
        let undo = rand::rng().random_bool(0.4);
        match writer {
            Writer::Catalog if undo => Command::ReleasePrices { order_id },
            Writer::Catalog => Command::HonourPrices { order_id, lines },
            Writer::Inventory if undo => Command::ReleaseStock { order_id },
            Writer::Inventory => Command::ReserveStock { order_id, lines },
            Writer::Payments if undo => Command::RefundPayment { order_id },
            Writer::Payments => Command::CapturePayment { order_id, customer_id, amount },
            _ => Command::ScheduleShipment { order_id, region: region() },
        }
    }

    fn request(&self) -> OrderRequest {
        let customer_id = one_of(&self.customers);
        OrderRequest { customer_id, region: region(), lines: self.lines() }
    }

    pub fn new_order(&self, order_id: OrderId) -> Result<NewOrder> {
        let new = NewOrder::new(&order_id.to_string(), self.request())?;
        Ok(NewOrder { placed: PlacedOrder { order_id, ..new.placed }, ..new })
    }

    pub fn customers(&self) -> Vec<String> {
        self.customers.iter().map(ToString::to_string).collect()
    }

    /// Replies to several tries, or one reply to anything. Each may be the one that decides an order, or
    /// be late.
    fn replies(&self) -> Vec<Event> {
        let (count, kinds) = if rand::rng().random_bool(0.5) { (BATCH, 5) } else { (1, 9) };
        let reply = |_| {
            let order_id = one_of(&self.tcc);
            let refusal = Refusal { code: RefusalCode::InsufficientFunds, detail: "for a test".into() };
            match rand::rng().random_range(0..kinds) {
                0 => Event::PricesHonoured { order_id },
                1 => Event::StockReserved { order_id },
                2 => Event::PaymentAuthorized { order_id },
                3 => Event::ShipmentQuoted { order_id },
                4 => Event::PaymentRefused { order_id, refusal },
                5 => Event::PaymentVoided { order_id },
                6 => Event::StockReleased { order_id },
                7 => Event::PricesReleased { order_id },
                _ => Event::PaymentCaptured { order_id },
            }
        };
        (0..count).map(reply).collect()
    }

    fn products(&self) -> Vec<Product> {
        let product = |sku| Product {
            sku,
            name: "A thing".into(),
            price: Money(10),
            sale: Some(Sale { price: Money(7), quota: 100_000, claimed: 0 }),
        };
        shuffled(&self.skus).into_iter().map(product).collect()
    }

    fn receipt(&self) -> Receipt {
        let quantity = 1000.try_into().expect("a thousand is a quantity");
        let lines = shuffled(&self.skus).into_iter().map(|sku| Pieces { sku, quantity }).collect();
        Receipt { receipt_id: Uuid::new_v4(), lines }
    }

    fn deposits(&self) -> Vec<Deposit> {
        let deposit = |customer_id| Deposit { deposit_id: Uuid::new_v4(), customer_id, amount: Money(1000) };
        shuffled(&self.customers).into_iter().map(deposit).collect()
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
            | Writer::Shipping => {
                let (lock, handle) = module(writer);
                let participant = Participant { name: "test", lock, handle };
                batch(connection, &participant, self.commands(writer), None).await
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
            Writer::Replies => batch(connection, &orchestrator(), self.replies(), None).await,
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
                let scheduled = |_| Event::ShipmentScheduled { order_id: one_of(&self.choreographed) };
                let order = self.new_order(self.choreographed[0])?.placed;
                batch(connection, &listener, (0..BATCH).map(scheduled).collect(), Some(order)).await
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
        Writer::Catalog => {
            (|c, all| Box::pin(catalog::lock(c, all)), |c, one| Box::pin(catalog::handle(c, one)))
        }
        Writer::Inventory | Writer::Sales => {
            (|c, all| Box::pin(inventory::lock(c, all)), |c, one| Box::pin(inventory::handle(c, one)))
        }
        Writer::Payments | Writer::Holds => {
            (|c, all| Box::pin(payments::lock(c, all)), |c, one| Box::pin(payments::handle(c, one)))
        }
        _ => (NOTHING_SHARED, |c, one| Box::pin(shipping::handle(c, one))),
    }
}

/// What a consumer does with a batch in one transaction: inbox, reaction, outbox. A message that can never be
/// handled is set aside, and the batch is rolled back.
pub async fn batch<R: Reactor>(
    connection: &mut AsyncPgConnection,
    reactor: &R,
    messages: Vec<R::Message>,
    order: Option<PlacedOrder>,
) -> Result<bool> {
    let telemetry = Telemetry::off();
    let mut envelopes: Vec<Envelope<R::Message>> = messages
        .into_iter()
        .map(|message| Envelope::new("test", TraceContext::root(), rand::rng().random_range(0..9), message))
        .map(|envelope| Envelope { order: order.clone(), ..envelope })
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
