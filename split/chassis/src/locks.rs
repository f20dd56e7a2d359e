//! The order in which a transaction takes its locks, however many messages it handles: rule 48 (batch locks).
//!
//! Each handler locks its own rows in sorted order. For a batch that is not enough: one transaction may hold the
//! products of its first message and wait for those of its second, while another has them the other way round. So
//! everything is locked before the first handler runs, always in this order:
//!
//! 1. the inbox rows, by message id (`inbox.rs`);
//! 2. the orders, with advisory locks, since an order's row may not exist yet and a missing row cannot be locked:
//!    rule 47 (missing row);
//! 3. the rows that orders share, by key. The module's `lock` knows them: stock, products on sale, wallets.
//!
//! This is the whole order, of all writers in both modes. A transaction leaves out what it does not need:
//!
//! | | table | rows in the order of | note |
//! |---|---|---|---|
//! | 1 | `chassis.inbox` | message id | consumers; the clean-up deletes rows for which nothing waits |
//! | 2 | advisory lock `order:` | hash of the order id | services that run commands |
//! | 3 | `checkout.sagas` | order id | the orders service; overdue sagas skip what is locked |
//! | 4 | `orders.orders` (insert) | one order | its key is only tried, and never waited for |
//! | 5 | `catalog.products` | sku | also `PUT /products` |
//! | 6 | `inventory.receipts`, then `inventory.stock` | receipt id; sku | also `POST /stock/receipts` |
//! | 7 | `payments.entries` of deposits, then `payments.wallets` | deposit id; customer | also `POST /wallets/deposits` |
//! | 8 | `orders.orders` (decision) | one order | the order is held by 2, 3 or 4 |
//! | 9 | `chassis.outbox` | new rows | nothing waits for a new row; only the relay deletes rows |
//!
//! `catalog.claims`, `inventory.reservations`, `payments.payments`, the entries of payments, and `shipping.shipments` have
//! rows of one order each. A transaction that writes them holds the order by 2, or has just created it by 4: the
//! monolith has 4 to 8 in one transaction, or in branches that are open together (two-phase commit). So their place among
//! 5 to 8 does not matter. `chassis.suspects` is written outside the transaction, one row at a time, and waits for no row
//! here.
//!
//! `deadlocks::no_two_writers_wait_in_a_circle` runs every pair of writers against each other.

use contracts::{BoxError, Command};
use diesel::sql_types::{Array, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::BoxFuture;
use platform::sql;
use uuid::Uuid;

/// A module's `lock`, boxed: locks the rows that orders share, before several commands run in one transaction.
pub type Lock =
    for<'a> fn(&'a mut AsyncPgConnection, &'a [&'a Command]) -> BoxFuture<'a, Result<(), BoxError>>;

/// Takes the locks of steps 2 and 3 for a whole transaction. The transaction's end releases them.
pub async fn lock_all(
    lock: Lock,
    conn: &mut AsyncPgConnection,
    commands: &[&Command],
) -> Result<(), BoxError> {
    if commands.is_empty() {
        return Ok(());
    }
    let orders: Vec<Uuid> = commands.iter().map(|command| command.order_id().0).collect();
    sql("SELECT pg_advisory_xact_lock(key) FROM (
             SELECT DISTINCT hashtextextended('order:' || id, 0) AS key FROM unnest($1::uuid[]) AS id
             ORDER BY key) AS orders")
    .bind::<Array<SqlUuid>, _>(orders)
    .execute(conn)
    .await?;
    // The handler of a single command locks its rows in this order anyway.
    if commands.len() > 1 {
        lock(conn, commands).await?;
    }
    Ok(())
}

/// The `lock` of a module whose orders share no rows.
pub const NOTHING_SHARED: Lock = |_, _| Box::pin(async { Ok(()) });
