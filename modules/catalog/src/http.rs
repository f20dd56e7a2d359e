//! What the catalog answers over HTTP.

use actix_web::{HttpResponse, web};
use contracts::{OrderId, Sku};
use platform::request::{read, write};
use platform::{Pool, Problem};
use serde::Deserialize;
use uuid::Uuid;

use crate::domain::{self, Product};
use crate::ports::CatalogStore;
use crate::{handlers, postgres};

/// The endpoints below `/products`. They find their [`Pool`] among the app's data.
pub fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/products", web::get().to(list))
        .route("/products", web::put().to(put))
        .route("/products/{sku}", web::get().to(find));
}

/// Which part of a list is asked for: `?after=SKU&limit=N`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Page {
    #[serde(default, deserialize_with = "none_if_empty")]
    after: Option<Sku>,
    limit: Option<u16>,
}

/// `?after=` asks for the first page, as leaving it out does.
fn none_if_empty<'de, D: serde::Deserializer<'de>>(value: D) -> Result<Option<Sku>, D::Error> {
    let text = String::deserialize(value)?;
    let given = Some(text).filter(|text| !text.is_empty());
    given.map(|text| Sku::try_from(text).map_err(serde::de::Error::custom)).transpose()
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
    let products = read(&pool, async |conn| postgres::list(conn, page.after(), page.limit()).await).await?;
    Ok(HttpResponse::Ok().json(products))
}

async fn find(pool: web::Data<Pool>, sku: web::Path<Sku>) -> Result<HttpResponse, Problem> {
    // The page of a product shows what an order would be offered: the same statement serves both.
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
