//! `cleave bench`: the limits of the shops, and what they cost.

use std::time::Duration;

mod breakage;
mod busy;
mod limit;
mod live_audit;
mod recovery;

pub use busy::{Busy, BusyOptions, busy};
pub use limit::{Limit, LimitOptions, limit};
pub use live_audit::{Cost, LiveAuditOptions, live_audit};
pub use recovery::{Recovery, RecoveryOptions, recovery};

/// Load before each measured part.
const WARM_UP: Duration = Duration::from_secs(2);
