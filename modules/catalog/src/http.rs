//! The catalog's HTTP endpoints.

use actix_web::{HttpResponse, web};
use contracts::{OrderId, Sku};
use platform::request::{read, write};
use platform::{Pool, Problem};
use serde::Deserialize;
use uuid::Uuid;

use crate::domain::{self, Product};
use crate::ports::CatalogStore;
use crate::{handlers, postgres};

/// Registers the endpoints below `/products`. They find their [`Pool`] in the app's data.
pub fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/products", web::get().to(list))
        .route("/products", web::put().to(put))
        .route("/products/{sku}", web::get().to(find));
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
    let products = read(&pool, async |conn| postgres::list(conn, page.after(), page.limit()).await).await?;
    Ok(HttpResponse::Ok().json(products))
}

async fn find(pool: web::Data<Pool>, sku: web::Path<Sku>) -> Result<HttpResponse, Problem> {
    // Uses the same statement as an order, so that the page shows what an order would be offered.
    let offer = read(&pool, async |conn| conn.load(OrderId(Uuid::nil()), &[&sku]).await).await?;
    match offer.products.first() {
        Some(product) => Ok(HttpResponse::Ok().json(product)),
        None => Err(Problem::not_found(format!("product {sku}"))),
    }
}

async fn put(pool: web::Data<Pool>, products: web::Json<Vec<Product>>) -> Result<HttpResponse, Problem> {
    if let Some(flaw) = products.iter().find_map(Product::flaw).or_else(|| domain::contradiction(&products)) {
        return Err(Problem::unprocessable("invalid_product", flaw));
    }
    write(&pool, async |conn| handlers::put(conn, &products).await).await?;
    Ok(HttpResponse::NoContent().finish())
}
