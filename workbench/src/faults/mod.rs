//! Breaking a shop on purpose.
//!
//! [`KINDS`] is the catalogue of faults, a [`FaultSpec`] is one that is asked for, and a [`Link`] is a place where a
//! [`Proxy`] can stand.

mod attribute;
mod kind;
mod link;
mod proxy;
mod spec;
pub mod toxic;

pub use attribute::{Attribute, Unit, read_duration};
pub use kind::{KINDS, Kind, On};
pub use link::Link;
pub use proxy::{Proxy, Traffic};
pub use spec::{FaultSpec, Target};
pub use toxic::Toxic;
