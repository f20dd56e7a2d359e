//! What payments answers over HTTP.

use actix_web::{HttpResponse, web};
use contracts::CustomerId;
use platform::{Pool, Problem, db};
use serde_json::json;

use crate::domain::Deposit;
use crate::handlers::DepositError;
use crate::{handlers, postgres};

/// The module's endpoints.
pub fn routes(routes: &mut web::ServiceConfig) {
    routes
        .route("/wallets/deposits", web::post().to(deposit))
        .route("/wallets/{customer_id}", web::get().to(find));
}

async fn find(pool: web::Data<Pool>, customer: web::Path<CustomerId>) -> Result<HttpResponse, Problem> {
    match postgres::balance(&mut *db::get(&pool).await?, &customer).await? {
        Some(balance) => Ok(HttpResponse::Ok().json(json!({ "customer_id": *customer, "balance": balance }))),
        None => Err(Problem::not_found(format!("wallet of {customer}"))),
    }
}

async fn deposit(pool: web::Data<Pool>, deposits: web::Json<Vec<Deposit>>) -> Result<HttpResponse, Problem> {
    if let Some(flaw) = deposits.iter().find_map(Deposit::flaw) {
        return Err(Problem::unprocessable("invalid_deposit", flaw));
    }
    let mut conn = db::get(&pool).await?;
    db::in_transaction(&mut conn, async |conn| handlers::deposit(conn, &deposits).await).await?;
    Ok(HttpResponse::NoContent().finish())
}

impl From<diesel::result::Error> for DepositError {
    fn from(error: diesel::result::Error) -> Self {
        DepositError::Broken(error.into())
    }
}

impl From<DepositError> for Problem {
    fn from(error: DepositError) -> Self {
        match error {
            DepositError::IdReused(id) => Problem::unprocessable(
                "deposit_id_reused",
                format!(
                    "the deposit_id {id} was sent with another customer or amount; nothing of this request was booked; \
                     use a new one for a new deposit"
                ),
            ),
            DepositError::Broken(error) => error.into(),
        }
    }
}
