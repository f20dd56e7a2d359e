//! The store as maps. Unit tests, property tests and the simulation run the real handlers on it.

use std::collections::BTreeMap;

use contracts::{BoxError, CustomerId, Money, OrderId};
use uuid::Uuid;

use crate::domain::{Deposit, Payment};
use crate::ports::{Account, PaymentStore};

/// Wallets and a ledger in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryPayments {
    wallets: BTreeMap<CustomerId, Money>,
    payments: BTreeMap<OrderId, Payment>,
    deposits: BTreeMap<Uuid, Deposit>,
    entries: Vec<(String, Money)>,
}

impl MemoryPayments {
    /// A wallet's balance.
    pub fn balance(&self, customer: &CustomerId) -> Option<Money> {
        self.wallets.get(customer).copied()
    }

    /// An order's payment.
    pub fn payment(&self, order: OrderId) -> Option<&Payment> {
        self.payments.get(&order)
    }

    /// Whether the ledger adds up to zero and agrees with every wallet's balance (invariant I4).
    pub fn balances(&self) -> bool {
        let sum = |account: Option<&str>| -> i64 {
            let of_account = |entry: &&(String, Money)| account.is_none_or(|account| entry.0 == account);
            self.entries.iter().filter(of_account).map(|entry| entry.1.0).sum()
        };
        sum(None) == 0
            && self.wallets.iter().all(|(customer, balance)| {
                balance.0 >= 0 && balance.0 == sum(Some(&format!("wallet:{customer}")))
            })
    }

    fn book(&mut self, customer: &CustomerId, amount: Money, other: &str) -> Result<(), BoxError> {
        let balance = self.wallets.get_mut(customer).ok_or("no such wallet")?;
        *balance = balance.checked_add(amount).filter(|left| left.0 >= 0).ok_or("not a balance")?;
        self.enter(&format!("wallet:{customer}"), amount, other);
        Ok(())
    }

    fn enter(&mut self, account: &str, amount: Money, other: &str) {
        self.entries.push((account.to_owned(), amount));
        self.entries.push((other.to_owned(), Money(-amount.0)));
    }
}

impl PaymentStore for MemoryPayments {
    async fn lock_all(&mut self, _: &[&CustomerId], _: &[OrderId]) -> Result<(), BoxError> {
        Ok(()) // One transaction at a time, so there is nothing to wait for.
    }

    async fn load(&mut self, order: OrderId, customer: &CustomerId) -> Result<Account, BoxError> {
        Ok(Account { payment: self.payments.get(&order).cloned(), balance: self.balance(customer) })
    }

    async fn save_captured(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError> {
        if self.payments.contains_key(&order) {
            return Err("the order has a payment".into());
        }
        self.book(customer, Money(-amount.0), "sales")?;
        self.payments.insert(order, Payment::Captured(customer.clone(), amount));
        Ok(())
    }

    async fn save_authorized(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError> {
        if self.payments.contains_key(&order) {
            return Err("the order has a payment".into());
        }
        self.book(customer, Money(-amount.0), "held")?;
        self.payments.insert(order, Payment::Authorized(customer.clone(), amount));
        Ok(())
    }

    async fn save_held_captured(&mut self, order: OrderId, amount: Money) -> Result<(), BoxError> {
        let Some(Payment::Authorized(customer, _)) = self.payments.get(&order).cloned() else {
            return Err("nothing is held for the order".into());
        };
        self.enter("held", Money(-amount.0), "sales");
        self.payments.insert(order, Payment::Captured(customer, amount));
        Ok(())
    }

    async fn save_voided(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError> {
        self.book(customer, amount, "held")?;
        self.payments.insert(order, Payment::Returned);
        Ok(())
    }

    async fn load_payment(&mut self, order: OrderId) -> Result<Option<Payment>, BoxError> {
        Ok(self.payments.get(&order).cloned())
    }

    async fn save_refunded(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError> {
        self.book(customer, amount, "sales")?;
        self.payments.insert(order, Payment::Returned);
        Ok(())
    }

    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError> {
        if self.payments.contains_key(&order) {
            return Ok(false);
        }
        self.payments.insert(order, Payment::Returned);
        Ok(true)
    }

    async fn save_deposits(&mut self, deposits: &[Deposit]) -> Result<Option<Uuid>, BoxError> {
        let other = |deposit: &&Deposit| {
            self.deposits.get(&deposit.deposit_id).is_some_and(|booked| booked != *deposit)
        };
        if let Some(reused) = deposits.iter().find(other) {
            return Ok(Some(reused.deposit_id));
        }
        for deposit in deposits {
            if self.deposits.insert(deposit.deposit_id, deposit.clone()).is_none() {
                self.wallets.entry(deposit.customer_id.clone()).or_default();
                self.book(&deposit.customer_id, deposit.amount, "cash")?;
            }
        }
        Ok(None)
    }
}
