//! The audit: what the databases and the broker say once a load has drained.
//!
//! Reading and judging are apart: `read`, `broker` and `sessions` fill plain structs, and the judges look at nothing
//! else, so that each invariant has a test in which it is broken on purpose. A judge that found nothing to look at
//! says *no evidence*, which is not a pass.

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

use topology::ShopHandle;

/// What is audited.
#[derive(Debug, Clone)]
pub struct Subject {
    /// The shop. Its driver says what there is to read, and what is allowed.
    pub shop: ShopHandle,
    /// What the load knows of it.
    pub expected: Expected,
}

/// What whoever made the load knows of it, and the databases must agree with.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The orders that the shop took charge of, by the answers that the load got; `None` where nobody kept a list,
    /// and every order in the database is taken as accepted.
    pub accepted: Option<Vec<Uuid>>,
    /// Messages put in that nobody can handle: so many dead letters must there be.
    pub poison: u64,
    /// The ids of those of them that have one; `None` where nobody knows, and only numbers can be compared.
    pub poison_ids: Option<BTreeSet<String>>,
    /// The outcomes that the load was meant to have: `confirmed`, or a refusal's code.
    pub outcomes: Vec<String>,
    /// How many orders of each of those outcomes are enough to speak of evidence.
    pub min_per_outcome: u64,
    /// The faults that were asked for.
    pub faults: Vec<Fault>,
}

/// A fault that was asked for.
#[derive(Debug, Clone)]
pub struct Fault {
    /// What was to happen, in words.
    pub name: String,
    /// Whether it did.
    pub fired: bool,
}

/// Reads all databases of a shop, and its broker, and judges the invariants I1 to I9.
///
/// The shop must have drained: an order that is still on its way is a violation of half of them.
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
