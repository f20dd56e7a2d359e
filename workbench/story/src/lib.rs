//! The story of one order: what happened to it, where and when, what it waits for now, and what may safely be done.
//!
//! It is told by two witnesses. The databases tell what was committed, and when each message was handled, even after
//! all processes have died. The processes tell spans, and with them what the databases do not keep: when a message was
//! published, how long it waited, how long a step took. What no span covers is taken from the databases, and the story
//! names those who told nothing.
//!
//! Nothing is disturbed by it: no row is locked, and no message is taken from a queue. So whether a message stands in a
//! queue is concluded: it was sent, it is in the outbox no more, and nobody has handled it yet.

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
    /// What the client called its request. The same request sent to two shops makes two orders with the same key.
    pub idempotency_key: String,
    /// The architecture.
    pub mode: Mode,
    /// How the shop stays consistent.
    pub driver: Driver,
    /// What became of the order.
    pub outcome: Outcome,
    /// The moment from which `at_us` counts: the first event.
    pub began_at: DateTime<Utc>,
    /// Microseconds from there until the order was decided.
    pub decided_us: Option<i64>,
    /// Who took part, from left to right.
    pub lanes: Vec<String>,
    /// What happened, in the order of time, each after what caused it.
    pub events: Vec<Event>,
    /// What it waits for now.
    pub waits_for: Vec<Waiting>,
    /// What can be done about it and cannot make it worse.
    pub safe_next_actions: Vec<Action>,
    /// Who was asked for the story, and who did not answer.
    pub told_by: Vec<Witness>,
}

/// What became of an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "status")]
pub enum Outcome {
    /// Nothing yet.
    Pending,
    /// It holds.
    Confirmed,
    /// It is off.
    Cancelled {
        /// Why, as the API has it: `out_of_stock`.
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
    /// Where it happened, as [`Story::lanes`] has it.
    pub lane: String,
    /// What kind of thing it was.
    pub what: What,
    /// What it was about: a routing key, a route, a statement.
    pub name: String,
    /// The message that was sent or handled.
    pub message_id: Option<Uuid>,
    /// How long it took, in microseconds; 0 for what the databases tell, who know a moment only.
    pub duration_us: i64,
    /// The place in [`Story::events`] of what it followed from.
    pub caused_by: Option<usize>,
    /// Whether it went well, as far as its witness can tell.
    pub ok: bool,
    /// Who told it.
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
    /// A part of the work, within a transaction.
    Step,
    /// Something became final.
    Commit,
    /// A message went from the outbox to the broker.
    Publish,
    /// A message was handled.
    Deliver,
    /// A message was handled that asked for the same thing again.
    Retry,
    /// A message was handled that undoes a step.
    Compensate,
    /// The client got its answer.
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

/// Who told an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A process, by a span.
    Span,
    /// A row.
    Database,
    /// Neither: it follows from what they told.
    Concluded,
}

/// What an order waits for, with the same in words.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Waiting {
    /// What it is.
    #[serde(flatten)]
    pub on: Wait,
    /// The same as a sentence, in English.
    pub says: String,
}

/// Something that may be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Action {
    /// What it is.
    #[serde(flatten)]
    pub advice: Advice,
    /// The command that does it; `None` where it happens by itself.
    pub command: Option<String>,
    /// What for, as a sentence, in English.
    pub says: String,
}

/// Somebody who was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// A process, or a database by its module.
    pub name: String,
    /// What was asked for.
    pub of: Evidence,
    /// How many spans or rows it told.
    pub told: usize,
    /// Why it told nothing.
    pub why_not: Option<String>,
}

/// Tells the story of an order in each of these shops that knows it, and of the orders that the same request made in
/// the others. No story where no shop knows it; an error where one that may know it could not be asked.
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
        bail!("order {id} was not found, and not everybody could be asked: {}", failed.join("; "));
    };
    let mut stories = Vec::new();
    for shop in shops {
        // One that could not be asked a moment ago is no more talkative now.
        if let Ok(Some(id)) = pick::order_of(shop, &key).await {
            stories.extend(telling::one(shop, id).await?);
        }
    }
    Ok(stories)
}
