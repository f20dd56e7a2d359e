//! Requests that wait for a decision because of `Prefer: wait=N`.

use std::collections::HashMap;
use std::time::Duration;

use contracts::{BoxError, OrderId};
use orders::{Decision, Order};
use parking_lot::{Mutex, MutexGuard};
use platform::Pool;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often to check the database, since another instance may have decided the order.
const LOOK: Duration = Duration::from_millis(500);

/// The orders that requests in this process are waiting for. A decision wakes only the requests that wait for its
/// order.
#[derive(Default)]
pub struct Waiting {
    orders: Mutex<HashMap<OrderId, watch::Sender<Option<Decision>>>>,
}

impl Waiting {
    fn orders(&self) -> MutexGuard<'_, HashMap<OrderId, watch::Sender<Option<Decision>>>> {
        self.orders.lock()
    }

    /// Wakes the requests that wait for this order. Call it after the decision is committed.
    pub fn decided(&self, order: OrderId, decision: Decision) {
        if let Some(waiting) = self.orders().get(&order) {
            waiting.send_replace(Some(decision));
        }
    }

    /// Starts to wait for this order. Call it before the order can be decided.
    pub fn ticket(&self, order: OrderId) -> Ticket<'_> {
        let decision = self.orders().entry(order).or_default().subscribe();
        Ticket { waiting: self, order, decision }
    }
}

/// See [`Waiting::ticket`].
pub struct Ticket<'a> {
    waiting: &'a Waiting,
    order: OrderId,
    decision: watch::Receiver<Option<Decision>>,
}

impl Ticket<'_> {
    /// Returns the order once it is decided, or its last known state when the time is over. The order is stored and in
    /// progress even if the database fails meanwhile, so a failed look-up must not turn into an error response:
    /// rule 53 (three outcomes).
    pub async fn wait(mut self, pool: &Pool, mut order: Order, at_most: Duration) -> Order {
        let deadline = Instant::now() + at_most;
        loop {
            let look = (Instant::now() + LOOK).min(deadline);
            if let Ok(Ok(decision)) =
                tokio::time::timeout_at(look, self.decision.wait_for(Option::is_some)).await
                && let Some(decision) = decision.clone()
            {
                return order.decided(decision);
            }
            let found = async {
                let mut conn = pool.get().await.map_err(BoxError::from)?;
                orders::find(&mut conn, self.order).await
            };
            // The last look-up starts when the client's time is over, so it may only take a little longer.
            match tokio::time::timeout_at(deadline + LOOK, found).await {
                Ok(Ok(Some(found))) => order = found,
                Ok(Ok(None)) => {
                    tracing::error!(order = %self.order, "an order that was stored does not exist")
                }
                Ok(Err(error)) => {
                    tracing::warn!(%error, order = %self.order, "looking up an order that a request waits for failed")
                }
                Err(_) => return order,
            }
            if order.status.is_terminal() || look == deadline {
                return order;
            }
        }
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        let mut orders = self.waiting.orders();
        if orders.get(&self.order).is_some_and(|waiting| waiting.receiver_count() == 1) {
            orders.remove(&self.order);
        }
    }
}
