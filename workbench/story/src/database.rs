//! Events derived from database rows.

use chrono::{DateTime, Utc};

use super::causes::Happened;
use super::records::{Effect, Handled, Records};
use super::{Evidence, What, messages};
use topology::Mode;

/// The events that an order's rows show, unsorted.
pub(super) fn events(records: &Records, mode: Mode) -> Vec<Happened> {
    let mut events: Vec<Happened> = records.effects.iter().map(|effect| written(effect, mode)).collect();
    events.extend(records.handled.iter().map(handled));
    events
}

fn written(effect: &Effect, mode: Mode) -> Happened {
    let decided = matches!(effect.name.as_str(), "orders.order-confirmed" | "orders.order-cancelled");
    match mode {
        // A visible row was committed. Its timestamp is the time of the write, shortly before the commit.
        Mode::Split => told(messages::module(&effect.name), What::Commit, &effect.name, effect.at),
        // All of it is one transaction, and the decision is written last.
        Mode::Monolith => {
            let what = if decided { What::Commit } else { What::Step };
            told("monolith", what, &effect.name, effect.at)
        }
    }
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
