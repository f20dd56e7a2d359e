//! The load: which orders are sent, when, and what is known of each.

pub mod client;
pub mod closed;
pub mod mix;
pub mod open;
