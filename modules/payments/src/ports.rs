//! What the handlers need of a store.

use contracts::{BoxError, CustomerId, Money, OrderId};
use uuid::Uuid;

use crate::domain::{Deposit, Payment};

/// All that a capture is decided on, with the wallet locked.
#[derive(Debug)]
pub struct Account {
    /// What became of the order so far. `None` also where the customer has no wallet.
    pub payment: Option<Payment>,
    /// What the wallet holds; `None` if there is no wallet.
    pub balance: Option<Money>,
}

/// Where wallets, payments and the ledger are kept. The caller owns the transaction.
#[allow(async_fn_in_trait, reason = "handlers are generic over the store, never dynamic")]
pub trait PaymentStore {
    /// Locks the wallets of these customers, and of those who paid for these orders, in the order of their ids.
    async fn lock_all(&mut self, customers: &[&CustomerId], returned: &[OrderId]) -> Result<(), BoxError>;

    /// The customer's wallet, locked, and the order's payment.
    async fn load(&mut self, order: OrderId, customer: &CustomerId) -> Result<Account, BoxError>;

    /// Moves the money from the wallet to what is held, in both entries. Fails where the order has a payment.
    async fn save_authorized(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError>;

    /// Moves the money that is held to sales, in both entries.
    async fn save_held_captured(&mut self, order: OrderId, amount: Money) -> Result<(), BoxError>;

    /// Moves the money that is held back to the wallet, in both entries, for good.
    async fn save_voided(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError>;

    /// Moves the money from the wallet to sales, in both entries. Fails where the order has a payment.
    async fn save_captured(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError>;

    /// The order's payment, locked.
    async fn load_payment(&mut self, order: OrderId) -> Result<Option<Payment>, BoxError>;

    /// Moves the money back, in both entries, and marks the order as refunded for good.
    async fn save_refunded(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError>;

    /// Leaves a tombstone for an order that has no payment. `false`: it has one, which was committed meanwhile.
    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError>;

    /// Books deposits, each once, and opens wallets where there are none. Returns the id of one that was booked before
    /// with another customer or amount, if there is one; the caller then has to roll back.
    async fn save_deposits(&mut self, deposits: &[Deposit]) -> Result<Option<Uuid>, BoxError>;
}
