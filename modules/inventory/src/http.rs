//! What the warehouse answers over HTTP.

use actix_web::{HttpResponse, web};
use contracts::Sku;
use platform::http::Page;
use platform::{Pool, Problem, db};

use crate::domain::Receipt;
use crate::handlers::ReceiveError;
use crate::{handlers, postgres};

/// The module's endpoints.
pub fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/stock", web::get().to(list))
        .route("/stock/receipts", web::post().to(receive))
        .route("/stock/{sku}", web::get().to(find));
}

async fn list(pool: web::Data<Pool>, page: web::Query<Page>) -> Result<HttpResponse, Problem> {
    let levels = postgres::list(&mut *db::get(&pool).await?, page.after(), page.limit()).await?;
    Ok(HttpResponse::Ok().json(levels))
}

async fn find(pool: web::Data<Pool>, sku: web::Path<Sku>) -> Result<HttpResponse, Problem> {
    match postgres::find(&mut *db::get(&pool).await?, &sku).await? {
        Some(level) => Ok(HttpResponse::Ok().json(level)),
        None => Err(Problem::not_found(format!("stock of {sku}"))),
    }
}

async fn receive(pool: web::Data<Pool>, receipt: web::Json<Receipt>) -> Result<HttpResponse, Problem> {
    handlers::receive(&mut *db::get(&pool).await?, &receipt).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<ReceiveError> for Problem {
    fn from(error: ReceiveError) -> Self {
        match error {
            ReceiveError::IdReused => Problem::unprocessable(
                "receipt_id_reused",
                "this receipt_id was sent with another delivery; use a new one for a new delivery",
            ),
            ReceiveError::Broken(error) => error.into(),
        }
    }
}
