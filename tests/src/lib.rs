//! What the suites stand on: shops that run, a client that holds every answer to the API's description, a load that
//! does not give up, and waiting with a bound.

mod browser;
mod client;
mod description;
mod load;
mod order;
pub mod simulation;
mod stage;
mod world;

pub use browser::Browser;
pub use client::{Answer, Body};
pub use load::{Load, Mix};
pub use order::{Goods, Line, order};
pub use stage::{DRIVERS, Seat, Stage};
pub use topology::Driver;
pub use topology::Mode;
pub use world::{BOUND, DELIVERIES, World, eventually};
