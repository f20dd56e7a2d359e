//! The story of one order: what happened to it, where and when, what it waits for now, and which actions are safe.
//!
//! It combines two sources. The databases show what was committed and when each message was handled, even after every
//! process has died. The processes report spans, which add what the databases do not keep: when a message was
//! published, how long it waited, how long a step took. If no span covers an event, it comes from the databases. The
//! story names the sources that were silent.
//!
//! Reading a story disturbs nothing: it locks no row and takes no message from a queue. So it infers that a message is
//! in a queue: the message was sent, it is no longer in the outbox, and it has not been handled yet.

use anyhow::{Result, bail};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use topology::{Driver, Mode, ShopHandle};

mod advice;
mod causes;
mod database;
#[doc(hidden)]
pub mod made_up;
mod messages;
mod pick;
mod queues;
mod records;
mod sentences;
pub mod spans;
pub mod svg;
pub mod tax;
mod telling;
mod text;
mod traced;
mod waits;
mod words;

pub use advice::Advice;
pub use pick::{Pick, last_decided, pick};
pub use svg::svg;
pub use terminal::language::Language;
pub use waits::{Holder, Wait};

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
    pub outcome: Outcome,
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
pub enum Outcome {
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

/// The source of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A process, by a span.
    Span,
    /// A row.
    Database,
    /// Inferred from the spans and rows.
    Concluded,
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

/// A source that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// A process, or a module for its database.
    pub name: String,
    /// What it was asked for.
    pub of: Evidence,
    /// The number of spans or rows that it returned.
    pub told: usize,
    /// Why it returned nothing.
    pub why_not: Option<String>,
}

/// The story of an order in each of these shops that knows it, and of the orders that the same request created in the
/// others. Empty if no shop knows the order. Returns an error if a shop that may know it could not be asked.
pub async fn tell(shops: &[ShopHandle], id: Uuid) -> Result<Vec<Story>> {
    let mut known = None;
    let mut failed = Vec::new();
    for shop in shops {
        match pick::key_of(shop, id).await {
            Ok(Some(key)) => known = known.or(Some(key)),
            Ok(None) => {}
            Err(why) => failed.push(format!("{}: {why:#}", shop.driver)),
        }
    }
    let Some(key) = known else {
        if failed.is_empty() {
            return Ok(Vec::new());
        }
        bail!(words::not_found(id, failed.join("; ")));
    };
    let mut stories = Vec::new();
    for shop in shops {
        // A shop that could not be asked a moment ago is skipped.
        if let Ok(Some(id)) = pick::order_of(shop, &key).await {
            stories.extend(telling::one(shop, id).await?);
        }
    }
    Ok(stories)
}
