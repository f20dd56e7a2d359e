//! Which sessions hold the rows that an order needs.
//!
//! PostgreSQL stores the lock of a row in the row itself: `xmax` is the transaction that locks or has changed it. A
//! running transaction holds a lock on its own id, and that lock belongs to its session. So nothing has to be locked to
//! find the holder. Rows that several transactions share (*multixact*) are not covered; the shop only locks rows for
//! update.

use anyhow::Result;
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Integer, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::OrderRow;

/// A locked row.
#[derive(Debug, Clone, PartialEq, QueryableByName)]
pub(crate) struct Held {
    /// The table and the key.
    #[diesel(sql_type = Text)]
    pub the_row: String,
    /// The session on the server; `None` for a prepared transaction, which has none.
    #[diesel(sql_type = Nullable<Integer>)]
    pub pid: Option<i32>,
    #[diesel(sql_type = Nullable<Text>)]
    pub application: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    pub statement: Option<String>,
    /// The name of the prepared transaction, if it is one.
    #[diesel(sql_type = Nullable<Text>)]
    pub gid: Option<String>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub since: Option<DateTime<Utc>>,
    /// The number of sessions of this database that wait for the holder.
    #[diesel(sql_type = BigInt)]
    pub waiting: i64,
}

/// The rows of a module that an order needs, with their lock holders. `$1` is the order, `$2` its products, `$3` its
/// customer.
fn rows_of(service: &str) -> &'static str {
    match service {
        "catalog" => {
            "SELECT 'catalog.products ' || sku AS the_row, xmax AS locker FROM catalog.products WHERE sku = ANY($2)"
        }
        "inventory" => {
            "SELECT 'inventory.stock ' || sku AS the_row, xmax AS locker FROM inventory.stock WHERE sku = ANY($2)"
        }
        "payments" => {
            "SELECT 'payments.wallets ' || customer_id AS the_row, xmax AS locker FROM payments.wallets WHERE customer_id = $3"
        }
        "shipping" => {
            "SELECT 'shipping.shipments ' || order_id AS the_row, xmax AS locker FROM shipping.shipments WHERE order_id = $1"
        }
        _ => {
            "SELECT 'orders.orders ' || order_id AS the_row, xmax AS locker FROM orders.orders WHERE order_id = $1"
        }
    }
}

/// The rows of this order that are locked while other sessions wait for the holder.
pub(crate) async fn held(
    connection: &mut AsyncPgConnection,
    service: &str,
    order: Uuid,
    row: &OrderRow,
) -> Result<Vec<Held>> {
    let query = format!(
        "WITH needed AS ({rows} AND $1::uuid IS NOT NULL AND $2::text[] IS NOT NULL AND $3::text IS NOT NULL),
              held AS (
            SELECT needed.the_row, own.pid, session.application_name AS application,
                   left(regexp_replace(session.query, '\\s+', ' ', 'g'), 120) AS statement,
                   prepared.gid, coalesce(session.xact_start, prepared.prepared) AS since,
                   (SELECT count(*) FROM pg_stat_activity other
                    WHERE other.datname = current_database() AND other.wait_event_type = 'Lock'
                      AND coalesce(own.pid, 0) = ANY (pg_blocking_pids(other.pid))) AS waiting
            FROM needed
            JOIN pg_locks own ON own.locktype = 'transactionid' AND own.granted AND own.transactionid = needed.locker
            LEFT JOIN pg_stat_activity session ON session.pid = own.pid
            LEFT JOIN pg_prepared_xacts prepared ON prepared.transaction = needed.locker
            WHERE own.mode = 'ExclusiveLock')
         SELECT the_row, pid, application, statement, gid, since, waiting FROM held WHERE waiting > 0 ORDER BY the_row",
        rows = rows_of(service)
    );
    let skus: Vec<String> = row
        .lines
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|line| Some(line["sku"].as_str()?.to_owned()))
        .collect();
    Ok(diesel::sql_query(query)
        .bind::<SqlUuid, _>(order)
        .bind::<Array<Text>, _>(skus)
        .bind::<Text, _>(&row.customer_id)
        .load(connection)
        .await?)
}
