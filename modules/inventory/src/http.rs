//! What the warehouse answers over HTTP.

use actix_web::{HttpResponse, web};
use contracts::Sku;
use platform::request::{read, write};
use platform::{Pool, Problem};
use serde::Deserialize;

use crate::domain::Receipt;
use crate::{handlers, postgres};

/// The endpoints below `/stock`. They find their [`Pool`] among the app's data.
pub fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/stock", web::get().to(list))
        .route("/stock/receipts", web::post().to(receive))
        .route("/stock/{sku}", web::get().to(find));
}

/// Which part of a list is asked for: `?after=SKU&limit=N`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    after: Option<Sku>,
    limit: Option<u16>,
}

impl Page {
    /// The SKU after which the page begins; empty for the first page.
    fn after(&self) -> &str {
        self.after.as_ref().map_or("", Sku::as_str)
    }

    /// 100 unless asked otherwise, never more than 1,000.
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
    write(&pool, async |conn| handlers::receive(conn, &receipt).await).await?;
    Ok(HttpResponse::NoContent().finish())
}
