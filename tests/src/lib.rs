//! What the suites share: shops that run, a client that checks every response against the API description, a
//! load that keeps buying during faults, and waits with a limit.

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
