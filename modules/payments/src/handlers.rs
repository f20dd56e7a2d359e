//! One function per command: load, decide, save.

use contracts::{BoxError, Command, CustomerId, Error, Event, Money, OrderId, RefusalCode};
use uuid::Uuid;

use crate::domain::{self, Deposit, Payment};
use crate::ports::PaymentStore;

/// Carries out one command, in the caller's transaction.
pub async fn handle<S: PaymentStore>(store: &mut S, command: Command) -> Result<Event, Error> {
    match command {
        Command::AuthorizePayment { order_id, customer_id, amount } => {
            authorize_payment(store, order_id, &customer_id, amount).await
        }
        Command::CapturePayment { order_id, customer_id, amount } => {
            capture_payment(store, order_id, &customer_id, amount).await
        }
        Command::VoidPayment { order_id } => void_payment(store, order_id).await,
        Command::RefundPayment { order_id } => refund_payment(store, order_id).await,
        other => Err(Error::Broken(format!("payments does not handle {}", other.routing_key()).into())),
    }
}

/// Locks the rows that several of these commands touch, sorted, before a batch is handled in one transaction:
/// rule 48 (batch locks). A single command needs no such call: its handler locks in the same order.
pub async fn lock<S: PaymentStore>(store: &mut S, commands: &[&Command]) -> Result<(), BoxError> {
    let (mut customers, mut returned) = (Vec::new(), Vec::new());
    for command in commands {
        match command {
            Command::AuthorizePayment { customer_id, .. } | Command::CapturePayment { customer_id, .. } => {
                customers.push(customer_id);
            }
            Command::VoidPayment { order_id } | Command::RefundPayment { order_id } => {
                returned.push(*order_id)
            }
            _ => {}
        }
    }
    store.lock_all(&customers, &returned).await
}

async fn authorize_payment<S: PaymentStore>(
    store: &mut S,
    order: OrderId,
    customer: &CustomerId,
    amount: Money,
) -> Result<Event, Error> {
    let account = store.load(order, customer).await?;
    match account.payment {
        Some(Payment::Authorized(..) | Payment::Captured(..)) => {}
        Some(Payment::Returned) => return Err(withdrawn()),
        None => {
            domain::afford(account.balance, amount)?;
            store.save_authorized(order, customer, amount).await?;
        }
    }
    Ok(Event::PaymentAuthorized { order_id: order })
}

async fn capture_payment<S: PaymentStore>(
    store: &mut S,
    order: OrderId,
    customer: &CustomerId,
    amount: Money,
) -> Result<Event, Error> {
    let account = store.load(order, customer).await?;
    match account.payment {
        Some(Payment::Captured(..)) => {}
        Some(Payment::Authorized(_, held)) => store.save_held_captured(order, held).await?,
        Some(Payment::Returned) => return Err(withdrawn()),
        None => {
            domain::afford(account.balance, amount)?;
            store.save_captured(order, customer, amount).await?;
        }
    }
    Ok(Event::PaymentCaptured { order_id: order })
}

fn withdrawn() -> Error {
    Error::refused(RefusalCode::Withdrawn, "the payment was returned before it was made")
}

/// Loads the order's payment and locks it; inserts a tombstone if there is none. A row that does not exist yet cannot
/// be locked, and the insert waits for a payment in progress: rule 47 (missing row).
async fn load_or_bar<S: PaymentStore>(store: &mut S, order: OrderId) -> Result<Option<Payment>, BoxError> {
    let found = store.load_payment(order).await?;
    if found.is_none() && !store.save_tombstone(order).await? {
        return store.load_payment(order).await;
    }
    Ok(found)
}

async fn void_payment<S: PaymentStore>(store: &mut S, order: OrderId) -> Result<Event, Error> {
    match load_or_bar(store, order).await? {
        Some(Payment::Returned) | None => {}
        Some(Payment::Authorized(customer, amount)) => store.save_voided(order, &customer, amount).await?,
        Some(Payment::Captured(..)) => {
            return Err(Error::Broken(
                format!("the payment of order {order} is captured: refund it instead").into(),
            ));
        }
    }
    Ok(Event::PaymentVoided { order_id: order })
}

async fn refund_payment<S: PaymentStore>(store: &mut S, order: OrderId) -> Result<Event, Error> {
    match load_or_bar(store, order).await? {
        Some(Payment::Returned) | None => {}
        Some(Payment::Captured(customer, amount)) => store.save_refunded(order, &customer, amount).await?,
        Some(Payment::Authorized(..)) => {
            return Err(Error::Broken(
                format!("the payment of order {order} is only held: void it instead").into(),
            ));
        }
    }
    Ok(Event::PaymentRefunded { order_id: order })
}

/// Why deposits were not booked.
#[derive(Debug)]
pub enum DepositError {
    /// A different deposit already has this id.
    IdReused(Uuid),
    /// The store failed.
    Broken(BoxError),
}

impl From<BoxError> for DepositError {
    fn from(error: BoxError) -> Self {
        DepositError::Broken(error)
    }
}

/// Books deposits, each once. A different deposit with a known id is refused: rule 58 (same request). All deposits are
/// booked or none, so the caller must roll back on error.
pub async fn deposit<S: PaymentStore>(store: &mut S, deposits: &[Deposit]) -> Result<(), DepositError> {
    let reused = match domain::contradiction(deposits) {
        None => store.save_deposits(deposits).await?,
        within => within,
    };
    reused.map_or(Ok(()), |id| Err(DepositError::IdReused(id)))
}
