//! Requests that wait for a decision, because they say `Prefer: wait=N`.

use std::collections::HashMap;
use std::time::Duration;

use contracts::{BoxError, OrderId};
use orders::{Decision, Order};
use parking_lot::{Mutex, MutexGuard};
use platform::Pool;
use tokio::sync::watch;
use tokio::time::Instant;

/// How often an order is looked at unasked: another instance may have decided it.
const LOOK: Duration = Duration::from_millis(500);

/// The orders that requests wait for in this process. A decision goes to those who wait for that order and wakes
/// nobody else.
#[derive(Default)]
pub struct Waiting {
    orders: Mutex<HashMap<OrderId, watch::Sender<Option<Decision>>>>,
}

impl Waiting {
    fn orders(&self) -> MutexGuard<'_, HashMap<OrderId, watch::Sender<Option<Decision>>>> {
        self.orders.lock()
    }

    /// An order was decided, and the decision committed.
    pub fn decided(&self, order: OrderId, decision: Decision) {
        if let Some(waiting) = self.orders().get(&order) {
            waiting.send_replace(Some(decision));
        }
    }

    /// A place among those who wait for this order. To be taken before the order can be decided.
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
    /// The order once it is decided, or as it is when the time is over. It is stored and under way, whatever the database
    /// does meanwhile: a look that fails is no reason to say anything else (rule 53).
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
            // Not much longer than the client is willing to wait: the last look comes when the time is over.
            match tokio::time::timeout_at(deadline + LOOK, found).await {
                Ok(Ok(Some(found))) => order = found,
                Ok(Ok(None)) => tracing::error!(order = %self.order, "an order that was stored is not there"),
                Ok(Err(error)) => {
                    tracing::warn!(%error, order = %self.order, "no look at an order that is waited for")
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
