//! What an order waits for, and what may be done about it.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::queues::Queue;
use super::records::locks::Held;
use super::records::{Records, SagaRow};
use super::{Evidence, Witness, messages, spans};
use topology::{Driver, ShopHandle};

use topology::Mode;

/// Something that an order waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "on")]
pub enum Wait {
    /// It is decided, and nothing is on its way.
    Nothing,
    /// A message that is committed and not published.
    OutboxRow {
        /// Whose outbox.
        service: String,
        /// What the message is called, or the queue that it is for.
        message: String,
        /// Its id.
        message_id: Uuid,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// A message that was published and that nobody has handled.
    Queue {
        /// The queue in which it stands, unless it is being handled this moment.
        queue: String,
        /// What the message is called.
        message: String,
        /// How many messages stand there; `None` if the broker does not tell.
        standing: Option<u32>,
        /// How many take messages from it.
        consumers: Option<u32>,
        /// How many dead letters its service has.
        dead_letters: Option<u32>,
    },
    /// The saga waits for somebody's answer.
    Answer {
        /// The service that was asked.
        from: String,
        /// What it was told to do.
        command: String,
        /// How often it was asked before.
        attempt: u32,
        /// When it is asked again.
        deadline: DateTime<Utc>,
    },
    /// A row that it needs is locked.
    RowLock {
        /// The table and the key.
        row: String,
        /// By whom.
        held_by: Holder,
        /// Since when.
        since: Option<DateTime<Utc>>,
        /// How many sessions wait for that one.
        waiting: i64,
    },
    /// A part of it is prepared and not committed.
    InDoubt {
        /// Whose part.
        module: String,
        /// What the prepared transaction is called. Nothing ties it to the order but the time: it is the one that was
        /// prepared nearest to its decision.
        gid: String,
        /// Since when.
        since: DateTime<Utc>,
    },
    /// A process does not answer.
    Silent {
        /// The process.
        process: String,
        /// How that showed.
        why: String,
    },
    /// It is not decided, and no message about it is on its way.
    Lost,
}

impl Wait {
    /// The service that it is up to.
    pub(super) fn service(&self) -> Option<&str> {
        match self {
            Wait::OutboxRow { service, .. } => Some(service),
            Wait::Answer { from, .. } => Some(from),
            Wait::Queue { queue, .. } => queue.rsplit('.').next(),
            _ => None,
        }
    }
}

/// Who holds a lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Holder {
    /// Somebody who is connected.
    Session {
        /// The session's process on the server.
        pid: i32,
        /// What it calls itself.
        application: String,
        /// What it does, or did last.
        statement: String,
    },
    /// A prepared transaction, which has no session.
    Prepared {
        /// What it is called.
        gid: String,
    },
}

/// The chain of a choreography: who hears of what next.
const CHAIN: [(&str, &str); 5] = [
    ("orders.order-placed", "catalog"),
    ("catalog.prices-honoured", "inventory"),
    ("inventory.stock-reserved", "payments"),
    ("payments.payment-captured", "shipping"),
    ("shipping.shipment-scheduled", "orders"),
];

/// What the order waits for, by all that is known.
pub(super) async fn of(
    shop: &ShopHandle,
    records: &Records,
    queues: &HashMap<String, Queue>,
    witnesses: &[Witness],
) -> Vec<Wait> {
    let mut waits: Vec<Wait> = records
        .unpublished
        .iter()
        .map(|row| Wait::OutboxRow {
            service: row.service.to_owned(),
            message: row.destination.clone(),
            message_id: row.message_id,
            since: row.since,
        })
        .collect();
    let pending = records.order.as_ref().is_some_and(|order| order.status == "pending");
    if let Some(saga) = records.saga.as_ref().filter(|saga| !saga.finished) {
        for command in outstanding(&saga.state) {
            waits.push(answer(saga, command));
            waits.extend(on_the_way(shop, records, queues, command));
        }
    } else if pending && shop.driver.mode() == Mode::Split && waits.is_empty() {
        waits.extend(unheard(shop, records, queues));
    }
    if matches!(shop.driver, Driver::Choreographed | Driver::Naive) {
        waits.extend(not_undone(shop, records, queues));
    }
    if pending {
        waits.extend(records.held.iter().map(lock));
        let asked: Vec<String> = waits.iter().filter_map(Wait::service).map(str::to_owned).collect();
        waits.extend(silent(witnesses, &asked));
    }
    if shop.driver == Driver::TwoPhase {
        waits.extend(prepared(shop, records).await);
    }
    match (waits.is_empty(), pending) {
        (true, true) => vec![Wait::Lost],
        (true, false) => vec![Wait::Nothing],
        (false, _) => waits,
    }
}

/// The commands whose answers a saga waits for, by what it stores.
pub(super) fn outstanding(state: &Value) -> Vec<&'static str> {
    const ACTIONS: [&str; 5] = [
        "catalog.honour-prices",
        "inventory.reserve-stock",
        "payments.capture-payment",
        "shipping.schedule-shipment",
        "orders.confirm-order",
    ];
    const UNDONE: [&str; 3] =
        ["catalog.release-prices", "inventory.release-stock", "payments.refund-payment"];
    const CONFIRMS: [&str; 3] =
        ["inventory.commit-reservation", "payments.capture-payment", "shipping.schedule-shipment"];
    const CANCELS: [&str; 3] = ["catalog.release-prices", "inventory.release-stock", "payments.void-payment"];
    let phase = &state["phase"];
    let step = || phase["step"].as_u64().and_then(|step| usize::try_from(step).ok());
    let answered = |place: &usize| {
        let answered = state["answered"].as_array().into_iter().flatten();
        !answered.filter_map(Value::as_u64).any(|answered| answered == *place as u64)
    };
    let open = |all: &[&'static str]| (0..all.len()).filter(answered).map(|place| all[place]).collect();
    match phase["name"].as_str().unwrap_or_default() {
        "acting" => step().and_then(|step| ACTIONS.get(step)).copied().into_iter().collect(),
        "compensating" => step().and_then(|step| UNDONE.get(step)).copied().into_iter().collect(),
        "trying" => open(&messages::TRIES),
        "confirming" => open(&CONFIRMS),
        // A saga and tries call two things by this name; only tries are answered in any order.
        "cancelling" if state["answered"].is_array() => open(&CANCELS),
        "closing" => vec!["orders.confirm-order"],
        "cancelling" | "withdrawing" => vec!["orders.cancel-order"],
        _ => Vec::new(),
    }
}

fn answer(saga: &SagaRow, command: &'static str) -> Wait {
    Wait::Answer {
        from: messages::module(command).to_owned(),
        command: command.to_owned(),
        attempt: saga.attempt.unsigned_abs(),
        deadline: saga.deadline,
    }
}

/// Where the message is on which an answer depends: the command, or else the answer to it. `None` while it is in an
/// outbox, which is told already.
fn on_the_way(
    shop: &ShopHandle,
    records: &Records,
    queues: &HashMap<String, Queue>,
    command: &'static str,
) -> Option<Wait> {
    let service = messages::module(command);
    let in_outbox = |of: &str| records.unpublished.iter().any(|row| row.service == of);
    let handled = records.handled.iter().any(|message| message.service == service && message.key == command);
    match handled {
        false if in_outbox("orders") => None,
        false => Some(queue(shop, queues, service, command)),
        true if in_outbox(service) => None,
        true => Some(queue(shop, queues, "orders", &format!("the answer to {command}"))),
    }
}

/// In a choreography: the first in the chain who has not heard of what the one before did.
fn unheard(shop: &ShopHandle, records: &Records, queues: &HashMap<String, Queue>) -> Option<Wait> {
    let heard = |key: &str, by: &str| {
        records.handled.iter().any(|message| message.service == by && message.key == key)
    };
    let done = |key: &str| records.effects.iter().any(|effect| effect.name == key);
    // Whoever left a row has heard of what was before it, even where no inbox says so.
    let last = (0..CHAIN.len()).rev().find(|link| {
        let (key, hearer) = CHAIN[*link];
        heard(key, hearer) || CHAIN.get(link + 1).is_some_and(|(own, _)| done(own))
    });
    let (key, hearer) = *CHAIN.get(last.map_or(0, |link| link + 1))?;
    // The catalog writes a row only for what is on sale, so there its answer cannot be told.
    let refused = !done(key) && !matches!(messages::module(key), "orders" | "catalog");
    let (message, hearer) = if refused { (refusal(key), "orders") } else { (key.to_owned(), hearer) };
    Some(queue(shop, queues, hearer, &message))
}

/// In a choreography an order may be off before all is undone: each hears of the refusal by a message of its own.
fn not_undone(shop: &ShopHandle, records: &Records, queues: &HashMap<String, Queue>) -> Vec<Wait> {
    const UNDONE: [(&str, &str); 3] = [
        ("catalog.prices-honoured", "catalog.prices-released"),
        ("inventory.stock-reserved", "inventory.stock-released"),
        ("payments.payment-captured", "payments.payment-refunded"),
    ];
    let cancelled = records.order.as_ref().is_some_and(|order| order.status == "cancelled");
    let done = |key: &str| records.effects.iter().any(|effect| effect.name == key);
    let open = UNDONE.into_iter().filter(|(key, undone)| cancelled && done(key) && !done(undone));
    open.map(|(key, _)| queue(shop, queues, messages::module(key), &format!("what undoes {key}"))).collect()
}

fn refusal(key: &str) -> String {
    let (before, _) = key.rsplit_once('-').unwrap_or((key, ""));
    format!("{before}-refused")
}

fn queue(shop: &ShopHandle, queues: &HashMap<String, Queue>, service: &str, message: &str) -> Wait {
    let name = format!("{}.{service}", shop.namespace.as_deref().unwrap_or_default());
    let found = queues.get(&name);
    Wait::Queue {
        standing: found.map(|queue| queue.messages),
        consumers: found.map(|queue| queue.consumers),
        dead_letters: queues.get(&format!("{name}.dead")).map(|queue| queue.messages),
        queue: name,
        message: message.to_owned(),
    }
}

fn lock(held: &Held) -> Wait {
    let held_by = match (&held.gid, held.pid) {
        (Some(gid), _) => Holder::Prepared { gid: gid.clone() },
        (None, pid) => Holder::Session {
            pid: pid.unwrap_or_default(),
            application: held.application.clone().unwrap_or_default(),
            statement: held.statement.clone().unwrap_or_default(),
        },
    };
    Wait::RowLock { row: held.the_row.clone(), held_by, since: held.since, waiting: held.waiting }
}

/// Those of their processes that did not answer when they were asked for the story.
fn silent(witnesses: &[Witness], services: &[String]) -> Vec<Wait> {
    let of_these = |name: &str| {
        services.iter().any(|service| {
            name.strip_prefix(service.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
        })
    };
    let asked = witnesses.iter().filter(|witness| witness.of == Evidence::Span && of_these(&witness.name));
    let silent = asked.filter_map(|witness| {
        let why = witness.why_not.clone().filter(|why| why != spans::RECORDS_NONE)?;
        Some(Wait::Silent { process: witness.name.clone(), why })
    });
    silent.collect()
}

/// Parts of a decided order that are prepared still. The order's own is committed first, so it can be seen while others
/// are not.
async fn prepared(shop: &ShopHandle, records: &Records) -> Vec<Wait> {
    const PARTS: [(&str, &str); 3] = [
        ("inventory", "inventory.stock-reserved"),
        ("payments", "payments.payment-captured"),
        ("shipping", "shipping.shipment-scheduled"),
    ];
    let Some(order) = records.order.as_ref().filter(|order| order.status == "confirmed") else {
        return Vec::new();
    };
    let missing: Vec<&str> = PARTS
        .into_iter()
        .filter(|(_, effect)| !records.effects.iter().any(|seen| seen.name == *effect))
        .map(|(module, _)| module)
        .collect();
    if missing.is_empty() {
        return Vec::new();
    }
    let urls: Vec<String> = shop.databases.distinct().into_iter().map(|(_, url)| url.to_owned()).collect();
    let Ok(found) = in_doubt::look(&urls).await else { return Vec::new() };
    let decided = order.decided_at.unwrap_or(order.placed_at);
    let nearest = |module: &str| {
        let of_it = found.branches.iter().filter(|branch| branch.module == module);
        of_it.min_by_key(|branch| (branch.prepared_at - decided).abs()).map(|branch| Wait::InDoubt {
            module: module.to_owned(),
            gid: branch.gid.clone(),
            since: branch.prepared_at,
        })
    };
    missing.into_iter().filter_map(nearest).collect()
}
