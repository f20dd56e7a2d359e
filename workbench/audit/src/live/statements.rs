//! The SQL statements of a look.
//!
//! Statements on tables that grow with the run use the primary key: they read the newest orders, whose ids contain
//! the time, and the open ones. The product tables do not grow.

/// Selects the newest rows of a table and those of some orders, and of both only what has changed since the last
/// look. `xmin` is the transaction that wrote a version. If the last look could not see it, it is not older than the
/// oldest transaction that was active then.
const CHANGED: &str = "(order_id >= $1 OR order_id = ANY($3)) AND ($2 IS NULL OR age(xmin) <= age($2::xid))";

/// The columns read from each module's rows. The row's own timestamps come last.
pub(super) const ORDERS: &str =
    "SELECT order_id, customer_id, region, lines, total, status, refusal_code, placed_at, decided_at,
        status = 'pending' AS first, placed_at AS began_at, coalesce(decided_at, placed_at) AS changed_at
    FROM orders.orders";
pub(super) const CLAIMS: &str =
    "SELECT order_id, lines, claimed_at AS held_at, released_at, NULL::timestamptz AS confirmed_at,
        released_at IS NULL AS first, claimed_at AS began_at, coalesce(released_at, claimed_at) AS changed_at
    FROM catalog.claims";
pub(super) const SALES: &str =
    "SELECT sku, sale_quota AS quota, sale_claimed AS claimed FROM catalog.products";
/// This table grows with price changes, not with orders.
pub(super) const PRICES: &str = "SELECT sku, price, sale_price, since FROM catalog.prices";
pub(super) const RESERVATIONS: &str = "SELECT order_id, lines, reserved_at AS held_at, released_at,
        CASE WHEN status = 'committed' THEN committed_at END AS confirmed_at, status = 'reserved' AS first,
        reserved_at AS began_at, coalesce(released_at, committed_at, reserved_at) AS changed_at
    FROM inventory.reservations";
pub(super) const LEVELS: &str = "SELECT sku, received, on_hand FROM inventory.stock";
pub(super) const PAYMENTS: &str = "SELECT order_id, customer_id, amount, status, captured_at, refunded_at,
        CASE status WHEN 'authorized' THEN true WHEN 'captured' THEN authorized_at IS NULL ELSE false END AS first,
        coalesce(authorized_at, captured_at) AS began_at,
        coalesce(refunded_at, captured_at, authorized_at) AS changed_at
    FROM payments.payments";
pub(super) const SHIPMENTS: &str = "SELECT order_id, region, scheduled_at,
        true AS first, scheduled_at AS began_at, scheduled_at AS changed_at
    FROM shipping.shipments";

/// The ledger's entries for some orders.
pub(super) const ENTRIES: &str =
    "SELECT reference, operation, account, amount FROM payments.entries WHERE reference = ANY($1)";

/// The oldest active transaction.
pub(super) const HORIZON: &str = "SELECT pg_snapshot_xmin(pg_current_snapshot())::xid::text AS oldest";

/// Properties of a database that must be known before the first look.
pub(super) const ABOUT: &str = "SELECT current_setting('track_commit_timestamp')::bool AS commits,
    to_regclass('chassis.outbox') IS NOT NULL AS outbox";

/// Number of late messages among the oldest ones in an outbox.
pub(super) const LATE_MESSAGES: &str = "SELECT count(*)
    FROM (SELECT written_at FROM chassis.outbox ORDER BY id LIMIT $1) AS oldest
    WHERE written_at < clock_timestamp() - make_interval(secs => $2)";

/// Late transactions, and deadlocks.
pub(super) const SESSIONS: &str = "SELECT (SELECT count(*) FROM pg_prepared_xacts
             WHERE database = ANY($1) AND prepared < clock_timestamp() - make_interval(secs => $2)) AS prepared,
            (SELECT count(*) FROM pg_stat_activity
             WHERE datname = ANY($1) AND application_name <> $3 AND backend_type = 'client backend'
               AND xact_start < clock_timestamp() - make_interval(secs => $2)) AS open,
            (SELECT coalesce(sum(deadlocks), 0)::bigint FROM pg_stat_database WHERE datname = ANY($1)) AS deadlocks";

/// When the transaction committed that wrote a row. A row that was replicated from another database, because its module has
/// moved, was committed there before: its own time counts.
const COMMITTED: &str = "CASE WHEN (pg_xact_commit_timestamp_origin(xmin)).roident = 0
    THEN pg_xact_commit_timestamp(xmin) END";

/// A module's changed rows, with the time of the commit if the server keeps it.
pub(super) fn changed(select: &str, commits: bool) -> String {
    let moment = if commits { COMMITTED } else { "NULL::timestamptz" };
    let (columns, table) = select.split_once("FROM").unwrap_or((select, ""));
    format!("{columns}, xmin::text AS version, {moment} AS dated_at FROM{table} WHERE {CHANGED}")
}

/// Changed rows of products. All rows are checked.
pub(super) fn changed_product(select: &str) -> String {
    format!("{select} WHERE $1 IS NULL OR age(xmin) <= age($1::xid)")
}

/// What the rows of some products say, and what all holds add up to.
pub(super) fn in_full(products: &str, given_out: &str, holds: &str) -> String {
    format!(
        "SELECT sku, {given_out} AS given_out, coalesce(
             (SELECT sum((line ->> 'quantity')::bigint) FROM {holds} AS hold, jsonb_array_elements(lines) AS line
              WHERE hold.released_at IS NULL AND line ->> 'sku' = product.sku), 0)::bigint AS held
         FROM {products} AS product WHERE sku = ANY($1)"
    )
}
