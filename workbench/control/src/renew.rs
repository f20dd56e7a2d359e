//! `POST /renew`: replaces a shop by a fresh one, with the same driver or another.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json};

use super::admission::Answer;
use super::admission::Refused;
use super::{Control, Renew, Renewed};

pub(super) async fn renew(asked: Json<Renew>, control: Data<Control>) -> Answer {
    let Renew { shop, driver } = *asked;
    // In its own task, so that it finishes even if the client disconnects.
    let renewing = tokio::spawn(async move {
        let driver = driver.unwrap_or(shop);
        control.stage.renew(&control.shops, shop, driver).await.map(|()| Renewed { shop, driver })
    });
    let failed = |why: String| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{shop}: {why}"));
    let renewed = renewing.await.map_err(|why| failed(why.to_string()))?;
    Ok(HttpResponse::Ok().json(renewed.map_err(|why| failed(format!("{why:#}")))?))
}
