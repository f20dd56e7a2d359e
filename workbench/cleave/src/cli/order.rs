//! `cleave order`: the words of the command line.

use std::path::Path;

use anyhow::Result;
use clap::Args;
use uuid::Uuid;

use super::HELD;
use super::words::Json;
use story::{Pick, Story};
use terminal::output;
use topology::{Driver, ShopHandle};

/// Nothing is as it was asked for: no such order.
const NOT_THERE: u8 = super::COULD_NOT;

#[derive(Debug, Args)]
pub(super) struct Order {
    #[command(flatten)]
    which: Which,
    /// Only in this shop, as split:tcc.
    #[arg(long)]
    shop: Option<Driver>,
    #[command(flatten)]
    json: Json,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Which {
    /// The order's id.
    #[arg(value_parser = order_id)]
    id: Option<Uuid>,
    /// The order that was placed last, in each shop.
    #[arg(long)]
    last: bool,
    /// The order that was refused last.
    #[arg(long)]
    last_refused: bool,
    /// The order that took longest until it was decided.
    #[arg(long)]
    slowest: bool,
    /// The oldest order that is not decided.
    #[arg(long)]
    stuck: bool,
}

fn order_id(text: &str) -> Result<Uuid, String> {
    text.parse().map_err(|_| {
        "an order's id is a UUID, as 01938a5e-7c1f-7d2a-9f3e-2b6c5d4e3f2a; `cleave order --last` finds one".to_owned()
    })
}

impl Which {
    fn pick(&self) -> Option<(Pick, &'static str)> {
        [
            (self.last, Pick::Last, "no order was placed yet"),
            (self.last_refused, Pick::LastRefused, "no order was refused yet"),
            (self.slowest, Pick::Slowest, "no order was decided yet"),
            (self.stuck, Pick::Stuck, "no order is stuck: all are decided"),
        ]
        .into_iter()
        .find_map(|(wanted, pick, none)| wanted.then_some((pick, none)))
    }
}

pub(super) async fn order(asked: Order, folder: &Path) -> Result<u8> {
    let mut places = control::shops(folder).await?;
    if let Some(shop) = asked.shop {
        let there: Vec<String> = places.iter().map(|place| place.driver.to_string()).collect();
        places.retain(|place| place.driver == shop);
        if places.is_empty() {
            terminal::note!("cleave: {shop} is not up; there are {}", there.join(", "));
            return Ok(NOT_THERE);
        }
    }
    let (stories, none) = match (asked.which.id, asked.which.pick()) {
        (Some(id), _) => (story::tell(&places, id).await?, format!("no shop that is up has an order {id}")),
        (None, Some((pick, none))) => (picked(&places, pick).await?, none.to_owned()),
        (None, None) => unreachable!("one of them is required"),
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

/// The order of this kind in each shop, each with its own story.
async fn picked(places: &[ShopHandle], pick: Pick) -> Result<Vec<Story>> {
    let mut stories = Vec::new();
    for place in places {
        if let Some(id) = story::pick(place, pick).await? {
            stories.extend(story::tell(std::slice::from_ref(place), id).await?);
        }
    }
    Ok(stories)
}
