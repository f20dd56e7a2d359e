//! A story and its parts.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use topology::{Driver, Mode};
use uuid::Uuid;

use crate::{Advice, Evidence, Wait, Witness};

/// What happened to one order in one shop. `docs/story.schema.json` describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Story {
    /// The format: `cleave.story/1`.
    pub schema: String,
    /// The order.
    pub order_id: Uuid,
    /// The client's idempotency key. The same request sent to two shops creates two orders with the same key.
    pub idempotency_key: String,
    /// The architecture.
    pub mode: Mode,
    /// The consistency driver.
    pub driver: Driver,
    /// The outcome of the order.
    pub outcome: OrderOutcome,
    /// The moment from which `at_us` counts: the first event.
    pub began_at: DateTime<Utc>,
    /// Microseconds from there until the order was decided.
    pub decided_us: Option<i64>,
    /// The participants, from left to right.
    pub lanes: Vec<String>,
    /// The events in order of time, each after its cause.
    pub events: Vec<Event>,
    /// What the order waits for now.
    pub waits_for: Vec<Waiting>,
    /// Actions that cannot make things worse.
    pub safe_next_actions: Vec<Action>,
    /// The sources that were asked, with the reason if one was silent.
    pub told_by: Vec<Witness>,
}

/// The outcome of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum OrderOutcome {
    /// Not decided yet.
    Pending,
    /// Confirmed.
    Confirmed,
    /// Cancelled.
    Cancelled {
        /// The reason, as the API returns it: `out_of_stock`.
        code: String,
        /// The same in a sentence.
        detail: String,
    },
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Microseconds since the first event.
    pub at_us: i64,
    /// The lane in which it happened, one of [`Story::lanes`].
    pub lane: String,
    /// The kind of event.
    pub what: What,
    /// Its subject: a routing key, a route or a statement.
    pub name: String,
    /// The message that was sent or handled.
    pub message_id: Option<Uuid>,
    /// The duration in microseconds; 0 for events from the databases, which record a single timestamp.
    pub duration_us: i64,
    /// The index in [`Story::events`] of its cause.
    pub caused_by: Option<usize>,
    /// Whether it succeeded, as far as its source can tell.
    pub ok: bool,
    /// The source of the event.
    pub told_by: Evidence,
}

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// A request was sent.
    Call,
    /// A request came in.
    Receive,
    /// Part of the work, within a transaction.
    Step,
    /// A commit.
    Commit,
    /// The relay published a message from the outbox.
    Publish,
    /// A message was handled.
    Deliver,
    /// A message was handled that repeated an earlier command.
    Retry,
    /// A message was handled that undid a step.
    Compensate,
    /// The client received its response.
    Answer,
}

impl What {
    /// Every kind.
    pub const ALL: [What; 9] = [
        What::Call,
        What::Receive,
        What::Step,
        What::Commit,
        What::Publish,
        What::Deliver,
        What::Retry,
        What::Compensate,
        What::Answer,
    ];
}

/// What an order waits for, with a sentence that describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// What it waits for.
    #[serde(flatten)]
    pub on: Wait,
    /// A sentence that describes it, in English.
    pub says: String,
}

/// An action, or a recovery that happens by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// The action.
    #[serde(flatten)]
    pub advice: Advice,
    /// The command to run; `None` if it happens by itself.
    pub command: Option<String>,
    /// A sentence that says what it is for, in English.
    pub says: String,
}
