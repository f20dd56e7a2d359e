//! The wall clock of this process, which can be set wrong on purpose.
//!
//! It dates messages, for people. Nothing is decided by it: the databases tell the time by which answers are overdue, and
//! an inbox knows messages by their ids. So a clock that is wrong does no harm, which `clock_skew` shows.

use std::sync::atomic::{AtomicI64, Ordering};

use chrono::{DateTime, TimeDelta, Utc};

static AHEAD_MS: AtomicI64 = AtomicI64::new(0);

/// What the clock says.
pub fn now() -> DateTime<Utc> {
    Utc::now() + TimeDelta::milliseconds(AHEAD_MS.load(Ordering::Relaxed))
}

/// From now on the clock is so many milliseconds ahead; behind, if that is negative.
pub fn skew(ms: i64) {
    AHEAD_MS.store(ms, Ordering::Relaxed);
}
