//! The database rows of one order.

use std::collections::HashMap;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, Binary, Bool, Integer, Jsonb, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use futures_util::future::join_all;
use serde_json::Value;
use uuid::Uuid;

pub(crate) mod locks;

use super::{Evidence, Witness, messages};
use crate::words;
use locks::Held;
use topology::{Driver, ShopHandle};

use topology::{MONOLITH, SERVICES};

/// A timestamp by the database's clock.
pub(crate) type Moment = DateTime<Utc>;

/// The application name of the sessions that read stories.
const APPLICATION: &str = "cleave story";

/// Everything that the rows show about one order.
#[derive(Debug, Default)]
pub(crate) struct Records {
    pub order: Option<OrderRow>,
    pub saga: Option<SagaRow>,
    /// The rows that were written, each as the event that it stands for.
    pub effects: Vec<Effect>,
    pub handled: Vec<Handled>,
    pub unpublished: Vec<Unpublished>,
    pub held: Vec<Held>,
    /// The databases that were asked.
    pub witnesses: Vec<Witness>,
}

#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct OrderRow {
    #[diesel(sql_type = Text)]
    pub customer_id: String,
    #[diesel(sql_type = Jsonb)]
    pub lines: Value,
    #[diesel(sql_type = Text)]
    pub status: String,
    #[diesel(sql_type = Nullable<Text>)]
    pub refusal_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub refusal_detail: Option<String>,
    #[diesel(sql_type = Text)]
    pub idempotency_key: String,
    #[diesel(sql_type = Timestamptz)]
    pub placed_at: Moment,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub decided_at: Option<Moment>,
}

#[derive(Debug, Clone, QueryableByName)]
pub(crate) struct SagaRow {
    #[diesel(sql_type = Jsonb)]
    pub state: Value,
    #[diesel(sql_type = Bool)]
    pub finished: bool,
    #[diesel(sql_type = Integer)]
    pub attempt: i32,
    #[diesel(sql_type = Timestamptz)]
    pub deadline: Moment,
}

/// A row that was written.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub(crate) struct Effect {
    /// The event that the row stands for.
    #[diesel(sql_type = Text)]
    pub name: String,
    #[diesel(sql_type = Timestamptz)]
    pub at: Moment,
}

/// A message that was handled.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Handled {
    /// The service that handled it.
    pub service: &'static str,
    pub message_id: Uuid,
    /// The routing key.
    pub key: &'static str,
    /// 0 for the first attempt.
    pub attempt: u32,
    pub at: Moment,
}

/// A message in an outbox.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unpublished {
    /// The service that owns the outbox.
    pub service: &'static str,
    pub message_id: Uuid,
    /// A routing key, or a queue.
    pub destination: String,
    /// Whether the destination is a queue: for a failed message or a dead letter.
    pub queue: bool,
    pub since: Moment,
}

#[derive(QueryableByName)]
struct InboxRow {
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
    #[diesel(sql_type = Timestamptz)]
    handled_at: Moment,
}

#[derive(QueryableByName)]
struct OutboxRow {
    #[diesel(sql_type = SqlUuid)]
    message_id: Uuid,
    #[diesel(sql_type = Text)]
    destination: String,
    #[diesel(sql_type = Bool)]
    queue: bool,
    #[diesel(sql_type = Timestamptz)]
    written_at: Moment,
}

const ORDER: &str =
    "SELECT customer_id, lines, status, refusal_code, refusal_detail, idempotency_key, placed_at, decided_at
    FROM orders.orders WHERE order_id = $1";

const SAGA: &str = "SELECT state, finished, attempt, deadline FROM checkout.sagas WHERE order_id = $1";

/// A tombstone reserved nothing, so it appears only as undone.
fn effects_of(service: &str) -> &'static str {
    match service {
        "catalog" => {
            "SELECT 'catalog.prices-honoured' AS name, claimed_at AS at FROM catalog.claims
                 WHERE order_id = $1 AND lines <> '[]'
             UNION ALL SELECT 'catalog.prices-released', released_at FROM catalog.claims
                 WHERE order_id = $1 AND released_at IS NOT NULL"
        }
        "inventory" => {
            "SELECT 'inventory.stock-reserved' AS name, reserved_at AS at FROM inventory.reservations
                 WHERE order_id = $1 AND lines <> '[]'
             UNION ALL SELECT 'inventory.reservation-committed', committed_at FROM inventory.reservations
                 WHERE order_id = $1 AND committed_at IS NOT NULL
             UNION ALL SELECT 'inventory.stock-released', released_at FROM inventory.reservations
                 WHERE order_id = $1 AND released_at IS NOT NULL"
        }
        "payments" => {
            "SELECT 'payments.payment-authorized' AS name, authorized_at AS at FROM payments.payments
                 WHERE order_id = $1 AND authorized_at IS NOT NULL
             UNION ALL SELECT 'payments.payment-captured', captured_at FROM payments.payments
                 WHERE order_id = $1 AND captured_at IS NOT NULL AND customer_id IS NOT NULL
             UNION ALL SELECT CASE status WHEN 'voided' THEN 'payments.payment-voided'
                              ELSE 'payments.payment-refunded' END, refunded_at FROM payments.payments
                 WHERE order_id = $1 AND refunded_at IS NOT NULL"
        }
        "shipping" => {
            "SELECT 'shipping.shipment-scheduled' AS name, scheduled_at AS at FROM shipping.shipments
                 WHERE order_id = $1"
        }
        _ => {
            "SELECT 'orders.order-placed' AS name, placed_at AS at FROM orders.orders WHERE order_id = $1
             UNION ALL SELECT CASE status WHEN 'confirmed' THEN 'orders.order-confirmed'
                              ELSE 'orders.order-cancelled' END, decided_at FROM orders.orders
                 WHERE order_id = $1 AND decided_at IS NOT NULL"
        }
    }
}

/// A separate session with short time limits, so that it gives up instead of waiting.
pub(crate) async fn connect(service: &str, url: &str) -> Result<AsyncPgConnection> {
    let mut connection = servers::connect(url).await.with_context(|| words::cannot_connect(service))?;
    let own = format!(
        "SET application_name = '{APPLICATION}'; SET statement_timeout = '5s'; SET lock_timeout = '1s'"
    );
    connection.batch_execute(&own).await?;
    Ok(connection)
}

/// Reads all databases of a shop concurrently. A database that cannot be read is named among the witnesses.
pub(crate) async fn read(shop: &ShopHandle, order: Uuid) -> Records {
    let mut records = Records::default();
    // The order first: its products and its customer determine the rows that it needs.
    let of_orders = async {
        let mut connection = connect("orders", &shop.databases.orders).await?;
        let row: Vec<OrderRow> =
            diesel::sql_query(ORDER).bind::<SqlUuid, _>(order).load(&mut connection).await?;
        anyhow::Ok((row.into_iter().next(), saga(shop.driver, &mut connection, order).await?))
    };
    if let Ok((row, saga)) = of_orders.await {
        (records.order, records.saga) = (row, saga);
    }
    let urls = &shop.databases;
    let urls = [&urls.catalog, &urls.inventory, &urls.orders, &urls.payments, &urls.shipping];
    let order_row = records.order.clone();
    let read = SERVICES.into_iter().zip(urls).map(async |(service, url)| {
        let part = part(shop, service, url, order, order_row.as_ref()).await;
        (service, part)
    });
    for (service, part) in join_all(read).await {
        let (told, why_not) = match part {
            Ok(part) => {
                let told = part.effects.len() + part.handled.len() + part.unpublished.len();
                records.effects.extend(part.effects);
                records.handled.extend(part.handled);
                records.unpublished.extend(part.unpublished);
                records.held.extend(part.held);
                (told, None)
            }
            Err(why) => (0, Some(format!("{why:#}"))),
        };
        records.witnesses.push(Witness { name: service.to_owned(), of: Evidence::Database, told, why_not });
    }
    // What was handled is published. Its row is deleted up to 100 ms later (docs/adr/0023).
    let published = |id| records.handled.iter().any(|message| message.message_id == id);
    records.unpublished.retain(|row| !published(row.message_id));
    // In the monolith all modules share one database, and the same lock appears five times.
    records.held.sort_by(|one, other| one.the_row.cmp(&other.the_row));
    records.held.dedup_by(|one, other| one.the_row == other.the_row);
    records
}

async fn saga(driver: Driver, connection: &mut AsyncPgConnection, order: Uuid) -> Result<Option<SagaRow>> {
    if !driver.has_sagas() {
        return Ok(None);
    }
    let found: Vec<SagaRow> = diesel::sql_query(SAGA).bind::<SqlUuid, _>(order).load(connection).await?;
    Ok(found.into_iter().next())
}

/// Reads one service's database.
async fn part(
    shop: &ShopHandle,
    service: &'static str,
    url: &str,
    order: Uuid,
    row: Option<&OrderRow>,
) -> Result<Records> {
    let mut connection = connect(service, url).await?;
    let effects: Vec<Effect> =
        diesel::sql_query(effects_of(service)).bind::<SqlUuid, _>(order).load(&mut connection).await?;
    let mut part = Records { effects, ..Records::default() };
    if let Some(row) = row {
        part.held = locks::held(&mut connection, service, order, row).await?;
    }
    // Modules in one process have one inbox and one outbox, which are read with orders.
    let process = shop.driver.service_of(service);
    if !shop.driver.has_messages() || (process == MONOLITH && service != "orders") {
        return Ok(part);
    }
    let ids = messages::ids(order);
    let all: Vec<Uuid> = ids.keys().copied().collect();
    let inbox: Vec<InboxRow> =
        diesel::sql_query("SELECT message_id, handled_at FROM chassis.inbox WHERE message_id = ANY($1)")
            .bind::<Array<SqlUuid>, _>(&all)
            .load(&mut connection)
            .await?;
    part.handled = inbox.iter().filter_map(|row| handled(process, row, &ids)).collect();
    // A failed message or a dead letter has its own id in the outbox; its body names the order.
    let outbox: Vec<OutboxRow> = diesel::sql_query(
        "SELECT message_id, destination, queue, written_at FROM chassis.outbox
         WHERE message_id = ANY($1) OR (queue AND position($2 IN body) > 0) ORDER BY id",
    )
    .bind::<Array<SqlUuid>, _>(&all)
    .bind::<Binary, _>(order.to_string().into_bytes())
    .load(&mut connection)
    .await?;
    let unpublished = |row: OutboxRow| Unpublished {
        service: process,
        message_id: row.message_id,
        destination: row.destination,
        queue: row.queue,
        since: row.written_at,
    };
    part.unpublished = outbox.into_iter().map(unpublished).collect();
    Ok(part)
}

fn handled(
    service: &'static str,
    row: &InboxRow,
    ids: &HashMap<Uuid, (&'static str, u32)>,
) -> Option<Handled> {
    let (key, attempt) = *ids.get(&row.message_id)?;
    Some(Handled { service, message_id: row.message_id, key, attempt, at: row.handled_at })
}
