//! This process as a coordinator: its name, its epoch, and the transactions that it is working on.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use contracts::BoxError;
use parking_lot::{Mutex, MutexGuard};
use uuid::Uuid;

use super::decisions::FencedTransaction;
use super::gid::{Gid, Name};
use crate::modules::Module;

/// Used instead of an epoch while this process does not hold the coordinator lock.
const NO_EPOCH: i64 = 0;

#[derive(Debug)]
pub struct Coordinator {
    name: Name,
    /// The number that this process got with the coordinator lock, or [`NO_EPOCH`]. Without an epoch it takes no
    /// orders.
    epoch: AtomicI64,
    working_on: Mutex<HashSet<Uuid>>,
}

impl Coordinator {
    /// A coordinator that does not hold its lock yet.
    pub fn new(name: Name) -> Arc<Coordinator> {
        Arc::new(Coordinator { name, epoch: AtomicI64::new(NO_EPOCH), working_on: Mutex::default() })
    }

    /// The name, which is part of every gid of its branches.
    pub fn name(&self) -> &Name {
        &self.name
    }

    /// The epoch, while this process believes that it holds the coordinator lock.
    pub fn epoch(&self) -> Option<i64> {
        Some(self.epoch.load(Ordering::Relaxed)).filter(|epoch| *epoch != NO_EPOCH)
    }

    /// Begins or ends an epoch.
    pub(super) fn set_epoch(&self, epoch: Option<i64>) {
        self.epoch.store(epoch.unwrap_or(NO_EPOCH), Ordering::Relaxed);
    }

    /// Begins a transaction. This process counts as working on it until the return value is dropped.
    pub fn begin(self: &Arc<Self>) -> Result<Transaction, BoxError> {
        let Some(epoch) = self.epoch() else {
            return Err(format!("this process does not hold the lock of coordinator {}", self.name).into());
        };
        let id = Uuid::new_v4();
        self.transactions().insert(id);
        Ok(Transaction { id, epoch, coordinator: self.clone() })
    }

    /// Whether this process is working on this transaction. Recovery must not touch such a transaction.
    pub fn is_working_on(&self, transaction: Uuid) -> bool {
        self.transactions().contains(&transaction)
    }

    /// Whether this process is working on any transaction.
    pub fn has_transactions(&self) -> bool {
        !self.transactions().is_empty()
    }

    fn transactions(&self) -> MutexGuard<'_, HashSet<Uuid>> {
        self.working_on.lock()
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
    /// The transaction as decisions identify it.
    pub fn fenced(&self) -> FencedTransaction<'_> {
        FencedTransaction { id: self.id, coordinator: &self.coordinator.name, epoch: self.epoch }
    }

    /// The gid of one of its branches.
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
    fn a_transaction_begins_in_an_epoch_and_is_worked_on_until_it_is_dropped() {
        let coordinator = Coordinator::new("monolith".parse().unwrap());
        assert!(coordinator.begin().is_err(), "it does not hold its lock yet");
        coordinator.set_epoch(Some(3));
        let transaction = coordinator.begin().unwrap();
        let gid = transaction.gid(Module::Orders);
        assert_eq!((gid.epoch, gid.coordinator.as_str()), (3, "monolith"));
        assert!(coordinator.is_working_on(gid.transaction) && coordinator.has_transactions());
        coordinator.set_epoch(None);
        assert!(coordinator.begin().is_err(), "it has lost its lock");
        assert!(coordinator.is_working_on(gid.transaction), "and still works on what it has begun");
        drop(transaction);
        assert!(!coordinator.is_working_on(gid.transaction) && !coordinator.has_transactions());
    }
}
