//! Breaking a shop on purpose.

mod attribute;
mod proxy;
pub mod toxic;

pub use proxy::{Proxy, Traffic};
pub use toxic::Toxic;
