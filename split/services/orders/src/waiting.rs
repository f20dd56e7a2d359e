//! `Prefer: wait=N` (RFC 7240): the client would rather wait for the decision than get a receipt.

use std::time::Duration;

use actix_web::HttpRequest;
use contracts::OrderId;
use orders::Order;
use platform::{Pool, Problem, db};
use tokio::sync::Notify;
use tokio::time::Instant;

/// The longest wait that is granted.
const LONGEST: Duration = Duration::from_secs(30);

/// How often an order is looked at unasked: another instance may have decided it.
const LOOK: Duration = Duration::from_millis(500);

/// Where requests wait for orders to be decided.
#[derive(Default)]
pub struct Waiting {
    something_decided: Notify,
}

impl Waiting {
    /// Orders were decided, and committed.
    pub fn wake(&self) {
        self.something_decided.notify_waiters();
    }

    /// The order once it is decided, or as it is when the time is over.
    pub async fn for_decision(
        &self,
        pool: &Pool,
        order: OrderId,
        at_most: Duration,
    ) -> Result<Order, Problem> {
        let deadline = Instant::now() + at_most;
        loop {
            // Listening begins before the look, so that a decision between the two is not missed.
            let decided = self.something_decided.notified();
            let found = orders::find(&mut *db::get(pool).await?, order).await?;
            let Some(found) = found else { return Err(Problem::not_found(format!("order {order}"))) };
            let now = Instant::now();
            if found.status.is_terminal() || now >= deadline {
                return Ok(found);
            }
            let _ = tokio::time::timeout(LOOK.min(deadline - now), decided).await;
        }
    }
}

/// How long the client is ready to wait; nothing where it does not say, or says it in a way not understood.
pub fn preferred_wait(request: &HttpRequest) -> Option<Duration> {
    let preferences = request.headers().get("prefer")?.to_str().ok()?;
    let wait =
        preferences.split([',', ';']).find_map(|preference| preference.trim().strip_prefix("wait="))?;
    Some(Duration::from_secs(wait.trim().parse().ok()?).min(LONGEST))
}
