//! `GET /api/tax`: where the time of each shop's last orders went.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Data;
use futures_util::future::join_all;
use serde::Serialize;

use super::Dashboard;
use control::admission::Refused;
use story::tax::{self, Tax};
use topology::{Mode, ShopHandle};

/// The number of orders: enough for an average, and few enough to read their spans under load.
const ORDERS: usize = 20;

#[derive(Serialize)]
struct OfShop {
    mode: Mode,
    /// Null if no spans are kept, or no order has been decided.
    tax: Option<Tax>,
}

pub(super) async fn taxes(dashboard: Data<Dashboard>) -> Result<HttpResponse, Refused> {
    let failed = |why: anyhow::Error| Refused::new(StatusCode::BAD_GATEWAY, format!("{why:#}"));
    let places = control::shops(&dashboard.folder).await.map_err(failed)?;
    let of_shop = async |place: &ShopHandle| OfShop {
        mode: place.driver.mode(),
        tax: tax::of_last(place, ORDERS).await.unwrap_or_default(),
    };
    Ok(HttpResponse::Ok().json(join_all(places.iter().map(of_shop)).await))
}
