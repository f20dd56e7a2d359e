//! The warehouse's HTTP endpoints.

use actix_web::{HttpResponse, web};
use contracts::Sku;
use platform::request::{read, write};
use platform::{Pool, Problem};
use serde::Deserialize;

use crate::domain::Receipt;
use crate::handlers::ReceiveError;
use crate::{handlers, postgres};

/// Registers the endpoints below `/stock`. They find their [`Pool`] in the app's data.
pub fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/stock", web::get().to(list))
        .route("/stock/receipts", web::post().to(receive))
        .route("/stock/{sku}", web::get().to(find));
}

/// The query `?after=SKU&limit=N`: which page of the list to return.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default, deserialize_with = "none_if_empty")]
    after: Option<Sku>,
    limit: Option<u16>,
}

/// An empty `?after=` means the first page, as does no `after` at all.
fn none_if_empty<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Sku>, D::Error> {
    let text = String::deserialize(value)?;
    let given = Some(text).filter(|text| !text.is_empty());
    given.map(|text| Sku::try_from(text).map_err(serde::de::Error::custom)).transpose()
}

impl Page {
    /// The sku after which the page begins; empty for the first page.
    fn after(&self) -> &str {
        self.after.as_ref().map_or("", Sku::as_str)
    }

    /// 100 by default, at most 1,000.
    fn limit(&self) -> i64 {
        self.limit.unwrap_or(100).clamp(1, 1000).into()
    }
}

async fn list(pool: web::Data<Pool>, page: web::Query<Page>) -> Result<HttpResponse, Problem> {
    let levels = read(&pool, async |conn| postgres::list(conn, page.after(), page.limit()).await).await?;
    Ok(HttpResponse::Ok().json(levels))
}

async fn find(pool: web::Data<Pool>, sku: web::Path<Sku>) -> Result<HttpResponse, Problem> {
    match read(&pool, async |conn| postgres::find(conn, &sku).await).await? {
        Some(level) => Ok(HttpResponse::Ok().json(level)),
        None => Err(Problem::not_found(format!("stock of {sku}"))),
    }
}

async fn receive(pool: web::Data<Pool>, receipt: web::Json<Receipt>) -> Result<HttpResponse, Problem> {
    let received = write(&pool, async |conn| match handlers::receive(conn, &receipt).await {
        Ok(()) => Ok(true),
        Err(ReceiveError::IdReused) => Ok(false),
        Err(ReceiveError::Broken(error)) => Err(error),
    });
    if !received.await? {
        return Err(Problem::unprocessable(
            "receipt_id_reused",
            "this receipt_id was used for a different delivery; use a new one for a new delivery",
        ));
    }
    Ok(HttpResponse::NoContent().finish())
}
