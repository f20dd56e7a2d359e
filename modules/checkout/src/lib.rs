#![doc = include_str!("../README.md")]

mod plan;
mod saga;

pub use plan::{Step, plan};
pub use saga::{Progress, Saga};
