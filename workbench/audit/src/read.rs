//! Reads the records. Each database is read in one transaction, for a consistent snapshot.

use std::collections::HashMap;
use std::sync::Arc;

use anyhow::Context;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::records::{Commitment, Hold, Outboxes, Payment, Records, Saga, Shipment};
use crate::words;
use topology::{Databases, Driver};

/// Reads every table that an invariant needs.
pub(super) async fn read(driver: Driver, databases: &Databases) -> anyhow::Result<Records> {
    let mut records = Records::default();

    let mut catalog = open("catalog", &databases.catalog).await?;
    records.sales =
        rows(&mut catalog, "SELECT sku, sale_quota AS quota, sale_claimed AS claimed FROM catalog.products")
            .await?;
    Arc::make_mut(&mut records.prices)
        .extend(rows(&mut catalog, "SELECT sku, price, sale_price, since FROM catalog.prices").await?);
    records.claims = by_order(
        rows(&mut catalog, "SELECT order_id, lines, claimed_at AS held_at, released_at FROM catalog.claims")
            .await?,
        |row: &Hold| row.order_id,
    );

    let mut inventory = open("inventory", &databases.inventory).await?;
    records.levels = rows(&mut inventory, "SELECT sku, received, on_hand FROM inventory.stock").await?;
    let reservations =
        "SELECT order_id, lines, reserved_at AS held_at, released_at FROM inventory.reservations";
    records.reservations = by_order(rows(&mut inventory, reservations).await?, |row: &Hold| row.order_id);
    let commitments = "SELECT order_id, committed_at FROM inventory.reservations WHERE status = 'committed'";
    records.commitments = by_order(rows(&mut inventory, commitments).await?, |row: &Commitment| row.order_id);

    let mut payments = open("payments", &databases.payments).await?;
    records.payments = by_order(
        rows(
            &mut payments,
            "SELECT order_id, customer_id, amount, status, captured_at, refunded_at FROM payments.payments",
        )
        .await?,
        |row: &Payment| row.order_id,
    );
    records.wallets = rows(&mut payments, "SELECT customer_id, balance FROM payments.wallets").await?;
    records.entries =
        rows(&mut payments, "SELECT reference, operation, account, amount FROM payments.entries").await?;

    let mut shipping = open("shipping", &databases.shipping).await?;
    records.shipments = by_order(
        rows(&mut shipping, "SELECT order_id, region, scheduled_at FROM shipping.shipments").await?,
        |row: &Shipment| row.order_id,
    );

    let mut orders = open("orders", &databases.orders).await?;
    records.orders = rows(
        &mut orders,
        "SELECT order_id, customer_id, region, lines, total, status, refusal_code, placed_at, decided_at
         FROM orders.orders ORDER BY order_id",
    )
    .await?;
    if driver.has_sagas() {
        let sagas = "SELECT order_id, finished,
                            ARRAY(SELECT jsonb_array_elements_text(state -> 'history')) AS history
                     FROM checkout.sagas";
        records.sagas = Some(by_order(rows(&mut orders, sagas).await?, |row: &Saga| row.order_id));
    }

    // In the monolith all five are one database, which is searched once.
    for (name, url) in databases.distinct() {
        search_outbox(name, &mut open(name, url).await?, &mut records.outboxes).await?;
    }
    Ok(records)
}

fn by_order<Row>(rows: Vec<Row>, id: impl Fn(&Row) -> Uuid) -> HashMap<Uuid, Row> {
    rows.into_iter().map(|row| (id(&row), row)).collect()
}

/// Opens a read-only transaction with one snapshot, on a connection of the audit.
async fn open(name: &str, url: &str) -> anyhow::Result<AsyncPgConnection> {
    let mut connection = connect(url).await.with_context(|| words::cannot_read_database(name))?;
    connection.batch_execute("BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
    Ok(connection)
}

/// The application name by which the audit recognizes its own sessions.
pub(super) const APPLICATION: &str = "cleave audit";

/// Opens a connection for the audit.
pub(super) async fn connect(url: &str) -> anyhow::Result<AsyncPgConnection> {
    let mut connection = AsyncPgConnection::establish(url).await?;
    connection.batch_execute(&format!("SET application_name = '{APPLICATION}'")).await?;
    Ok(connection)
}

/// The last part of a URL's path.
pub(super) fn database_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

async fn rows<Row>(connection: &mut AsyncPgConnection, query: &str) -> anyhow::Result<Vec<Row>>
where
    Row: QueryableByName<diesel::pg::Pg> + Send + 'static,
{
    diesel::sql_query(query).load(connection).await.with_context(|| words::query_failed(query))
}

#[derive(QueryableByName)]
struct Name {
    #[diesel(sql_type = Text)]
    name: String,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

async fn count(connection: &mut AsyncPgConnection, query: &str) -> anyhow::Result<i64> {
    Ok(rows::<Count>(connection, query).await?.iter().map(|row| row.count).sum())
}

async fn search_outbox(
    service: &'static str,
    connection: &mut AsyncPgConnection,
    outboxes: &mut Outboxes,
) -> anyhow::Result<()> {
    let schemas = "SELECT count(*) FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'";
    outboxes.schemas += count(connection, schemas).await?.unsigned_abs();
    let tables: Vec<Name> = rows(
        connection,
        "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) AS name
         FROM pg_tables WHERE tablename ~ 'outbox'",
    )
    .await?;
    for table in tables {
        let waiting = count(connection, &format!("SELECT count(*) FROM {}", table.name)).await?;
        outboxes.waiting.push((service, waiting));
    }
    Ok(())
}
