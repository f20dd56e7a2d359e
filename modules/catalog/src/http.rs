//! What the catalog answers over HTTP.

use actix_web::{HttpResponse, web};
use contracts::{OrderId, Sku};
use platform::http::Page;
use platform::{Pool, Problem, db};
use uuid::Uuid;

use crate::domain::{self, Product};
use crate::ports::CatalogStore;
use crate::{handlers, postgres};

/// The module's endpoints.
pub fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/products", web::get().to(list))
        .route("/products", web::put().to(put))
        .route("/products/{sku}", web::get().to(find));
}

async fn list(pool: web::Data<Pool>, page: web::Query<Page>) -> Result<HttpResponse, Problem> {
    let products = postgres::list(&mut *db::get(&pool).await?, page.after(), page.limit()).await?;
    Ok(HttpResponse::Ok().json(products))
}

async fn find(pool: web::Data<Pool>, sku: web::Path<Sku>) -> Result<HttpResponse, Problem> {
    // The page of a product shows what an order would be offered: the same statement serves both.
    let offer = db::get(&pool).await?.load(OrderId(Uuid::nil()), &[&sku]).await?;
    match offer.products.first() {
        Some(product) => Ok(HttpResponse::Ok().json(product)),
        None => Err(Problem::not_found(format!("product {sku}"))),
    }
}

async fn put(pool: web::Data<Pool>, products: web::Json<Vec<Product>>) -> Result<HttpResponse, Problem> {
    if let Some(flaw) = products.iter().find_map(Product::flaw).or_else(|| domain::contradiction(&products)) {
        return Err(Problem::unprocessable("invalid_product", flaw));
    }
    handlers::put(&mut *db::get(&pool).await?, &products).await?;
    Ok(HttpResponse::NoContent().finish())
}
