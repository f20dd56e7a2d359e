#![doc = include_str!("../README.md")]

mod decisions;
mod home;
mod orchestrator;
mod placing;
mod sagas;
mod schema;
mod settings;
mod waiting;

use diesel_migrations::{EmbeddedMigrations, embed_migrations};

pub use decisions::{Decisions, decision_in};
pub use home::Home;
pub use orchestrator::{LISTENS_TO, Orchestrator};
pub use placing::{Start, Started, place_order};
pub use settings::CheckoutSettings;

/// The tables of the sagas.
pub const MIGRATIONS: EmbeddedMigrations = embed_migrations!("migrations");
