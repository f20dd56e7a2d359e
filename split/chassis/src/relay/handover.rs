//! Hands rows to the relay of the same process after their commit, so that it can publish them without reading them.

use std::collections::HashSet;
use std::sync::Arc;

use parking_lot::Mutex;
use platform::Flaw;
use tokio::sync::Notify;

use crate::outbox::{OutboxRow, Written, WrittenRow};

/// The maximum number of rows that wait in memory. More than this are read from the outbox.
const ROWS: usize = 500;

/// Gives committed rows to the relay. Clones share the rows.
///
/// Only a shortcut: every row is in the outbox too, and the relay reads what it was not given within 100 ms. See
/// rule 11 (polling).
#[derive(Debug, Default, Clone)]
pub struct Handover(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    wake: Notify,
}

/// Rows that the relay has not taken yet.
#[derive(Debug, Default)]
struct Waiting {
    rows: Vec<WrittenRow>,
    /// Whether there may be rows in the outbox that are not in `rows`.
    unread: bool,
}

impl Handover {
    /// Gives the rows of a committed transaction to the relay.
    pub fn committed(&self, written: Written) {
        let mut waiting = self.0.waiting.lock();
        waiting.unread |= waiting.rows.len() + written.0.len() > ROWS || reads_only();
        match waiting.unread {
            true => waiting.rows.clear(),
            false => waiting.rows.extend(written.0),
        }
        drop(waiting);
        self.0.wake.notify_one();
    }

    /// Tells the relay to read the outbox.
    pub(crate) fn look(&self) {
        self.0.waiting.lock().unread = true;
        self.0.wake.notify_one();
    }

    /// Returns at the next [`Handover::committed`] or [`Handover::look`], or at once if there was one since.
    pub(super) async fn notified(&self) {
        self.0.wake.notified().await;
    }

    /// Takes the rows to publish, except those that the relay has `sent` already. `None` if it has to read the outbox.
    ///
    /// A row must not be published before an earlier one of its order, which another instance may have written:
    /// rule 3 (one relay).
    pub(super) fn take(&self, sent: &HashSet<i64>) -> Option<Vec<OutboxRow>> {
        let Waiting { mut rows, unread } = std::mem::take(&mut *self.0.waiting.lock());
        let here: HashSet<i64> = rows.iter().map(|written| written.row.id).collect();
        let unknown = |id: &i64| !here.contains(id) && !sent.contains(id);
        if unread || rows.iter().flat_map(|written| &written.earlier).any(unknown) {
            return None;
        }
        rows.retain(|written| !sent.contains(&written.row.id));
        // In the order in which they were written. Two threads may hand them over the other way round.
        rows.sort_unstable_by_key(|written| written.row.id);
        Some(rows.into_iter().map(WrittenRow::waited).collect())
    }
}

/// Whether a flaw is active that is about reading the outbox, or leaves it out.
fn reads_only() -> bool {
    Flaw::NoOutbox.is_on() || Flaw::IdOrderedPolling.is_on()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(id: i64, earlier: &[i64]) -> Written {
        Written(vec![WrittenRow::for_test(id, earlier)])
    }

    fn ids(taken: Option<Vec<OutboxRow>>) -> Option<Vec<i64>> {
        Some(taken?.iter().map(|row| row.id).collect())
    }

    #[test]
    fn rows_are_taken_once_and_in_the_order_of_their_ids() {
        let handover = Handover::default();
        handover.committed(written(9, &[5]));
        handover.committed(written(5, &[]));
        assert_eq!(ids(handover.take(&HashSet::new())), Some(vec![5, 9]));
        assert_eq!(ids(handover.take(&HashSet::new())), Some(vec![]));
    }

    #[test]
    fn an_earlier_row_of_the_order_that_is_not_known_here_is_looked_for() {
        let handover = Handover::default();
        handover.committed(written(9, &[5]));
        assert_eq!(ids(handover.take(&HashSet::new())), None, "another instance wrote row 5");
        handover.committed(written(9, &[5]));
        assert_eq!(ids(handover.take(&HashSet::from([5]))), Some(vec![9]), "row 5 is published");
    }

    #[test]
    fn what_was_read_and_published_before_it_was_handed_over_is_not_published_again() {
        let handover = Handover::default();
        handover.committed(written(7, &[]));
        assert_eq!(ids(handover.take(&HashSet::from([7]))), Some(vec![]));
    }

    #[test]
    fn memory_is_bounded() {
        let handover = Handover::default();
        for id in 0..=ROWS as i64 {
            handover.committed(written(id, &[]));
        }
        assert_eq!(ids(handover.take(&HashSet::new())), None, "the relay reads them");
        handover.committed(written(1_000, &[]));
        assert_eq!(ids(handover.take(&HashSet::new())), Some(vec![1_000]));
        handover.look();
        assert_eq!(ids(handover.take(&HashSet::new())), None);
    }
}
