//! `POST /renew`: a shop is replaced by a fresh one, with the same driver or another.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Payload};
use actix_web::{HttpRequest, HttpResponse};

use super::admission::{Refused, admit, read};
use super::{Access, Control, Renew, Renewed};

pub(super) async fn renew(
    request: HttpRequest,
    access: Data<Access>,
    control: Data<Control>,
    body: Payload,
) -> Result<HttpResponse, Refused> {
    admit(&request, access.port, &access.token)?;
    let Renew { shop, driver } = read(body).await?;
    // In a task of its own: it is not to be left half done because whoever asked has gone.
    let renewing = tokio::spawn(async move {
        let driver = driver.unwrap_or(shop);
        control.stage.renew(&control.shops, shop, driver).await.map(|()| Renewed { shop, driver })
    });
    let failed = |why: String| Refused::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{shop}: {why}"));
    let renewed = renewing.await.map_err(|why| failed(why.to_string()))?;
    Ok(HttpResponse::Ok().json(renewed.map_err(|why| failed(format!("{why:#}")))?))
}
