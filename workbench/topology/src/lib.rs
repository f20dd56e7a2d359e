//! The architectures, drivers, programs and databases of a shop, and what customers can do with it. This crate
//! defines plain values and starts nothing.

mod away;
mod capability;
mod databases;
mod driver;
mod handle;
mod mode;
mod part;
mod words;

pub use away::{Away, MOVABLE};
pub use capability::Capability;
pub use databases::{Databases, SERVICES};
pub use driver::{Driver, programs};
pub use handle::{BrokerControl, ProcessHandle, ShopHandle};
pub use mode::{BEFORE_MONOLITHS, MONOLITH, Mode};
pub use part::Part;
