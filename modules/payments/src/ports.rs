//! What the handlers need from a store.

use contracts::{BoxError, CustomerId, Money, OrderId};
use uuid::Uuid;

use crate::domain::{Deposit, Payment};

/// Everything that a decision on a payment depends on, with the wallet locked.
#[derive(Debug)]
pub struct Account {
    /// The order's payment so far. Also `None` if the customer has no wallet.
    pub payment: Option<Payment>,
    /// The wallet's balance; `None` if there is no wallet.
    pub balance: Option<Money>,
}

/// Stores wallets, payments and the ledger. The caller owns the transaction.
#[allow(async_fn_in_trait, reason = "handlers are generic over the store, never dynamic")]
pub trait PaymentStore {
    /// Locks, in customer order, the wallets of these customers and of those who paid for these orders.
    async fn lock_all(&mut self, customers: &[&CustomerId], returned: &[OrderId]) -> Result<(), BoxError>;

    /// Loads the customer's wallet, locked, and the order's payment.
    async fn load(&mut self, order: OrderId, customer: &CustomerId) -> Result<Account, BoxError>;

    /// Moves the money from the wallet to `held`, with both ledger entries. Fails if the order already has a payment.
    async fn save_authorized(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError>;

    /// Moves the money from `held` to `sales`, with both ledger entries.
    async fn save_held_captured(&mut self, order: OrderId, amount: Money) -> Result<(), BoxError>;

    /// Moves the money from `held` back to the wallet, with both ledger entries, for good.
    async fn save_voided(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError>;

    /// Moves the money from the wallet to `sales`, with both ledger entries. Fails if the order already has a payment.
    async fn save_captured(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError>;

    /// Loads the order's payment and locks it.
    async fn load_payment(&mut self, order: OrderId) -> Result<Option<Payment>, BoxError>;

    /// Moves the money from `sales` back to the wallet, with both ledger entries, and marks the order as refunded for
    /// good.
    async fn save_refunded(
        &mut self,
        order: OrderId,
        customer: &CustomerId,
        amount: Money,
    ) -> Result<(), BoxError>;

    /// Inserts a tombstone for an order without a payment. `false`: a payment was committed in the meantime.
    async fn save_tombstone(&mut self, order: OrderId) -> Result<bool, BoxError>;

    /// Books deposits, each once, and creates missing wallets. Returns the id of one that was booked earlier with
    /// another customer or amount, if any; the caller must then roll back.
    async fn save_deposits(&mut self, deposits: &[Deposit]) -> Result<Option<Uuid>, BoxError>;
}
