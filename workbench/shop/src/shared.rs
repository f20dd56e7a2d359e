//! A value that tasks share, until it is taken back from them.

use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};

/// Stopped tasks end within this time. A server's threads may hold their clones for a moment after it reports that it
/// has stopped.
const SOON: Duration = Duration::from_secs(10);

/// An [`Arc`] that says when one of its clones is gone, so that the last owner need not look again and again.
#[derive(Debug)]
pub struct Shared<T> {
    /// `None` only while it is dropped or taken back.
    value: Option<Arc<T>>,
    dropped: Arc<Notify>,
}

impl<T> Shared<T> {
    /// Shares this value.
    pub fn new(value: T) -> Shared<T> {
        Shared { value: Some(Arc::new(value)), dropped: Arc::default() }
    }

    /// Waits until this is the last owner; `None` if others still hold the value after 10 s.
    pub async fn take_back(self) -> Option<T> {
        self.take_back_within(SOON).await
    }

    async fn take_back_within(mut self, limit: Duration) -> Option<T> {
        let deadline = Instant::now() + limit;
        let mut value = self.value.take()?;
        loop {
            match Arc::try_unwrap(value) {
                Ok(value) => return Some(value),
                Err(shared) => value = shared,
            }
            // A clone that is dropped before this leaves a permit, with which it returns at once.
            timeout_at(deadline, self.dropped.notified()).await.ok()?;
        }
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Shared<T> {
        Shared { value: self.value.clone(), dropped: self.dropped.clone() }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.value.as_deref().expect("it is there until the handle is dropped")
    }
}

impl<T> Drop for Shared<T> {
    fn drop(&mut self) {
        // First the value: the one that is told looks at once.
        drop(self.value.take());
        self.dropped.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn it_is_taken_back_once_the_others_are_gone() {
        let shared = Shared::new(7);
        let others = [shared.clone(), shared.clone()];
        let tasks = others.map(|other| tokio::spawn(async move { *other }));
        assert_eq!(shared.take_back().await, Some(7));
        for task in tasks {
            assert_eq!(task.await.unwrap(), 7);
        }
    }

    #[tokio::test]
    async fn it_is_not_waited_for_in_vain() {
        let shared = Shared::new(7);
        let kept = shared.clone();
        assert_eq!(shared.take_back_within(Duration::from_millis(1)).await, None);
        assert_eq!(*kept, 7);
    }
}
