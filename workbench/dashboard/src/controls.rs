//! The controls of the page. Each is passed on to `cleave up` like a command on the command line, except for the load,
//! which the dashboard itself sends.

use std::collections::BTreeMap;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{self, Data, Json};
use chrono::{TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Dashboard;
use super::clock::shares;
use super::load::WantedLoad;
use super::sample::FlashSale;
use crate::words;
use control::admission::Refused;
use control::{AddFault, Deploy, Heal, Renew, Scale};
use shop::seed::{Goods, PRODUCTS};
use topology::{MONOLITH, SERVICES};

/// The highest rate in orders per second: more than both shops together can decide on a laptop.
pub const RATE_MOST: f64 = 1_000.0;
/// The longest flash sale, in seconds.
const LONGEST_SALE_S: u64 = 600;

/// `POST /api/load`. Missing fields keep their values.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetLoad {
    /// Orders per second, to each shop; 0 ends the load.
    #[serde(default)]
    pub rate_per_s: Option<f64>,
    /// Intended outcomes and their shares. They add up to 1.
    #[serde(default)]
    pub mix: Option<BTreeMap<String, f64>>,
}

/// `POST /api/flash-sale`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StartSale {
    /// The number of products on sale; 0 ends the sale.
    pub products: u64,
    /// Units of each product at the sale's price.
    #[serde(default)]
    pub quota: u64,
    /// The duration in seconds.
    #[serde(default)]
    pub for_s: u64,
}

/// `POST /api/reset`, without options.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reset {}

type Answer = Result<HttpResponse, Refused>;

/// The routes of all controls, under `/api`. Requests that get here are already admitted.
pub fn routes(app: &mut web::ServiceConfig) {
    app.route("/api/load", web::post().to(load))
        .route("/api/flash-sale", web::post().to(flash_sale))
        .route("/api/faults", web::post().to(faults))
        .route("/api/heal", web::post().to(heal))
        .route("/api/scale", web::post().to(scale))
        .route("/api/deploy", web::post().to(deploy))
        .route("/api/drivers", web::post().to(drivers))
        .route("/api/reset", web::post().to(reset));
}

async fn load(Json(asked): Json<SetLoad>, dashboard: Data<Dashboard>) -> Answer {
    let mut wanted = dashboard.wanted();
    if let Some(rate) = asked.rate_per_s {
        if !(0.0..=RATE_MOST).contains(&rate) {
            return Err(wrong(words::rate_out_of_range(RATE_MOST, rate)));
        }
        wanted.rate_per_s = rate;
    }
    if let Some(mix) = asked.mix {
        let per_mille: BTreeMap<String, u32> = mix
            .into_iter()
            .map(|(of, share)| (of, (share.clamp(0.0, 1.0) * 1000.0).round() as u32))
            .collect();
        if shares(&per_mille).is_none() {
            let known: Vec<String> = WantedLoad::new(0.0).per_mille.into_keys().collect();
            return Err(wrong(words::shares_do_not_sum(known.join(", "))));
        }
        wanted.per_mille = per_mille;
    }
    let shown = wanted.shown(Utc::now(), None);
    dashboard.want(wanted);
    Ok(HttpResponse::Ok().json(shown))
}

async fn flash_sale(
    Json(StartSale { products, quota, for_s }): Json<StartSale>,
    dashboard: Data<Dashboard>,
) -> Answer {
    let mut wanted = dashboard.wanted();
    wanted.sale = None;
    if products > 0 {
        if products > PRODUCTS as u64 || !(1..=LONGEST_SALE_S).contains(&for_s) || quota == 0 {
            return Err(wrong(words::sale_out_of_range(PRODUCTS, LONGEST_SALE_S)));
        }
        let state = control::running(&dashboard.folder).map_err(|why| failed(&why))?;
        let goods = Goods::new(control::SEED);
        for shop in &state.shops {
            let announced = goods.put_on_sale(&shop.address, products as usize, quota).await;
            announced.map_err(|why| failed(&why.context(words::during_sale(shop.driver))))?;
        }
        let until = Utc::now() + TimeDelta::seconds(for_s.cast_signed());
        wanted.sale = Some(FlashSale { products, quota, until });
    }
    let shown = wanted.shown(Utc::now(), None);
    dashboard.want(wanted);
    Ok(HttpResponse::Ok().json(shown))
}

async fn faults(asked: Json<AddFault>, dashboard: Data<Dashboard>) -> Answer {
    pass_on(&dashboard, "/faults", &*asked).await
}

async fn heal(asked: Json<Heal>, dashboard: Data<Dashboard>) -> Answer {
    pass_on(&dashboard, "/heal", &*asked).await
}

async fn scale(Json(Scale { service, instances }): Json<Scale>, dashboard: Data<Dashboard>) -> Answer {
    everywhere(&dashboard, "/scale", &service, |service| Scale { service, instances }).await
}

async fn deploy(Json(Deploy { service }): Json<Deploy>, dashboard: Data<Dashboard>) -> Answer {
    everywhere(&dashboard, "/deploy", &service, |service| Deploy { service }).await
}

async fn drivers(asked: Json<Renew>, dashboard: Data<Dashboard>) -> Answer {
    pass_on(&dashboard, "/renew", &*asked).await
}

async fn reset(_: Json<Reset>, dashboard: Data<Dashboard>) -> Answer {
    let state = control::running(&dashboard.folder).map_err(|why| failed(&why))?;
    let control = control::client(&dashboard.folder).map_err(|why| failed(&why))?;
    let mut all: Vec<Value> = Vec::new();
    for shop in state.shops {
        let fresh = Renew { shop: shop.driver, driver: None };
        all.push(control.post("/renew", &fresh).await.map_err(|why| failed(&why))?);
    }
    Ok(HttpResponse::Ok().json(all))
}

/// The results, with the operations that failed.
#[derive(Debug, Serialize)]
struct NotDone {
    service: String,
    why_not: String,
}

/// Applies an operation to a service, and to the monolith, which does the work of every service. If it fails for one of
/// them, the other still gets it, and the response says so.
async fn everywhere<T: Serialize>(
    dashboard: &Dashboard,
    path: &str,
    service: &str,
    wanted: impl Fn(String) -> T,
) -> Answer {
    let state = control::running(&dashboard.folder).map_err(|why| failed(&why))?;
    let control = control::client(&dashboard.folder).map_err(|why| failed(&why))?;
    // The service itself where there is one, and the monolith where it is still a part of that.
    let module = SERVICES.into_iter().find(|module| *module == service);
    let mut services: Vec<&str> = state
        .shops
        .iter()
        .filter_map(|shop| match module {
            Some(module) => Some(shop.driver.service_of(module)),
            None => shop.driver.services().into_iter().find(|known| *known == service),
        })
        .collect();
    services.sort_unstable_by_key(|service| *service == MONOLITH);
    services.dedup();
    let mut all: Vec<Value> = Vec::new();
    let mut not_done = Vec::new();
    for service in services {
        match control.post::<Vec<Value>>(path, &wanted(service.to_owned())).await {
            Ok(done) => all.extend(done),
            Err(why) => not_done.push(NotDone { service: service.to_owned(), why_not: format!("{why:#}") }),
        }
    }
    if all.is_empty() {
        let why: Vec<String> = not_done.into_iter().map(|one| one.why_not).collect();
        return Err(wrong(if why.is_empty() { words::no_service(service) } else { why.join("; ") }));
    }
    all.extend(not_done.iter().filter_map(|one| serde_json::to_value(one).ok()));
    Ok(HttpResponse::Ok().json(all))
}

async fn pass_on(dashboard: &Dashboard, path: &str, body: &impl Serialize) -> Answer {
    let control = control::client(&dashboard.folder).map_err(|why| failed(&why))?;
    let answer: Value = control.post(path, body).await.map_err(|why| failed(&why))?;
    Ok(HttpResponse::Ok().json(answer))
}

fn wrong(why: String) -> Refused {
    Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why)
}

/// The reason that `cleave up` gave, unchanged.
fn failed(why: &anyhow::Error) -> Refused {
    Refused::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{why:#}"))
}
