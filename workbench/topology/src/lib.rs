//! What there is to run: the two architectures, the drivers, the programs and databases of each, and what customers can
//! do with any of them. Plain values; nothing is started here.

mod capability;
mod databases;
mod driver;
mod handle;
mod mode;

pub use capability::Capability;
pub use databases::{Databases, SERVICES};
pub use driver::{Driver, programs};
pub use handle::{BrokerControl, ProcessHandle, ShopHandle};
pub use mode::{BEFORE_MONOLITHS, Mode};
