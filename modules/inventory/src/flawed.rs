//! The statements that flaws use instead of the correct ones. Do not copy them: they show what goes wrong.

use platform::Flaw;

/// The statement that replaces the normal load, if a flaw asks for one.
pub fn load() -> Option<&'static str> {
    match () {
        _ if Flaw::NoStockGuard.is_on() => Some(LOAD_WITHOUT_LOCKS),
        _ if Flaw::UnsortedLocks.is_on() => Some(LOAD_IN_ANY_ORDER),
        () => None,
    }
}

/// Leaves out rule 26 (stock guard): two orders can read the same last unit.
const LOAD_WITHOUT_LOCKS: &str = "SELECT sku, received, on_hand,
        (SELECT status FROM inventory.reservations WHERE order_id = $1) AS status
    FROM inventory.stock WHERE sku = ANY($2)";

/// Leaves out rule 26 (stock guard): clamps at zero, so that the table's `CHECK` never fires.
pub const TAKE_WHAT_IS_LEFT: &str = "WITH taken AS (
        UPDATE inventory.stock SET on_hand = greatest(on_hand - ($2::bigint[])[array_position($1::text[], sku)], 0)
        WHERE sku = ANY($1))
    INSERT INTO inventory.reservations (order_id, lines, status) VALUES ($3, $4, 'reserved')";

/// Leaves out rule 27 (lock order): each order locks the products in a different order.
const LOAD_IN_ANY_ORDER: &str = "SELECT sku, received, on_hand,
        (SELECT status FROM inventory.reservations WHERE order_id = $1) AS status
    FROM inventory.stock WHERE sku = ANY($2) ORDER BY md5(sku || $1::text) FOR UPDATE";
