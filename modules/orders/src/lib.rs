#![doc = include_str!("../README.md")]

mod domain;
mod handlers;
mod http;
mod memory;
mod metrics;
mod ports;
mod postgres;
mod reactions;
mod schema;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use domain::{Decision, NewOrder, Order, Status};
pub use handlers::{PlaceError, Placed, handle, place};
pub use http::{insist, new_order, not_placed, order_answer, routes};
pub use memory::MemoryOrders;
pub use metrics::DecisionCounter;
pub use ports::{Insertion, OrderStore};
pub use postgres::find;
pub use reactions::{HEARS, react};

/// The module's own schema. Every program that runs the module applies these before it serves requests.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
