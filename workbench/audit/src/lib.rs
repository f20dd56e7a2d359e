//! The audit: checks the databases and the broker after a load has drained.
//!
//! Reading and judging are separate. `read`, `broker` and `sessions` fill plain structs, and the judges read nothing
//! else. So each invariant has tests that break it on purpose. A judge that finds nothing to check returns *no
//! evidence*, which is not a pass.

mod broker;
mod evidence;
mod inspection;
pub mod live;
#[cfg(test)]
mod made_up;
mod messages;
mod money;
mod orders;
mod read;
mod records;
mod sessions;
mod stock;
mod timeline;
mod verdict;
mod vote;
mod walk;
mod words;

use std::collections::BTreeSet;

use uuid::Uuid;

pub use verdict::{Audit, Verdict};

use terminal::text::Text;
use topology::ShopHandle;

/// The subject of an audit.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The shop. Its driver determines what to read and what is allowed.
    pub shop: ShopHandle,
    /// What the load knows about the shop.
    pub expected: Expected,
}

impl Subject {
    /// A shop in interactive use: no load is known that it could be held to.
    pub fn of(shop: ShopHandle) -> Subject {
        Subject { shop, expected: Expected::default() }
    }

    /// The same shop, held to what a load knows about it.
    pub fn expecting(self, expected: Expected) -> Subject {
        Subject { expected, ..self }
    }
}

/// What the load knows about the shop, and the databases must agree with.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The orders that the shop accepted, according to the responses to the load; `None` if no list was kept. Then
    /// every order in the database counts as accepted.
    pub accepted: Option<Vec<Uuid>>,
    /// Number of poison messages that were sent. There must be exactly this many dead letters.
    pub poison: u64,
    /// The ids of the poison messages that have one; `None` if unknown. Then only the numbers are compared.
    pub poison_ids: Option<BTreeSet<String>>,
    /// The outcomes that the load should produce: `confirmed`, or a refusal's code.
    pub outcomes: Vec<String>,
    /// The number of orders per outcome that counts as enough evidence.
    pub min_per_outcome: u64,
    /// The requested faults. One that never fired means that too little was tried (I9).
    pub faults: Vec<Fault>,
}

/// A requested fault.
#[derive(Debug, Clone)]
pub struct Fault {
    /// A description of the fault.
    pub name: Text,
    /// Whether it hit anything.
    pub fired: bool,
}

/// Reads all databases of a shop and its broker, and judges the invariants I1 to I9.
///
/// The shop must have drained: an order in progress violates about half of them.
pub async fn audit(subject: &Subject) -> anyhow::Result<Vec<Audit>> {
    let driver = subject.shop.driver;
    let records = read::read(driver, &subject.shop.databases).await?;
    let queues = broker::read(subject).await?;
    let sessions = sessions::read(&subject.shop.databases).await?;
    let expected = &subject.expected;
    Ok(vec![
        orders::every_order_is_decided(&records, expected.accepted.as_deref()),
        stock::nothing_is_sold_twice(&records),
        money::each_order_is_paid_once(&records),
        money::money_is_constant(&records),
        vote::all_or_nothing(&records, driver),
        messages::nothing_is_under_way(&records, driver, &queues, expected),
        sessions::nothing_is_left_open(&sessions),
        timeline::events_are_in_order(&records, driver),
        evidence::enough_was_tried(&records, expected),
    ])
}
