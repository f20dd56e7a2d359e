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
mod subject;
mod timeline;
mod verdict;
mod vote;
mod walk;
mod words;

pub use subject::{Expected, Fault, Subject};
pub use verdict::{Audit, Verdict};

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
