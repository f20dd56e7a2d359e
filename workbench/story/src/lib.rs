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
use uuid::Uuid;

use topology::ShopHandle;

mod advice;
mod causes;
mod database;
mod labels;
#[doc(hidden)]
pub mod made_up;
mod messages;
mod parts;
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
mod witness;
mod words;

pub use advice::Advice;
pub use parts::{Action, Event, OrderOutcome, Story, Waiting, What};
pub use pick::{Pick, last_decided, pick};
pub use svg::svg;
pub use terminal::language::Language;
pub use waits::{Holder, Wait};
pub use witness::{Evidence, Witness};

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
