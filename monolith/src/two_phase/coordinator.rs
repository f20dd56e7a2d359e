//! Who decides: a name that only one process has at a time, and the transactions that this process is working on.

use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contracts::BoxError;
use uuid::Uuid;

use super::decisions::Subject;
use super::gid::{Gid, Name};
use crate::modules::Module;

/// The epoch of a process that is not the coordinator, or not any more.
const NOBODY: i64 = 0;

/// This process as a coordinator.
#[derive(Debug)]
pub struct Coordinator {
    name: Name,
    /// [`NOBODY`], or the number of this start. Orders are taken only while it is a number.
    epoch: AtomicI64,
    under_way: Mutex<HashSet<Uuid>>,
}

impl Coordinator {
    /// One that has yet to take its place.
    pub fn new(name: Name) -> Arc<Coordinator> {
        Arc::new(Coordinator { name, epoch: AtomicI64::new(NOBODY), under_way: Mutex::default() })
    }

    /// What it is called.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The epoch, while this process holds its place.
    pub fn epoch(&self) -> Option<i64> {
        Some(self.epoch.load(Ordering::Relaxed)).filter(|epoch| *epoch != NOBODY)
    }

    /// From now on this process decides, in this epoch, or not at all.
    pub(super) fn set_epoch(&self, epoch: Option<i64>) {
        self.epoch.store(epoch.unwrap_or(NOBODY), Ordering::Relaxed);
    }

    /// Begins a transaction, which counts as being worked on until it is dropped.
    pub fn begin(self: &Arc<Self>) -> Result<Transaction, BoxError> {
        let Some(epoch) = self.epoch() else {
            return Err(format!("this process has lost its place as the coordinator {}", self.name).into());
        };
        let id = Uuid::new_v4();
        self.transactions().insert(id);
        Ok(Transaction { id, epoch, coordinator: self.clone() })
    }

    /// Whether a branch is left for recovery: its process is gone, or has given it up (rule 31).
    pub fn has_left(&self, gid: &Gid) -> bool {
        // A later epoch is that of a process which has taken our place while we did not look.
        let ours = gid.coordinator == self.name && self.epoch().is_some_and(|epoch| gid.epoch <= epoch);
        ours && !self.is_under_way(gid.transaction)
    }

    /// Whether this process is working on a transaction.
    pub fn is_under_way(&self, transaction: Uuid) -> bool {
        self.transactions().contains(&transaction)
    }

    fn transactions(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A transaction that this process is working on.
#[derive(Debug)]
pub struct Transaction {
    id: Uuid,
    epoch: i64,
    coordinator: Arc<Coordinator>,
}

impl Transaction {
    /// What to decide on.
    pub fn subject(&self) -> Subject<'_> {
        Subject { transaction: self.id, coordinator: &self.coordinator.name, epoch: self.epoch }
    }

    /// The name of one of its branches.
    pub fn gid(&self, module: Module) -> Gid {
        Gid { coordinator: self.coordinator.name.clone(), epoch: self.epoch, transaction: self.id, module }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        self.coordinator.transactions().remove(&self.id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_and_given_up_is_left() {
        let coordinator = Coordinator::new("monolith".parse().unwrap());
        assert!(coordinator.begin().is_err(), "it has no place yet");
        coordinator.set_epoch(Some(3));
        let transaction = coordinator.begin().unwrap();
        let live = transaction.gid(Module::Orders);
        let gid = |name: &str, epoch| Gid {
            coordinator: name.parse().unwrap(),
            epoch,
            transaction: Uuid::new_v4(),
            module: Module::Orders,
        };
        assert!(!coordinator.has_left(&live), "it is worked on");
        assert!(coordinator.has_left(&gid("monolith", 2)), "of a process that is gone");
        assert!(coordinator.has_left(&gid("monolith", 3)), "given up");
        assert!(!coordinator.has_left(&gid("monolith", 4)), "of whoever came after us");
        assert!(!coordinator.has_left(&gid("monolith-2", 2)), "another's");
        drop(transaction);
        assert!(coordinator.has_left(&live), "given up");
        coordinator.set_epoch(None);
        assert!(!coordinator.has_left(&live), "who has no place finishes nothing");
    }
}
