#![doc = include_str!("../README.md")]

mod broker;
mod consumer;
mod delivery;
mod inbox;
mod outbox;
mod participant;
mod relay;
mod service;
mod topology;

pub use consumer::{Failure, Reactor};
pub use outbox::{Outgoing, enqueue};
pub use participant::Participant;
pub use relay::Wake;
pub use service::{Service, ServiceSettings, run};
