//! The stories in a recording. They are read from the databases of a shop, which no longer exists when the recording is
//! played. So some are recorded while it runs: of orders that were refused, slow or stuck, or that violate an
//! invariant. They are stored beside the samples in `stories.jsonl`, one request per line.

use std::collections::HashSet;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Query};
use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::time::{MissedTickBehavior, timeout};
use uuid::Uuid;

use super::sample::{NotableOrder, Sample, Shop};
use super::story::{In, Told, id_in};
use super::{Dashboard, bounded};
use crate::words;
use control::admission::Refused;
use story::{Language, Story};
use topology::Driver;

/// The file in the folder of a recording.
const FILE: &str = "stories.jsonl";
/// The interval between stories.
const EVERY: Duration = Duration::from_secs(5);
/// The most stories per recording: 50 minutes of them, about 6 MB.
const MOST: usize = 600;
/// The most stories in a single-file page, spread over the recording. Each has a picture in two languages, about 80 kB.
pub(super) const IN_ONE_FILE: usize = 24;
/// The same with a lesson, whose file has to be small: it is downloaded to be read once.
pub(super) const IN_A_LESSON: usize = 5;

/// The stories of one request in every shop that ran at the time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// The shops, in the order of the page.
    pub shops: Vec<Driver>,
    /// The story in each shop that knew the request.
    pub stories: Vec<Story>,
}

impl Kept {
    fn tells_of(&self, order: Uuid) -> bool {
        self.stories.iter().any(|story| story.order_id == order)
    }

    fn told(&self, language: Language) -> Told {
        Told::new(&self.shops, self.stories.clone(), language)
    }
}

/// Records one story after another in this folder, as long as there are notable orders and there is room.
pub(super) async fn keep(dashboard: Arc<Dashboard>, recording: String) {
    if let Err(why) = keep_into(&dashboard, &Path::new(&recording).join(FILE)).await {
        terminal::note!("{}", words::no_more_stories(format!("{why:#}")));
    }
}

async fn keep_into(dashboard: &Dashboard, path: &Path) -> Result<()> {
    let mut file = File::create_new(path).with_context(|| words::cannot_write(path.display()))?;
    let mut clock = tokio::time::interval(EVERY);
    clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut known = HashSet::new();
    let mut kept = 0;
    while kept < MOST {
        clock.tick().await;
        let Some(sample) = dashboard.feed.latest() else { continue };
        let sample: Sample = serde_json::from_str(&sample.json)?;
        let Some(order) = worth_telling(&sample, kept, &mut known) else { continue };
        // A shop with faults may not respond; there will be other orders.
        let Ok(Ok(told)) = timeout(EVERY, tell(dashboard, order)).await else { continue };
        known.extend(told.stories.iter().map(|story| story.order_id));
        writeln!(file, "{}", serde_json::to_string(&told)?)
            .with_context(|| words::cannot_write(path.display()))?;
        kept += 1;
    }
    Ok(())
}

async fn tell(dashboard: &Dashboard, order: Uuid) -> Result<Kept> {
    let places = control::shops(&dashboard.folder).await?;
    let stories = story::tell(&places, order).await?;
    if stories.is_empty() {
        bail!(words::order_is_gone());
    }
    Ok(Kept { shops: places.iter().map(|place| place.driver).collect(), stories })
}

/// Picks a notable order that is not known yet, and marks it as known: otherwise an order without a story would be
/// tried again forever. The kinds take turns; an order that violates an invariant always comes first.
fn worth_telling(sample: &Sample, turn: usize, known: &mut HashSet<Uuid>) -> Option<Uuid> {
    /// The kinds of notable orders, which a page can pick as well.
    const SORTS: [fn(&Shop) -> Option<&NotableOrder>; 4] = [
        |shop| shop.notable.last_refused.as_ref(),
        |shop| shop.notable.slowest.as_ref(),
        |shop| shop.notable.stuck.as_ref(),
        |shop| shop.notable.last.as_ref(),
    ];
    let mut sorts = SORTS;
    sorts.rotate_left(turn % SORTS.len());
    let broken = sample.shops.iter().flat_map(|shop| &shop.invariants).filter_map(|one| one.order_id);
    // The split shop first, because its stories are longer.
    let notable =
        sorts.iter().flat_map(|of| sample.shops.iter().rev().filter_map(of)).map(|one| one.order_id);
    broken.chain(notable).find(|order| known.insert(*order))
}

/// The stories of a recording, from the file beside its samples; empty without such a file.
pub(super) fn read(path: &Path) -> Result<Vec<Kept>> {
    let path = path.with_file_name(FILE);
    if !path.exists() {
        return Ok(Vec::new());
    }
    let text = bounded::text(&path)?;
    let mut kept = Vec::new();
    for (number, line) in text.split_inclusive('\n').enumerate() {
        match serde_json::from_str(line) {
            Ok(one) => kept.push(one),
            // A session that was killed may have left an incomplete line.
            Err(_) if !line.ends_with('\n') => break,
            Err(why) => bail!(words::line_is_no_story(path.display(), number + 1, why)),
        }
    }
    Ok(kept)
}

/// Serves them in the same form as the live page does.
pub(super) fn routes(app: &mut web::ServiceConfig) {
    app.route("/api/stories", web::get().to(ids)).route("/api/orders/{id}", web::get().to(order));
}

async fn ids(kept: Data<Vec<Kept>>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "ids": ids_of(&kept) }))
}

async fn order(
    kept: Data<Vec<Kept>>,
    id: web::Path<String>,
    asked: Query<In>,
) -> Result<HttpResponse, Refused> {
    let id = id_in(&id)?;
    let found = kept.iter().find(|kept| kept.tells_of(id));
    let found = found.ok_or_else(|| {
        Refused::new(StatusCode::NOT_FOUND, format!("the recording has no story of order {id}"))
    })?;
    Ok(HttpResponse::Ok().json(found.told(asked.language())))
}

fn ids_of(kept: &[Kept]) -> Vec<Uuid> {
    kept.iter().flat_map(|kept| &kept.stories).map(|story| story.order_id).collect()
}

/// At most this many of them, in both languages, for a page without a server.
pub(super) fn bundle(kept: &[Kept], most: usize) -> Result<Value> {
    let every = kept.len().div_ceil(most).max(1);
    let some: Vec<Kept> = kept.iter().step_by(every).cloned().collect();
    let told = |language| some.iter().map(|kept| kept.told(language)).collect::<Vec<Told>>();
    Ok(json!({ "ids": ids_of(&some), "en": told(Language::English), "ko": told(Language::Korean) }))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use ::story::made_up::story;

    const EXAMPLE: &str = include_str!("../tests/data/live.jsonl");

    fn kept(id: u128) -> Kept {
        let story =
            Story { order_id: Uuid::from_u128(id), ..story(Driver::Orchestrated, &["client"], Vec::new()) };
        Kept { shops: vec![Driver::Local, Driver::Orchestrated], stories: vec![story] }
    }

    fn line(kept: &Kept) -> String {
        serde_json::to_string(kept).unwrap() + "\n"
    }

    #[test]
    fn each_sort_has_its_turn_and_nothing_is_told_twice() {
        let mut sample: Sample = serde_json::from_str(EXAMPLE.lines().nth(1).unwrap()).unwrap();
        for (number, shop) in sample.shops.iter_mut().enumerate() {
            let order = |n: usize| {
                let order_id = Uuid::from_u128((number * 10 + n) as u128);
                Some(NotableOrder { order_id, ms: 1.0, refusal: None })
            };
            shop.invariants.iter_mut().for_each(|one| one.order_id = None);
            shop.notable.last_refused = order(1);
            shop.notable.slowest = order(2);
            shop.notable.stuck = None;
            shop.notable.last = order(4);
        }
        let mut known = HashSet::new();
        let mut told = Vec::new();
        for turn in 0..7 {
            let order = worth_telling(&sample, turn, &mut known);
            told.push(order.map(|order| order.as_u128()));
        }
        assert_eq!(told, [Some(11), Some(12), Some(14), Some(4), Some(1), Some(2), None]);
        sample.shops[0].invariants[3].order_id = Some(Uuid::from_u128(7));
        let mut known = HashSet::new();
        let mut next = || worth_telling(&sample, 0, &mut known).map(|order| order.as_u128());
        assert_eq!([next(), next()], [Some(7), Some(11)], "what is wrong comes first, and then gives way");
    }

    #[test]
    fn what_was_kept_is_read_and_damage_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let samples = folder.path().join("live.jsonl");
        assert_eq!(read(&samples).unwrap(), [], "a recording of an earlier version has none");
        let (one, two) = (kept(1), kept(2));
        let half = &line(&two)[..40];
        fs::write(folder.path().join(FILE), line(&one) + &line(&two) + half).unwrap();
        assert_eq!(read(&samples).unwrap(), [one.clone(), two]);
        fs::write(folder.path().join(FILE), line(&one) + "{}\n").unwrap();
        let problem = format!("{:#}", read(&samples).unwrap_err());
        assert!(problem.contains("line 2 is not a story"), "{problem}");
    }

    #[test]
    fn one_file_gets_a_bounded_part_from_all_over_the_recording() {
        let all: Vec<Kept> = (0..600).map(kept).collect();
        let bundle = bundle(&all, IN_ONE_FILE).unwrap();
        let ids = bundle["ids"].as_array().unwrap();
        assert_eq!((ids.len(), &ids[23]), (IN_ONE_FILE, &json!(Uuid::from_u128(575))));
        for language in ["en", "ko"] {
            assert_eq!(bundle[language].as_array().unwrap().len(), IN_ONE_FILE);
        }
        assert_eq!(super::bundle(&[], IN_ONE_FILE).unwrap()["ids"], json!([]));
    }
}
