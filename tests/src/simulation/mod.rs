//! The split shop and hybrids as a deterministic simulation: the real handlers, sagas and reactions, on in-memory
//! stores, over a simulated network.
//!
//! Only the infrastructure is simulated: transactions, inbox, outbox, relay, queues and time. No business
//! decision is made here. Every choice, of what happens next and what goes wrong, is a number in a list. The
//! list comes from a seed, so a schedule *is* its list, and can be run again, shrunk, and read.

mod campaign;
mod case;
mod checkouts;
mod choices;
mod clients;
mod faults;
mod history;
mod local;
mod network;
mod node;
mod placement;
mod reactions;
mod rest;
mod scenario;
mod shrink;
mod tally;
mod time;
mod watch;
mod world;

pub use campaign::{Campaign, Summary};
pub use case::{Case, Protocol, Run, SIMULATED};
pub use shrink::shrink;
pub use tally::Tally;
pub use watch::Violation;

/// Schedules that `cargo test` runs. `cargo make simulate` runs more.
pub const SAMPLE: u64 = 3000;
