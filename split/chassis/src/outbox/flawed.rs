//! What the flaws put in place of the outbox. Nothing to learn from, except what goes wrong.

use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;

use super::{OutboxEntry, OutboxRow};

/// Rule 1 left out: messages to be sent at once, whatever becomes of the transaction; a crash forgets them.
static UNSAFE_OUTBOX: Mutex<Vec<OutboxRow>> = Mutex::new(Vec::new());

/// Sends messages beside the transaction.
pub fn dual_write(messages: &[OutboxEntry]) {
    UNSAFE_OUTBOX.lock().extend(messages.iter().map(OutboxEntry::unstored));
}

/// What was sent beside transactions, and is now on its way or lost.
pub fn dual_written() -> Vec<OutboxRow> {
    std::mem::take(&mut *UNSAFE_OUTBOX.lock())
}

/// Rule 2 left out: the last id that the relay saw.
static LAST_ID: AtomicI64 = AtomicI64::new(0);

/// The id above which the relay looks.
pub fn last_id() -> i64 {
    LAST_ID.load(Ordering::Relaxed)
}

/// The relay saw these rows; it will not look at them, nor at any before them, again.
pub fn seen(rows: &[OutboxRow]) {
    if let Some(last) = rows.last() {
        LAST_ID.fetch_max(last.id, Ordering::Relaxed);
    }
}
