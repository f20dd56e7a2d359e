#![doc = include_str!("../README.md")]

mod domain;
mod handlers;
mod http;
mod memory;
mod ports;
mod postgres;
mod reactions;
mod schema;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use domain::{Decision, NewOrder, Order, Status};
pub use handlers::{PlaceError, Placed, handle, place};
pub use http::{new_order, order_answer, routes};
pub use memory::MemoryOrders;
pub use ports::{Insertion, OrderStore};
pub use postgres::find;
pub use reactions::{HEARS, react};

/// The module's tables.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
