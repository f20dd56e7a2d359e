//! Scenarios: the same disturbances on both architectures, described once, and what became of the shop.

mod disagreement;
mod file;
mod load;
mod observe;
mod own_shop;
mod record;
mod report;
mod run;

pub use file::{Action, FlashSale, Scenario, Steady, Step};
pub use load::{Customers, Experience, Part, Rates, Tried};
pub use observe::{Availability, FaultWindow, Impact, Request, Second, availability, impact};
pub use own_shop::{AtRest, Beginning, OwnShop, programs};
pub use record::{Orders, SCHEMA, ScenarioOutcome, ScenarioRun, SteadyState};
pub use report::{html, table};
pub use run::{ScenarioOptions, run};
