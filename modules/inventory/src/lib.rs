#![doc = include_str!("../README.md")]

mod domain;
mod flawed;
mod handlers;
mod http;
mod memory;
mod ports;
mod postgres;
mod reactions;
mod schema;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use domain::{Level, Pieces, Receipt, Reservation};
pub use handlers::{ReceiveError, handle, lock, receive};
pub use http::routes;
pub use memory::MemoryStock;
pub use ports::{Shelf, StockStore};
pub use reactions::{HEARS, react};

/// The module's own schema. Every program that runs the module applies these before it serves requests.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The routing keys of its commands.
pub const COMMANDS: &[&str] =
    &["inventory.reserve-stock", "inventory.commit-reservation", "inventory.release-stock"];
