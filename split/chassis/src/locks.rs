//! The order in which a transaction takes its locks, however many messages it handles (rule 48).
//!
//! Each handler locks its rows sorted. Over a batch that is no order at all: this one has the products of its first message
//! and waits for those of its second, another has them the other way round. So before the first handler runs, everything
//! is locked, and always in this order:
//!
//! 1. the inbox rows, by message id (`inbox.rs`);
//! 2. the orders, by advisory locks: an order's row may not be there yet, and what is not there has no lock (rule 47);
//! 3. the rows that orders share, by their keys: the module's `lock` knows which (stock, products on sale, wallets).
//!
//! What writes to those rows from elsewhere (`POST /stock/receipts`, `POST /wallets/deposits`, `PUT /products`) is one
//! statement that takes them in the order of 3, and nothing of 1 and 2.

use contracts::{BoxError, Command};
use diesel::sql_types::{Array, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::BoxFuture;
use platform::sql;
use uuid::Uuid;

/// What a module locks of the rows that orders share, before it does several commands in one transaction: its `lock`,
/// boxed.
pub type Lock =
    for<'a> fn(&'a mut AsyncPgConnection, &'a [&'a Command]) -> BoxFuture<'a, Result<(), BoxError>>;

/// Takes the locks of 2 and 3 for all that a transaction is going to do. They go with the transaction.
pub(crate) async fn take(
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
    // A single command's handler locks its rows in this order by itself.
    if commands.len() > 1 {
        lock(conn, commands).await?;
    }
    Ok(())
}

/// The `lock` of a module whose orders have no row in common.
pub const NOTHING_SHARED: Lock = |_, _| Box::pin(async { Ok(()) });
