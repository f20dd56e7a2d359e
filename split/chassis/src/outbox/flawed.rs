//! What the flaws use instead of the outbox. Do not copy it: it shows what goes wrong.

use std::sync::atomic::{AtomicI64, Ordering};

use parking_lot::Mutex;

use super::{OutboxEntry, OutboxRow};

/// Breaks rule 1 (outbox): messages are sent right away, whether the transaction commits or not, and a crash loses
/// them.
static UNSAFE_OUTBOX: Mutex<Vec<OutboxRow>> = Mutex::new(Vec::new());

/// Sends messages outside the transaction.
pub fn dual_write(messages: Vec<OutboxEntry>) {
    UNSAFE_OUTBOX.lock().extend(messages.into_iter().map(|message| message.into_row(0)));
}

/// Takes the messages that were sent outside transactions and are not published yet.
pub fn dual_written() -> Vec<OutboxRow> {
    std::mem::take(&mut *UNSAFE_OUTBOX.lock())
}

/// Breaks rule 2 (pending rows): the last id that the relay saw.
static LAST_ID: AtomicI64 = AtomicI64::new(0);

/// The relay looks only at rows above this id.
pub fn last_id() -> i64 {
    LAST_ID.load(Ordering::Relaxed)
}

/// Notes that the relay saw these rows. It will not look at them, or at any earlier row, again.
pub fn seen(rows: &[OutboxRow]) {
    if let Some(last) = rows.last() {
        LAST_ID.fetch_max(last.id, Ordering::Relaxed);
    }
}
