//! What payments answers over HTTP.

use actix_web::{HttpResponse, web};
use contracts::CustomerId;
use platform::request::{read, write};
use platform::{Pool, Problem};
use serde_json::json;

use crate::domain::Deposit;
use crate::{handlers, postgres};

/// The endpoints below `/wallets`. They find their [`Pool`] among the app's data.
pub fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/wallets/deposits", web::post().to(deposit))
        .route("/wallets/{customer_id}", web::get().to(find));
}

async fn find(pool: web::Data<Pool>, customer: web::Path<CustomerId>) -> Result<HttpResponse, Problem> {
    match read(&pool, async |conn| postgres::balance(conn, &customer).await).await? {
        Some(balance) => Ok(HttpResponse::Ok().json(json!({ "customer_id": *customer, "balance": balance }))),
        None => Err(Problem::not_found(format!("wallet of {customer}"))),
    }
}

async fn deposit(pool: web::Data<Pool>, deposits: web::Json<Vec<Deposit>>) -> Result<HttpResponse, Problem> {
    if let Some(flaw) = deposits.iter().find_map(Deposit::flaw) {
        return Err(Problem::unprocessable("invalid_deposit", flaw));
    }
    write(&pool, async |conn| handlers::deposit(conn, &deposits).await).await?;
    Ok(HttpResponse::NoContent().finish())
}
