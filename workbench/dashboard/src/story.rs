//! `GET /api/orders/{id}`: the story of an order in every running shop.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Path, Query};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Dashboard;
use crate::words;
use control::admission::Refused;
use story::{Language, Story};
use topology::Driver;

/// The query.
#[derive(Deserialize)]
pub(super) struct In {
    /// The language of pictures and sentences: `ko`, or anything else for English.
    #[serde(default)]
    lang: String,
}

impl In {
    pub(super) fn language(&self) -> Language {
        if self.lang == "ko" { Language::Korean } else { Language::English }
    }
}

/// The stories of one request in every shop.
#[derive(Serialize)]
pub(super) struct Told {
    /// The idempotency key: the same in every shop.
    key: String,
    stories: Vec<InShop>,
}

#[derive(Serialize)]
struct InShop {
    driver: Driver,
    order_id: Option<Uuid>,
    story: Option<Story>,
    /// The complete picture.
    svg: Option<String>,
    /// Why there is no story.
    problem: Option<String>,
}

pub(super) async fn order(
    dashboard: Data<Dashboard>,
    id: Path<String>,
    asked: Query<In>,
) -> Result<HttpResponse, Refused> {
    let refuse = |status, why: String| Refused::new(status, why);
    let id = id_in(&id)?;
    let failed = |why: anyhow::Error| refuse(StatusCode::BAD_GATEWAY, format!("{why:#}"));
    let places = control::shops(&dashboard.folder).await.map_err(failed)?;
    let stories = story::tell(&places, id).await.map_err(failed)?;
    if stories.is_empty() {
        return Err(refuse(StatusCode::NOT_FOUND, words::no_such_order(id)));
    }
    let shops: Vec<Driver> = places.iter().map(|place| place.driver).collect();
    Ok(HttpResponse::Ok().json(Told::new(&shops, stories, asked.language())))
}

/// Parses the id in a request.
pub(super) fn id_in(text: &str) -> Result<Uuid, Refused> {
    let why = "an order's id is a UUID, as 01938a5e-7c1f-7d2a-9f3e-2b6c5d4e3f2a";
    text.parse().map_err(|_| Refused::new(StatusCode::NOT_FOUND, why))
}

impl Told {
    /// The stories of one request, limited to these shops.
    pub(super) fn new(shops: &[Driver], mut stories: Vec<Story>, language: Language) -> Told {
        let key = stories.first().map(|story| story.idempotency_key.clone()).unwrap_or_default();
        let in_shop = |driver: &Driver| {
            let found = stories.iter().position(|story| story.driver == *driver);
            let story = found.map(|found| in_language(stories.swap_remove(found), language));
            InShop {
                driver: *driver,
                order_id: story.as_ref().map(|story| story.order_id),
                svg: story.as_ref().map(|story| story::svg(story, language)),
                problem: story.is_none().then(|| "this shop never received the request".to_owned()),
                story,
            }
        };
        Told { key, stories: shops.iter().map(in_shop).collect() }
    }
}

/// Translates the sentences of a story, which are English by default.
fn in_language(mut story: Story, language: Language) -> Story {
    for waiting in &mut story.waits_for {
        waiting.says = waiting.on.says(language);
    }
    for action in &mut story.safe_next_actions {
        action.says = action.advice.says(language);
    }
    story
}
