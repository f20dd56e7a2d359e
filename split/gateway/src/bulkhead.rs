//! The *bulkhead* (Michael Nygard, "Release It!"): limits the requests in progress per dependency, so that a slow one
//! does not use up the capacity for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Counts the requests in progress to one dependency.
#[derive(Debug, Clone, Default)]
pub struct Bulkhead(Arc<AtomicU64>);

/// The permit for one request. Dropping it frees the slot, whether the request succeeded or not.
#[derive(Debug)]
pub struct Permit(Arc<AtomicU64>);

impl Bulkhead {
    /// Takes a slot if fewer than `limit` are taken. Does not wait for one: that would create the queue that a bulkhead
    /// is meant to prevent.
    pub fn enter(&self, limit: u64) -> Option<Permit> {
        let more = |taken: u64| (taken < limit).then_some(taken + 1);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).ok()?;
        Some(Permit(self.0.clone()))
    }

    /// The number of taken slots.
    pub fn taken(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded_and_comes_back() {
        let bulkhead = Bulkhead::default();
        let (first, _second) = (bulkhead.enter(2).unwrap(), bulkhead.enter(2).unwrap());
        assert!(bulkhead.enter(2).is_none());
        let _third = bulkhead.enter(3).expect("the limit may be raised in between");
        drop(first);
        assert!(bulkhead.enter(2).is_none(), "and lowered again");
        assert_eq!(bulkhead.taken(), 2);
    }

    #[test]
    fn no_two_take_the_last_place() {
        let bulkhead = Bulkhead::default();
        let enter_all = || (0..1000).filter_map(|_| bulkhead.enter(1500)).collect::<Vec<_>>();
        let kept = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(enter_all)).collect();
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
        });
        assert_eq!((kept.len(), bulkhead.taken()), (1500, 1500));
    }
}
