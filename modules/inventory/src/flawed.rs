//! The statements that the flaws put in place of the right ones. Nothing to learn from, except what goes wrong.

use platform::Flaw;

/// What stands in for the load of an order, where a flaw is switched on.
pub fn load() -> Option<&'static str> {
    match () {
        _ if Flaw::NoStockGuard.is_on() => Some(LOAD_WITHOUT_LOCKS),
        _ if Flaw::UnsortedLocks.is_on() => Some(LOAD_IN_ANY_ORDER),
        () => None,
    }
}

/// Rule 26 left out: two orders read the same last piece.
const LOAD_WITHOUT_LOCKS: &str = "SELECT sku, received, on_hand,
        (SELECT status FROM inventory.reservations WHERE order_id = $1) AS status
    FROM inventory.stock WHERE sku = ANY($2)";

/// Rule 26 left out: whatever was read, there is never less than nothing on the shelf.
pub const TAKE_WHAT_IS_LEFT: &str = "WITH taken AS (
        UPDATE inventory.stock SET on_hand = greatest(on_hand - ($2::bigint[])[array_position($1::text[], sku)], 0)
        WHERE sku = ANY($1))
    INSERT INTO inventory.reservations (order_id, lines, status) VALUES ($3, $4, 'reserved')";

/// Rule 27 left out: an order of its own for each order.
const LOAD_IN_ANY_ORDER: &str = "SELECT sku, received, on_hand,
        (SELECT status FROM inventory.reservations WHERE order_id = $1) AS status
    FROM inventory.stock WHERE sku = ANY($2) ORDER BY md5(sku || $1::text) FOR UPDATE";
