//! Recovers a value from an `Arc` that tasks share.

use std::sync::Arc;
use std::time::{Duration, Instant};

/// Stopped tasks end within this time. A server's threads may hold their clones for a moment after it reports that it
/// has stopped.
const SOON: Duration = Duration::from_secs(10);
const TICK: Duration = Duration::from_millis(5);

/// Waits until this is the last reference; `None` if others still hold it after that time.
pub async fn last_owner<T>(shared: Arc<T>) -> Option<T> {
    let deadline = Instant::now() + SOON;
    while Arc::strong_count(&shared) > 1 && Instant::now() < deadline {
        tokio::time::sleep(TICK).await;
    }
    Arc::into_inner(shared)
}
