#![doc = include_str!("../README.md")]

mod advisory;
mod aside;
mod batch;
mod broker;
mod choreographed;
mod consumer;
mod delivery;
mod holds;
mod inbox;
mod locks;
mod metrics;
mod module;
mod outbox;
mod participant;
mod protocol;
mod publishing;
mod reactor;
mod relay;
mod schema;
mod service;
mod step;
mod suspects;
mod topology;
mod upgrade;

pub use choreographed::Choreographed;
pub use inbox::{claim, forget_old};
pub use locks::{Lock, NOTHING_SHARED, lock_all};
pub use module::{Module, run_module};
pub use outbox::{OutboxEntry, Written, enqueue, unsent};
pub use participant::Participant;
pub use protocol::Protocol;
pub use reactor::{Doing, Failure, Fresh, Reactor, Reacts};
pub use relay::Handover;
pub use service::{Also, MIGRATIONS, Messaging, Service, ServiceSettings, amqp_url, run};
pub use step::{Handle, perform};
