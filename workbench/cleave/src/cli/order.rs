//! The command line of `cleave order`.

use std::path::Path;

use anyhow::{Context, Result};
use clap::Args;
use uuid::Uuid;

use super::HELD;
use super::values::{Json, driver};
use crate::words;
use story::{Pick, Story};
use terminal::output;
use topology::{Driver, ShopHandle};

/// Exit status: no such order.
const NOT_THERE: u8 = super::COULD_NOT;

#[derive(Debug, Args)]
pub(super) struct Order {
    #[command(flatten)]
    which: Which,
    /// Only in this shop, e.g. split:tcc.
    #[arg(long, value_parser = driver)]
    shop: Option<Driver>,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// Id of the order.
    #[arg(value_parser = order_id)]
    id: Option<Uuid>,
    /// The order that was placed last, in each shop.
    #[arg(long)]
    last: bool,
    /// The order that was refused last.
    #[arg(long)]
    last_refused: bool,
    /// The order that took longest to be decided.
    #[arg(long)]
    slowest: bool,
    /// The oldest order that is not decided yet.
    #[arg(long)]
    stuck: bool,
}

fn order_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| words::give_order_id())
}

/// The message if there is no such order.
type WhyNone = fn() -> String;

impl Which {
    fn pick(&self) -> Option<(Pick, WhyNone)> {
        let picks: [(bool, Pick, WhyNone); 4] = [
            (self.last, Pick::Last, words::no_order_yet),
            (self.last_refused, Pick::LastRefused, words::none_refused_yet),
            (self.slowest, Pick::Slowest, words::none_decided_yet),
            (self.stuck, Pick::Stuck, words::none_stuck),
        ];
        picks.into_iter().find_map(|(wanted, pick, none)| wanted.then_some((pick, none)))
    }
}

pub(super) async fn order(asked: Order, folder: &Path) -> Result<u8> {
    let mut places = control::shops(folder).await?;
    if let Some(shop) = asked.shop {
        let there: Vec<String> = places.iter().map(|place| place.driver.to_string()).collect();
        places.retain(|place| place.driver == shop);
        if places.is_empty() {
            terminal::note!("cleave: {}", words::is_not_up(shop, there.join(", ")));
            return Ok(NOT_THERE);
        }
    }
    let (stories, none) = if let Some(id) = asked.which.id {
        (story::tell(&places, id).await?, words::no_such_order(id))
    } else {
        let (pick, none) = asked.which.pick().with_context(words::give_order_id)?;
        (picked(&places, pick).await?, none())
    };
    if stories.is_empty() {
        terminal::note!("cleave: {none}");
        return Ok(NOT_THERE);
    }
    match asked.json.json.as_deref() {
        Some(target) => output::json(target, &stories)?,
        None => stories.iter().for_each(|story| terminal::say!("{}", story.text())),
    }
    Ok(HELD)
}

/// The order of this kind in each shop, with its story.
async fn picked(places: &[ShopHandle], pick: Pick) -> Result<Vec<Story>> {
    let mut stories = Vec::new();
    for place in places {
        if let Some(id) = story::pick(place, pick).await? {
            stories.extend(story::tell(std::slice::from_ref(place), id).await?);
        }
    }
    Ok(stories)
}
