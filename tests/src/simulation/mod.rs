//! The split shop as a deterministic simulation: the real handlers, sagas, tries and reactions, on stores in memory,
//! over a network that does what networks do.
//!
//! What is simulated is only the ground: transactions, inbox, outbox, relay, queues, and time. Nothing here decides
//! anything about the business. Every choice, of what happens next and of what goes wrong with it, is a number in a
//! list; the list comes from a seed, so a schedule *is* its list, and can be run again, cut down, and read.

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
