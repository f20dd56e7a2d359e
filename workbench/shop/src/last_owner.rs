//! What several tasks shared, back in one hand.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// Those who were told to end do so soon. What a thread of a server holds goes with the thread, a moment after the server
/// has said that it stopped.
const SOON: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(5);

/// Waits until nobody else holds it; `None` where somebody goes on.
pub async fn last_owner<T>(shared: Arc<T>) -> Option<T> {
    let deadline = Instant::now() + SOON;
    while Arc::strong_count(&shared) > 1 && Instant::now() < deadline {
        tokio::time::sleep(TICK).await;
    }
    Arc::into_inner(shared)
}
