//! This process's wall clock, which a fault can set wrong on purpose.
//!
//! It only dates messages, for people to read. No decision depends on it: deadlines use the databases' clocks, and the
//! inbox recognises messages by id. So a wrong clock does no harm, and the scenario `clock_skew` shows that.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

static AHEAD_MS: AtomicI64 = AtomicI64::new(0);

/// The current time, including any skew.
pub fn now() -> DateTime<Utc> {
    Utc::now() + TimeDelta::milliseconds(AHEAD_MS.load(Ordering::Relaxed))
}

/// Sets the clock `ms` milliseconds ahead of the real time, or behind if negative.
pub fn skew(ms: i64) {
    AHEAD_MS.store(ms, Ordering::Relaxed);
}
