//! `POST /move`: a module leaves the monolith or comes home. `GET /move`: what that would take.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::{Data, Json, Query};
use serde::{Deserialize, Serialize};

use super::admission::{Answer, Refused};
use super::served::{self, Served};
use crate::{Control, words};
use shop::moving::{Means, Moved, Plan, movable};
use shop::supervisor::Supervisor;
use topology::Driver;

/// `POST /move`: moves a module of the shop that is a monolith or a hybrid.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Move {
    /// The module.
    pub module: String,
    /// Whether it leaves the monolith or comes home.
    pub leaves: bool,
    /// How long both sides answer reads and are compared before the cut-over, in milliseconds.
    pub compare_ms: u64,
}

/// The result of a move.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct MoveDone {
    /// What was done, and how long it took.
    pub moved: Moved,
    /// The customers' requests meanwhile, by capability; null if the gateway has no figures.
    pub served: Option<Served>,
}

/// `GET /move?module=payments`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The module.
    pub module: String,
}

/// The shop that modules can leave.
async fn monolith(control: &Control) -> Result<(Driver, Supervisor), Refused> {
    let shops = control.shops.read().await;
    let found = shops.iter().find(|(driver, _)| matches!(driver, Driver::Local | Driver::Hybrid(_)));
    found.cloned().ok_or_else(|| {
        let up: Vec<String> = shops.iter().map(|(driver, _)| driver.to_string()).collect();
        Refused::new(StatusCode::NOT_FOUND, words::no_monolith_up(up.join(", ")))
    })
}

pub(super) async fn plan(asked: Query<Ask>, control: Data<Control>) -> Answer {
    let (driver, supervisor) = monolith(&control).await?;
    let plan: Plan = supervisor.plan(&asked.module).await.map_err(|why| refused(driver, &why))?;
    Ok(HttpResponse::Ok().json(plan))
}

pub(super) async fn relocate(asked: Json<Move>, control: Data<Control>) -> Answer {
    let (driver, supervisor) = monolith(&control).await?;
    movable(&asked.module).map_err(|why| refused(driver, &why))?;
    // In its own task, so that it is finished even if the client disconnects.
    let moving = tokio::spawn(async move { move_it(&asked, &control, driver, supervisor).await });
    let done =
        moving.await.map_err(|why| Refused::new(StatusCode::INTERNAL_SERVER_ERROR, why.to_string()))?;
    Ok(HttpResponse::Ok().json(done.map_err(|why| refused(driver, &why))?))
}

async fn move_it(
    asked: &Move,
    control: &Control,
    driver: Driver,
    supervisor: Supervisor,
) -> anyhow::Result<MoveDone> {
    let gateway = supervisor.shop().await.address_of("gateway")?.to_owned();
    let before = served::so_far(&gateway).await;
    let stage = &control.stage;
    stage.build_service(&asked.module).await?;
    let means = Means {
        infra: &stage.infra,
        servers: stage.servers(),
        compare_for: Duration::from_millis(asked.compare_ms),
    };
    let moved = match asked.leaves {
        true => supervisor.extract(&asked.module, means).await,
        false => supervisor.merge(&asked.module, means).await,
    };
    // Also after a failure: the shop may have a broker now.
    stage.changed(&control.shops, driver, &supervisor).await?;
    let served = before.zip(served::so_far(&gateway).await).map(|(then, now)| served::between(&then, &now));
    Ok(MoveDone { moved: moved?, served })
}

fn refused(driver: Driver, why: &anyhow::Error) -> Refused {
    Refused::new(StatusCode::UNPROCESSABLE_ENTITY, format!("{driver}: {why:#}"))
}
