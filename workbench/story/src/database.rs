//! Events derived from database rows.

use chrono::{DateTime, Utc};

use super::causes::Happened;
use super::records::{Effect, Handled, Records};
use super::{Evidence, What, messages};
use topology::{Driver, MONOLITH, SERVICES};

/// The events that an order's rows show, unsorted.
pub(super) fn events(records: &Records, driver: Driver) -> Vec<Happened> {
    let mut events: Vec<Happened> = records.effects.iter().map(|effect| written(effect, driver)).collect();
    events.extend(records.handled.iter().map(handled));
    events
}

fn written(effect: &Effect, driver: Driver) -> Happened {
    let module = messages::module(&effect.name);
    let lane = SERVICES.into_iter().find(|known| *known == module).map(|module| driver.service_of(module));
    let lane = lane.unwrap_or(module);
    let decided = matches!(effect.name.as_str(), "orders.order-confirmed" | "orders.order-cancelled");
    // In a service a visible row was committed. Its timestamp is the time of the write, shortly before the commit. In a
    // monolith more may follow in the same transaction. The decision is written last.
    let what = if lane == MONOLITH && !decided { What::Step } else { What::Commit };
    told(lane, what, &effect.name, effect.at)
}

fn handled(handled: &Handled) -> Happened {
    let what = if handled.attempt > 0 {
        What::Retry
    } else if messages::undoes(handled.key, handled.service) {
        What::Compensate
    } else {
        What::Deliver
    };
    let message_id = Some(handled.message_id);
    Happened { message_id, ..told(handled.service, what, handled.key, handled.at) }
}

fn told(lane: &str, what: What, name: &str, at: DateTime<Utc>) -> Happened {
    Happened {
        at: at.timestamp_micros(),
        lane: lane.to_owned(),
        what,
        name: name.to_owned(),
        message_id: None,
        duration_us: 0,
        ok: !name.ends_with("-refused"),
        told_by: Evidence::Database,
        span: None,
        parent: None,
    }
}
