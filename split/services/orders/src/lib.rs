#![doc = include_str!("../README.md")]

mod decisions;
mod listener;
mod orchestrator;
mod placing;
mod sagas;
mod schema;
mod waiting;

use chassis::Handle;
use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use decisions::Decisions;
pub use listener::Listener;
pub use orchestrator::{LISTENS_TO, Orchestrator};
pub use placing::{Start, place_order};

/// The tables of the sagas.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The orders module's handler.
pub const HANDLE: Handle = |conn, command| Box::pin(orders::handle(conn, command));
