#![doc = include_str!("../README.md")]

mod broker;
mod choreographed;
mod consumer;
mod delivery;
mod flawed;
mod inbox;
mod metrics;
mod module;
mod outbox;
mod participant;
mod protocol;
mod publishing;
mod reactor;
mod relay;
mod service;
mod step;
mod topology;

pub use choreographed::Choreographed;
pub use module::{Module, run_module};
pub use outbox::{OutboxEntry, enqueue};
pub use participant::Participant;
pub use protocol::Protocol;
pub use reactor::{Doing, Failure, Fresh, Reactor, Reacts};
pub use relay::Wake;
pub use service::{Service, ServiceSettings, run};
pub use step::{Handle, perform};
