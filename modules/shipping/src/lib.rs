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

pub use domain::SERVED;
pub use handlers::handle;
pub use http::routes;
pub use memory::MemoryShipments;
pub use ports::ShipmentStore;
pub use reactions::{HEARS, react};

/// The module's own schema. Every program that runs the module applies these before it serves requests.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");

/// The routing keys of its commands.
pub const COMMANDS: &[&str] = &["shipping.quote-shipment", "shipping.schedule-shipment"];
