//! What an order waits for.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::queues::Queue;
use super::records::locks::Held;
use super::records::{Records, SagaRow};
use super::{Evidence, Witness, messages, spans};
use futures_util::future::join_all;
use servers::{Readiness, Waits};
use topology::{Driver, Mode, ProcessHandle, ShopHandle};

/// Something that an order waits for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "on")]
pub enum Wait {
    /// The order is decided, and no message is in flight.
    Nothing,
    /// A message that is committed but not published.
    OutboxRow {
        /// The service that owns the outbox.
        service: String,
        /// The routing key of the message, or the queue that it is for.
        message: String,
        /// Its id.
        message_id: Uuid,
        /// Since when it waits.
        since: DateTime<Utc>,
    },
    /// A message that is published but not handled.
    Queue {
        /// The queue that holds it, unless it is being handled right now.
        queue: String,
        /// The routing key of the message.
        message: String,
        /// The number of messages in the queue; `None` if the broker does not respond.
        standing: Option<u32>,
        /// The number of consumers of the queue.
        consumers: Option<u32>,
        /// The number of dead letters of the service.
        dead_letters: Option<u32>,
    },
    /// The saga waits for an answer.
    Answer {
        /// The service that was asked.
        from: String,
        /// The command that was sent.
        command: String,
        /// The number of earlier attempts.
        attempt: u32,
        /// The time of the next attempt.
        deadline: DateTime<Utc>,
    },
    /// A row that it needs is locked.
    RowLock {
        /// The table and the key.
        row: String,
        /// The holder of the lock.
        held_by: Holder,
        /// Since when it waits.
        since: Option<DateTime<Utc>>,
        /// The number of sessions that wait for the holder.
        waiting: i64,
    },
    /// A branch is prepared and not committed.
    InDoubt {
        /// The module of the branch.
        module: String,
        /// The name of the prepared transaction. It is matched to the order by time alone: the one prepared nearest to
        /// the order's decision.
        gid: String,
        /// When it was prepared.
        since: DateTime<Utc>,
    },
    /// A process does not respond.
    Silent {
        /// The process.
        process: String,
        /// How that was noticed.
        why: String,
    },
    /// A process cannot continue until something around it works again.
    Process {
        /// The process.
        process: String,
        /// What it says that it waits for, and since when.
        waits: Waits,
    },
    /// The order is not decided, and no message about it is in flight.
    Lost,
}

impl Wait {
    /// The service that has to act next.
    pub(super) fn service(&self) -> Option<&str> {
        match self {
            Wait::OutboxRow { service, .. } => Some(service),
            Wait::Answer { from, .. } => Some(from),
            Wait::Queue { queue, .. } => queue.rsplit('.').next(),
            _ => None,
        }
    }
}

/// The holder of a lock.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum Holder {
    /// A connected session.
    Session {
        /// The session's process on the server.
        pid: i32,
        /// Its application name.
        application: String,
        /// Its current or last statement.
        statement: String,
    },
    /// A prepared transaction, which has no session.
    Prepared {
        /// Its name.
        gid: String,
    },
}

/// The chain of a choreography: each event, and the module that handles it next.
const CHAIN: [(&str, &str); 5] = [
    ("orders.order-placed", "catalog"),
    ("catalog.prices-honoured", "inventory"),
    ("inventory.stock-reserved", "payments"),
    ("payments.payment-captured", "shipping"),
    ("shipping.shipment-scheduled", "orders"),
];

/// What the order waits for, from all sources.
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
        waits.extend(waiting(shop, &asked).await);
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

/// The commands whose answers a saga waits for, read from its stored state.
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
        // The saga and TCC share this name. Only TCC accepts answers in any order.
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

/// Where the message is that the saga waits for: the command, or the answer to it. `None` if it is in an outbox, which
/// is reported already.
fn on_the_way(
    shop: &ShopHandle,
    records: &Records,
    queues: &HashMap<String, Queue>,
    command: &'static str,
) -> Option<Wait> {
    let service = messages::module(command);
    let orders = shop.driver.service_of("orders");
    let in_outbox = |of: &str| records.unpublished.iter().any(|row| row.service == of);
    let handled = records.handled.iter().any(|message| message.service == service && message.key == command);
    match handled {
        false if in_outbox(orders) => None,
        false => Some(queue(shop, queues, service, command)),
        true if in_outbox(service) => None,
        true => Some(queue(shop, queues, orders, &format!("the answer to {command}"))),
    }
}

/// In a choreography: the first module in the chain that has not handled the event of the one before.
fn unheard(shop: &ShopHandle, records: &Records, queues: &HashMap<String, Queue>) -> Option<Wait> {
    let heard = |key: &str, by: &str| {
        records.handled.iter().any(|message| message.service == by && message.key == key)
    };
    let done = |key: &str| records.effects.iter().any(|effect| effect.name == key);
    // A module that left a row has handled everything before it, even if no inbox shows it.
    let last = (0..CHAIN.len()).rev().find(|link| {
        let (key, hearer) = CHAIN[*link];
        heard(key, hearer) || CHAIN.get(link + 1).is_some_and(|(own, _)| done(own))
    });
    let (key, hearer) = *CHAIN.get(last.map_or(0, |link| link + 1))?;
    // The catalog writes a row only for products on sale, so a missing row does not mean that it refused.
    let refused = !done(key) && !matches!(messages::module(key), "orders" | "catalog");
    let (message, hearer) = if refused { (refusal(key), "orders") } else { (key.to_owned(), hearer) };
    Some(queue(shop, queues, hearer, &message))
}

/// In a choreography an order can be cancelled before every step is undone: each module handles the refusal by a
/// message of its own.
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

/// Whether a process is an instance of one of these services.
fn is_one_of(services: &[String], process: &str) -> bool {
    services.iter().any(|service| {
        process.strip_prefix(service.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('-'))
    })
}

/// What the processes of these services wait for themselves.
async fn waiting(shop: &ShopHandle, services: &[String]) -> Vec<Wait> {
    let of_these = shop.processes.iter().filter(|process| is_one_of(services, &process.name));
    let asked = of_these.map(async |process| (process, Readiness::of(&process.address, spans::LIMIT).await));
    let answers = join_all(asked).await.into_iter();
    let waits = |(process, Readiness { waits, .. }): (&ProcessHandle, Readiness)| {
        let name = process.name.clone();
        waits.into_iter().map(move |waits| Wait::Process { process: name.clone(), waits })
    };
    answers.flat_map(waits).collect()
}

/// The processes of these services that did not respond when asked for spans.
fn silent(witnesses: &[Witness], services: &[String]) -> Vec<Wait> {
    let of_these = |witness: &&Witness| is_one_of(services, &witness.name);
    let asked = witnesses.iter().filter(|witness| witness.of == Evidence::Span).filter(of_these);
    let silent = asked.filter_map(|witness| {
        let why = witness.why_not.clone().filter(|why| why != spans::RECORDS_NONE)?;
        Some(Wait::Silent { process: witness.name.clone(), why })
    });
    silent.collect()
}

/// Branches of a decided order that are still prepared. The orders branch commits first, so the decision can be visible
/// while others are still prepared.
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
