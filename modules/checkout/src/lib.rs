#![doc = include_str!("../README.md")]

mod answer;
mod plan;
mod process;
mod saga;
mod tcc;

pub use answer::done;
pub use plan::{Participation, Step, participations, plan};
pub use process::Process;
pub use saga::{Progress, Saga};
pub use tcc::Tcc;
