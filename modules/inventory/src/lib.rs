#![doc = include_str!("../README.md")]

mod domain;
mod flawed;
mod handlers;
mod http;
mod memory;
mod ports;
mod postgres;
mod reactions;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use domain::{Level, Pieces, Receipt, Reservation};
pub use handlers::{ReceiveError, handle, receive};
pub use http::routes;
pub use memory::MemoryStock;
pub use ports::{Shelf, StockStore};
pub use reactions::{HEARS, react};

/// The module's tables.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
