//! Liveness and readiness.
//!
//! *Live* means that the process responds at all; if it does not, its supervisor restarts it. *Ready* means that it can
//! do its work now: the database responds, the migrations are done, the broker is connected. A process that is live but
//! not ready is not restarted, and gets no traffic.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix_web::{HttpResponse, web};
use diesel_async::SimpleAsyncConnection;
use futures_util::future::join_all;
use serde_json::json;
use tokio::sync::watch;

use crate::db::{self, Pool};
use crate::{Flaw, Waits};

/// The time limit for a readiness probe of the database.
const PROBE: Duration = Duration::from_secs(1);

/// The name of this part in reports of what waits. Requests wait, and background work reports for itself.
const PART: &str = "HTTP server";

/// The state behind `/health`.
#[derive(Clone)]
pub struct Health {
    service: &'static str,
    needs: Vec<(&'static str, Arc<AtomicBool>)>,
    waits: Waits,
    stopping: watch::Sender<bool>,
}

impl Health {
    /// A process with no requirements yet.
    pub fn new(service: &'static str) -> Self {
        Self { service, needs: Vec::new(), waits: Waits::default(), stopping: watch::Sender::default() }
    }

    /// Adds a requirement that is met while the flag is set.
    pub fn needing(mut self, what: &'static str, there: Arc<AtomicBool>) -> Self {
        self.needs.push((what, there));
        self
    }

    /// Adds what the process waits for. It is shown, and does not make the process less ready.
    pub fn waiting(self, waits: Waits) -> Self {
        Self { waits, ..self }
    }

    /// What the process waits for, for handlers that wait something out.
    pub fn waits(&self) -> &Waits {
        &self.waits
    }

    /// Makes the process not ready: it finishes its current work and accepts nothing new.
    pub fn stopping(&self) {
        self.stopping.send_replace(true);
    }

    /// Completes when the process begins to stop. A request that only waits for news responds then, because the process
    /// would wait for it.
    pub async fn stops(&self) {
        // An error means that the server is gone, which is a stop too.
        let _ = self.stopping.subscribe().wait_for(|stopping| *stopping).await;
    }

    /// Registers `GET /health/live` and `GET /health/ready`.
    pub fn routes(&self, routes: &mut web::ServiceConfig) {
        routes
            .app_data(web::Data::new(self.clone()))
            .route("/health/live", web::get().to(live))
            .route("/health/ready", web::get().to(ready));
    }
}

async fn live(health: web::Data<Health>) -> HttpResponse {
    HttpResponse::Ok().json(json!({ "service": health.service, "status": "live" }))
}

/// A process with a database has a pool in its app data, or a list of pools if it has several databases. The data is
/// added only after the migrations.
async fn ready(
    health: web::Data<Health>,
    pool: Option<web::Data<Pool>>,
    pools: Option<web::Data<Vec<Pool>>>,
) -> HttpResponse {
    let mut checks = serde_json::Map::new();
    let pools = match (&pool, &pools) {
        (Some(pool), _) => std::slice::from_ref(pool.get_ref()),
        (None, Some(pools)) => &pools[..],
        (None, None) => &[],
    };
    if !pools.is_empty() {
        let answers: Result<(), String> = join_all(pools.iter().map(answers)).await.into_iter().collect();
        checks.insert("database".into(), answers.is_ok().into());
        match answers {
            Ok(()) => health.waits.end(PART),
            Err(why) => health.waits.begin(PART, "database", why),
        }
        checks.insert("migrations".into(), true.into());
    }
    for (what, there) in &health.needs {
        checks.insert((*what).into(), there.load(Ordering::Relaxed).into());
    }
    checks.insert("accepting".into(), (!*health.stopping.borrow()).into());
    let ready = checks.values().all(|check| check == true);
    let status = if ready { "ready" } else { "not ready" };
    let mut body = json!({ "service": health.service, "status": status, "checks": checks });
    let flaws: Vec<String> = Flaw::switched_on().map(Flaw::name).collect();
    if !flaws.is_empty() {
        body["flaws"] = flaws.into();
    }
    let waits = health.waits.now();
    if !waits.is_empty() {
        body["waits"] = json!(waits);
    }
    if ready { HttpResponse::Ok().json(body) } else { HttpResponse::ServiceUnavailable().json(body) }
}

/// Fails with the reason.
async fn answers(pool: &Pool) -> Result<(), String> {
    let probe = async { anyhow::Ok(db::get(pool).await?.batch_execute("SELECT 1").await?) };
    match tokio::time::timeout(PROBE, probe).await {
        Ok(answer) => answer.map_err(|error| format!("{error:#}")),
        Err(_) => Err(format!("no response within {PROBE:?}")),
    }
}
