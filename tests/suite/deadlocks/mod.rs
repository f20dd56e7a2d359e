//! Any two writers of a table run in parallel without a deadlock.
//!
//! The writers are those of the shop: a batch in a service, an order in the monolith, the statement of an
//! endpoint. All want the same few rows, each in random order, and nothing is retried.

mod minute;

use anyhow::{Context, Result, anyhow, ensure};
use catalog::{Product, Sale};
use chassis::{Fresh, Handle, Lock, Participant, Reactor};
use contracts::{Command, CustomerId, Envelope, Error, Money, OrderId, OrderLine, Region, Sku, TraceContext};
use diesel::sql_types::BigInt;
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::{join_all, try_join_all};
use inventory::{Pieces, Receipt};
use payments::Deposit;
use platform::telemetry::Telemetry;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use tests::Stage;
use uuid::Uuid;

use crate::schema::Tables;
pub use minute::a_minute_of_orders_and_receipts;

/// Transactions of each writer.
const ROUNDS: usize = 12;
/// Messages in a batch.
const BATCH: usize = 8;
/// Products and customers: few, so that any two writers meet.
const ROWS: usize = 6;
/// Orders whose commands are sent again and again, as when an answer is late.
const ORDERS: usize = 12;

/// The rows that all writers share.
struct Shop {
    skus: Vec<Sku>,
    customers: Vec<CustomerId>,
    orders: Vec<OrderId>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Writer {
    Catalog,
    Inventory,
    Payments,
    Shipping,
    /// The steps of an order in one transaction.
    Monolith,
    Products,
    Receipts,
    Deposits,
}

const WRITERS: [Writer; 8] = [
    Writer::Catalog,
    Writer::Inventory,
    Writer::Payments,
    Writer::Shipping,
    Writer::Monolith,
    Writer::Products,
    Writer::Receipts,
    Writer::Deposits,
];

fn shuffled<T: Clone>(all: &[T]) -> Vec<T> {
    let mut all = all.to_vec();
    all.shuffle(&mut rand::rng());
    all
}

fn region() -> Region {
    Region::try_from("seoul".to_owned()).expect("seoul is a region")
}

impl Shop {
    fn new() -> Result<Shop> {
        let name = Uuid::new_v4();
        let sku = |n| Ok(format!("sku-{n}-{name}").try_into()?);
        let customer = |n| Ok(format!("customer-{n}-{name}").try_into()?);
        Ok(Shop {
            skus: (0..ROWS).map(sku).collect::<Result<_>>()?,
            customers: (0..ROWS).map(customer).collect::<Result<_>>()?,
            orders: (0..ORDERS).map(|_| OrderId(Uuid::new_v4())).collect(),
        })
    }

    fn order(&self) -> OrderId {
        *self.orders.choose(&mut rand::rng()).expect("there are orders")
    }

    fn customer(&self) -> CustomerId {
        self.customers.choose(&mut rand::rng()).expect("there are customers").clone()
    }

    /// Two products, sorted by sku like the lines of every order.
    fn lines(&self) -> Vec<OrderLine> {
        let mut skus = shuffled(&self.skus)[..2].to_vec();
        skus.sort();
        let quantity = 1.try_into().expect("one is a quantity");
        skus.into_iter().map(|sku| OrderLine { sku, quantity, unit_price: Money(7) }).collect()
    }

    fn command(&self, writer: Writer, order_id: OrderId) -> Command {
        let (lines, customer_id, amount) = (self.lines(), self.customer(), Money(7));
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
    async fn write(&self, connection: &mut AsyncPgConnection, writer: Writer) -> Result<()> {
        connection.batch_execute("BEGIN").await?;
        let written = match writer {
            Writer::Catalog => {
                self.batch(
                    connection,
                    writer,
                    |c, all| Box::pin(catalog::lock(c, all)),
                    |c, one| Box::pin(catalog::handle(c, one)),
                )
                .await
            }
            Writer::Inventory => {
                self.batch(
                    connection,
                    writer,
                    |c, all| Box::pin(inventory::lock(c, all)),
                    |c, one| Box::pin(inventory::handle(c, one)),
                )
                .await
            }
            Writer::Payments => {
                self.batch(
                    connection,
                    writer,
                    |c, all| Box::pin(payments::lock(c, all)),
                    |c, one| Box::pin(payments::handle(c, one)),
                )
                .await
            }
            Writer::Shipping => {
                self.batch(connection, writer, chassis::NOTHING_SHARED, |c, one| {
                    Box::pin(shipping::handle(c, one))
                })
                .await
            }
            Writer::Monolith => self.checkout(connection).await,
            Writer::Products => {
                catalog::put(connection, &self.products()).await.map_err(anyhow::Error::from_boxed)
            }
            Writer::Receipts => {
                inventory::receive(connection, &self.receipt()).await.map_err(|error| anyhow!("{error:?}"))
            }
            Writer::Deposits => {
                payments::deposit(connection, &self.deposits()).await.map_err(|error| anyhow!("{error:?}"))
            }
        };
        connection.batch_execute(if written.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
        written
    }

    /// A batch of a service: commands for several orders, some for the same one, in one transaction.
    async fn batch(
        &self,
        connection: &mut AsyncPgConnection,
        writer: Writer,
        lock: Lock,
        handle: Handle,
    ) -> Result<()> {
        let telemetry = Telemetry::off();
        let messages = (0..BATCH).map(|_| {
            let trace = TraceContext::root();
            let envelope = Envelope::new("orders", trace, 0, self.command(writer, self.order()));
            Fresh { envelope, scope: telemetry.scope(trace) }
        });
        let participant = Participant { name: "test", lock, handle };
        let answers = participant.react(connection, messages.collect()).await;
        ensure!(answers.is_ok(), "{:?}", answers.err());
        Ok(())
    }

    /// An order in the monolith: each step locks its rows, in the order of the plan.
    async fn checkout(&self, connection: &mut AsyncPgConnection) -> Result<()> {
        let order = OrderId(Uuid::new_v4());
        let done = async {
            catalog::handle(connection, self.command(Writer::Catalog, order)).await?;
            inventory::handle(connection, self.command(Writer::Inventory, order)).await?;
            payments::handle(connection, self.command(Writer::Payments, order)).await?;
            shipping::handle(connection, self.command(Writer::Shipping, order)).await
        };
        match done.await {
            Ok(_) | Err(Error::Refused(_)) => Ok(()),
            Err(Error::Broken(error)) => Err(anyhow::Error::from_boxed(error)),
        }
    }
}

#[derive(QueryableByName)]
struct Deadlocks {
    #[diesel(sql_type = BigInt)]
    deadlocks: i64,
}

/// The deadlocks that the server has broken in this database.
const DEADLOCKS: &str = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";

pub async fn no_two_writers_wait_in_a_circle(stage: &Stage) -> Result<Option<String>> {
    let tables = Tables::new(stage).await?;
    let mut connections = try_join_all((0..4).map(|_| tables.connect())).await?;
    for connection in &mut connections {
        // The tables are almost empty, and must still get the same plans as in a running shop.
        connection
            .batch_execute("SET enable_seqscan = off; SET plan_cache_mode = force_generic_plan")
            .await?;
    }
    let mut wrong = Vec::new();
    for (n, one) in WRITERS.into_iter().enumerate() {
        for other in &WRITERS[n..] {
            let shop = Shop::new()?;
            for first in [Writer::Products, Writer::Receipts, Writer::Deposits] {
                shop.write(&mut connections[0], first).await.context("the first write, without any other")?;
            }
            // Two of each, so that each also meets another of its kind.
            let writers = connections.iter_mut().zip([one, *other, one, *other]);
            let rounds = writers.map(async |(connection, writer)| {
                for _ in 0..ROUNDS {
                    shop.write(connection, writer).await?;
                }
                anyhow::Ok(())
            });
            let failed = join_all(rounds).await.into_iter().filter_map(Result::err);
            wrong.extend(failed.map(|error| format!("{one:?} beside {other:?}: {error:#}")));
        }
    }
    drop(connections);
    let count = sql_query(DEADLOCKS);
    let Deadlocks { deadlocks } = count.get_result(&mut tables.connect().await?).await?;
    tables.stop().await?;
    ensure!(wrong.is_empty() && deadlocks == 0, "{deadlocks} deadlocks:\n{}", wrong.join("\n"));
    Ok(None)
}
