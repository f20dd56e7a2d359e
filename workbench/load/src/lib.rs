//! The load: which orders are sent, when, and the record of each.

use std::time::Duration;

use anyhow::Result;
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use client::{Sample, Sender};
use mix::Mix;

pub mod buyers;
pub mod client;
pub mod closed;
pub mod mix;
pub mod open;
mod window;

pub use window::{Arrivals, Window};

/// Open files that a process may need under the heaviest load: mainly one connection per order in flight.
pub const OPEN_FILES: u64 = 8_192;

/// Files that the generator opens in addition to its connections.
const OWN_FILES: u64 = 64;

/// Sends the orders of a seed from the start of the warm-up to the end of the window, and waits for the result of
/// each.
pub async fn run(sender: &Sender, arrivals: Arrivals, seed: u64, window: Window) -> Result<Vec<Sample>> {
    let mix = Mix::new(seed);
    match arrivals {
        Arrivals::Open { rate_per_s } => {
            let mut moments = open::schedule(seed, rate_per_s, Duration::ZERO..window.from);
            moments.extend(open::schedule(seed, rate_per_s, window.from..window.to));
            Ok(open::run(sender, mix, moments).await)
        }
        Arrivals::Closed { clients } => closed::run(sender, mix, usize::try_from(clients)?, window.to).await,
    }
}

/// Why a load could run out of connections on this machine, if it could. Called before the load starts, so that the
/// user can still raise the limit.
pub fn shortage(arrivals: Arrivals) -> Option<String> {
    let (files, _) = getrlimit(Resource::RLIMIT_NOFILE).ok()?;
    let wanted = match arrivals {
        Arrivals::Closed { clients } => clients + OWN_FILES,
        Arrivals::Open { .. } => OPEN_FILES.min(1_024),
    };
    (files < wanted).then(|| {
        format!(
            "each process may open {files} files here, but this load may need {wanted}; raise the limit (ulimit -n \
             {OPEN_FILES}, if `ulimit -Hn` allows it), because orders that cannot be sent make the run invalid as evidence"
        )
    })
}

/// Raises the limit of open files to what a heavy load needs, for this process and those that it starts. Many systems
/// start processes with a limit of 1,024, which they may raise.
pub fn allow_many_connections() -> Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    if soft < OPEN_FILES {
        setrlimit(Resource::RLIMIT_NOFILE, OPEN_FILES.min(hard), hard)?;
    }
    Ok(())
}
