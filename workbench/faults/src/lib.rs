//! Fault injection.
//!
//! [`KINDS`] is the catalogue of faults, a [`FaultSpec`] is a requested fault, and a [`Link`] is where a [`Proxy`]
//! can be placed. [`Faults`] starts faults, heals them at their end, and records what each one actually hit.

mod act;
mod attribute;
mod effect;
mod engine;
mod keys;
mod kind;
mod link;
mod messages;
mod place;
mod points;
mod proxy;
mod server_faults;
mod spec;
pub mod tap;
pub mod toxic;
mod words;

pub use act::{Act, Hit, Request, ServerAct};
pub use attribute::{Attribute, Unit, read_duration};
pub use engine::{Faults, Record};
pub use kind::{KINDS, Kind, On};
pub use link::Link;
pub use place::Place;
pub use points::{POINTS, Point, chosen as chosen_points};
pub use proxy::{Proxy, Traffic};
pub use spec::{FaultSpec, Target};
pub use toxic::Toxic;
