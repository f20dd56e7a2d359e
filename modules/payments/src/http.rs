//! The payments module's HTTP endpoints.

use actix_web::{HttpResponse, web};
use contracts::CustomerId;
use platform::request::{read, write};
use platform::{NotCommitted, Pool, Problem, transaction};
use serde_json::json;
use uuid::Uuid;

use crate::domain::Deposit;
use crate::handlers::DepositError;
use crate::{handlers, postgres};

/// Registers the endpoints below `/wallets`. They find their [`Pool`] in the app's data.
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
    // All or nothing: one deposit with a reused id makes the whole request fail.
    let reused = write(&pool, async |conn| {
        match transaction(conn, async |conn| handlers::deposit(conn, &deposits).await).await {
            Ok(()) => Ok(None),
            Err(NotCommitted::RolledBack(DepositError::IdReused(id))) => Ok(Some(id)),
            Err(NotCommitted::RolledBack(DepositError::Broken(error)) | NotCommitted::Unknown(error)) => {
                Err(error)
            }
        }
    })
    .await?;
    if let Some(id) = reused {
        return Err(id_reused(id));
    }
    Ok(HttpResponse::NoContent().finish())
}

impl From<diesel::result::Error> for DepositError {
    fn from(error: diesel::result::Error) -> Self {
        DepositError::Broken(error.into())
    }
}

fn id_reused(id: Uuid) -> Problem {
    Problem::unprocessable(
        "deposit_id_reused",
        format!(
            "the deposit_id {id} was used for another customer or amount, so nothing in this request was booked; use a \
             new one for a new deposit"
        ),
    )
}
