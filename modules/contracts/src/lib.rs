#![doc = include_str!("../README.md")]

pub mod clock;
mod command;
mod envelope;
mod error;
mod event;
mod excerpt;
mod ids;
mod money;
mod order;
pub mod whole;

pub use command::Command;
pub use envelope::{Envelope, Message, TraceContext, message_id};
pub use error::{BoxError, Error, Refusal, RefusalCode};
pub use event::Event;
pub use excerpt::excerpt;
pub use ids::{CustomerId, Invalid, OrderId, Region, Sku};
pub use money::{Money, Quantity};
pub use order::{MAX_LINES, OrderLine, OrderRequest, PlacedOrder, path_by_key};
