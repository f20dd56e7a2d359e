#![doc = include_str!("../README.md")]

mod listener;

use chassis::{Handle, NOTHING_SHARED};
use orchestrator::Home;

pub use listener::Listener;

/// The orders module's handler.
pub const HANDLE: Handle = |conn, command| Box::pin(orders::handle(conn, command));

/// The orders service has no other module at home.
pub fn home() -> Home {
    Home::fixed(vec!["orders"], NOTHING_SHARED, HANDLE)
}
