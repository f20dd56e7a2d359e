//! The server side of the control interface, in `cleave up`.

use std::net::TcpListener;
use std::time::Duration;

use actix_web::body::MessageBody;
use actix_web::dev::{ServerHandle, ServiceRequest, ServiceResponse};
use actix_web::http::{StatusCode, header};
use actix_web::middleware::{Next, from_fn};
use actix_web::web::{self, Data, Json};
use actix_web::{App, HttpRequest, HttpResponse, HttpServer};
use anyhow::{Context, Result};
use futures_util::future::join_all;
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use terminal::language::{self, Language};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::admission::{self, Answer, Refused, admit};
use super::live::live;
use super::moves;
use super::renew::renew;
use super::served::{self, Served};
use super::{
    Access, AddFault, Added, Deploy, Deployed, FaultLog, Heal, ProcessState, Scale, Scaled, Set,
    ShopSettings, ShopState,
};
use crate::{Control, words};
use faults::Record;
use servers::Readiness;
use shop::supervisor::Supervisor;
use topology::Driver;

/// The time limit for a readiness check.
const PATIENCE: Duration = Duration::from_secs(2);

/// An open interface.
pub struct Open {
    /// The address and token.
    pub access: Access,
    handle: ServerHandle,
    server: JoinHandle<std::io::Result<()>>,
}

impl Open {
    /// Closes it and aborts requests in progress.
    pub async fn close(self) {
        self.handle.stop(false).await;
        let _ = self.server.await;
    }
}

/// Opens the interface on a free port.
pub fn serve(control: Control) -> Result<Open> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).with_context(words::no_port)?;
    let access = Access { port: listener.local_addr()?.port(), token: Uuid::new_v4().simple().to_string() };
    let door = access.clone();
    let server = HttpServer::new(move || {
        App::new()
            .app_data(Data::new(control.clone()))
            .app_data(Data::new(door.clone()))
            .app_data(admission::bodies())
            .wrap(from_fn(only_the_admitted))
            .route("/state", web::get().to(state))
            .route("/live", web::get().to(live))
            .route("/scale", web::post().to(scale))
            .route("/deploy", web::post().to(deploy))
            .route("/faults", web::get().to(fault_log))
            .route("/faults", web::post().to(add_fault))
            .route("/heal", web::post().to(heal))
            .route("/move", web::get().to(moves::plan))
            .route("/move", web::post().to(moves::relocate))
            .route("/renew", web::post().to(renew))
            .route("/settings", web::get().to(settings))
            .route("/settings", web::post().to(set))
    })
    .workers(1)
    .disable_signals()
    .listen(listener)
    .with_context(words::not_opened)?
    .run();
    let handle = server.handle();
    Ok(Open { access, handle, server: tokio::spawn(server) })
}

/// Runs before every handler, so that no handler can forget the check.
async fn only_the_admitted(
    access: Data<Access>,
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<impl MessageBody>, actix_web::Error> {
    admit(request.request(), &admission::loopback(access.port), &access.token)?;
    next.call(request).await
}

/// One shop, or all of them.
fn chosen(
    shops: &[(Driver, Supervisor)],
    shop: Option<Driver>,
) -> Result<Vec<&(Driver, Supervisor)>, Refused> {
    let found: Vec<_> = shops.iter().filter(|(driver, _)| shop.is_none_or(|shop| shop == *driver)).collect();
    match (found.is_empty(), shop) {
        (true, Some(shop)) => {
            let up: Vec<String> = shops.iter().map(|(driver, _)| driver.to_string()).collect();
            let why = words::is_not_up(shop, up.join(", "));
            Err(Refused::new(StatusCode::NOT_FOUND, why))
        }
        _ => Ok(found),
    }
}

/// The shops that have this service.
fn having<'a>(
    shops: &'a [(Driver, Supervisor)],
    service: &str,
) -> Result<Vec<&'a (Driver, Supervisor)>, Refused> {
    let has = |driver: &Driver| driver.services().contains(&service);
    let found: Vec<_> = shops.iter().filter(|(driver, _)| has(driver)).collect();
    if found.is_empty() {
        let known: Vec<&str> = shops.iter().flat_map(|(driver, _)| driver.services()).collect();
        let why = words::no_such_service(service, known.join(", "));
        return Err(Refused::new(StatusCode::NOT_FOUND, why));
    }
    Ok(found)
}

async fn scale(wanted: Json<Scale>, control: Data<Control>) -> Answer {
    let mut all = Vec::new();
    let shops = control.shops.read().await;
    for (driver, supervisor) in having(&shops, &wanted.service)? {
        let scaled = supervisor.scale(&wanted.service, wanted.instances).await;
        let instances = scaled.map_err(|why| failed(StatusCode::UNPROCESSABLE_ENTITY, *driver, &why))?;
        all.push(Scaled { shop: *driver, instances });
    }
    Ok(HttpResponse::Ok().json(all))
}

async fn deploy(wanted: Json<Deploy>, control: Data<Control>) -> Answer {
    let mut all = Vec::new();
    let shops = control.shops.read().await;
    for (driver, supervisor) in having(&shops, &wanted.service)? {
        let before = so_far(supervisor).await;
        let deployed = supervisor.deploy(&wanted.service).await;
        let deployment = deployed.map_err(|why| failed(StatusCode::INTERNAL_SERVER_ERROR, *driver, &why))?;
        let after = so_far(supervisor).await;
        let served = before.zip(after).map(|(before, after)| served::between(&before, &after));
        all.push(Deployed { shop: *driver, deployment, served });
    }
    Ok(HttpResponse::Ok().json(all))
}

async fn so_far(supervisor: &Supervisor) -> Option<Served> {
    let gateway = supervisor.shop().await.address_of("gateway").ok()?.to_owned();
    served::so_far(&gateway).await
}

/// If a shop has no counterpart for the fault, the others still get it and the response says so. If no shop has one,
/// the request is refused.
async fn add_fault(wanted: Json<AddFault>, control: Data<Control>) -> Answer {
    let mut all = Vec::new();
    let shops = control.shops.read().await;
    for (driver, supervisor) in chosen(&shops, wanted.shop)? {
        let added = supervisor.faults().add(&wanted.fault).await;
        let why_not = added.as_ref().err().map(|why| format!("{why:#}"));
        all.push(Added { shop: *driver, id: added.ok(), why_not });
    }
    if all.iter().all(|added| added.id.is_none()) {
        let why: Vec<String> = all
            .iter()
            .map(|added| format!("{}: {}", added.shop, added.why_not.as_deref().unwrap_or_default()))
            .collect();
        return Err(Refused::new(StatusCode::UNPROCESSABLE_ENTITY, why.join("; ")));
    }
    Ok(HttpResponse::Ok().json(all))
}

async fn heal(wanted: Json<Heal>, control: Data<Control>, request: HttpRequest) -> Answer {
    let mut all = Vec::new();
    let shops = control.shops.read().await;
    for (driver, supervisor) in chosen(&shops, wanted.shop)? {
        let faults = supervisor.faults();
        let healed = match wanted.id {
            Some(id) => faults.heal(id).await.map(|record| vec![record]),
            None => faults.heal_all().await,
        };
        let faults = healed.map_err(|why| failed(StatusCode::UNPROCESSABLE_ENTITY, *driver, &why))?;
        all.push(FaultLog { shop: *driver, faults: in_language(language_of(&request), faults) });
    }
    Ok(HttpResponse::Ok().json(all))
}

async fn fault_log(control: Data<Control>, request: HttpRequest) -> Answer {
    let log = |(driver, supervisor): &(Driver, Supervisor)| FaultLog {
        shop: *driver,
        faults: in_language(language_of(&request), supervisor.faults().log()),
    };
    Ok(HttpResponse::Ok().json(control.shops.read().await.iter().map(log).collect::<Vec<_>>()))
}

/// The language that the client asked for; English if it asked for none.
fn language_of(request: &HttpRequest) -> Language {
    let asked = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    asked.and_then(|code| code.parse().ok()).unwrap_or(Language::English)
}

/// What the faults hit, in this language. In JSON, a text would be English.
fn in_language(language: Language, mut records: Vec<Record>) -> Vec<Record> {
    for record in &mut records {
        record.hit = language::with(language, || record.hit.shown().to_owned()).into();
    }
    records
}

async fn settings(control: Data<Control>) -> Answer {
    let mut all = Vec::new();
    for (driver, supervisor) in control.shops.read().await.iter() {
        all.push(settings_of(*driver, supervisor).await?);
    }
    Ok(HttpResponse::Ok().json(all))
}

async fn settings_of(driver: Driver, supervisor: &Supervisor) -> Result<ShopSettings, Refused> {
    let told = supervisor.shop().await.settings().await;
    let read = told.and_then(|settings| Ok(serde_json::from_value(settings)?));
    let settings = read.map_err(|why| failed(StatusCode::BAD_GATEWAY, driver, &why))?;
    Ok(ShopSettings { shop: driver, settings })
}

async fn set(Json(Set { name, value }): Json<Set>, control: Data<Control>) -> Answer {
    let mut all = Vec::new();
    for (driver, supervisor) in control.shops.read().await.iter() {
        let set = supervisor.shop().await.set(&name, value).await;
        set.map_err(|why| failed(StatusCode::UNPROCESSABLE_ENTITY, *driver, &why))?;
        all.push(settings_of(*driver, supervisor).await?);
    }
    Ok(HttpResponse::Ok().json(all))
}

fn failed(status: StatusCode, shop: Driver, why: &anyhow::Error) -> Refused {
    Refused::new(status, format!("{shop}: {why:#}"))
}

async fn state(control: Data<Control>) -> Answer {
    let shops = control.shops.read().await;
    let shops = shops.iter().map(|(driver, supervisor)| state_of(*driver, supervisor));
    Ok(HttpResponse::Ok().json(join_all(shops).await))
}

async fn state_of(driver: Driver, supervisor: &Supervisor) -> ShopState {
    let restarts = supervisor.restarts();
    let places: Vec<(String, u32, String)> = {
        let shop = supervisor.shop().await;
        let processes = shop.processes().into_iter();
        let place = |(name, pid): (&str, u32)| {
            (name.to_owned(), pid, shop.address_of(name).unwrap_or_default().to_owned())
        };
        processes.map(place).collect()
    };
    let mut system = System::new().ok();
    if let Some(system) = &mut system {
        let pids: Vec<Pid> = places.iter().map(|(_, pid, _)| Pid::from_u32(*pid)).collect();
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
        system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
    }
    let processes = places.into_iter().map(async |(name, pid, address)| {
        let process = system.as_ref().and_then(|system| system.process(Pid::from_u32(pid)));
        let Readiness { ready, waits } = Readiness::of(&address, PATIENCE).await;
        ProcessState {
            ready,
            waits,
            restarts: restarts.get(&name).copied().unwrap_or_default(),
            cpu_ms: process.map(sysinfo::Process::accumulated_cpu_time),
            memory_mb: process.map(|process| process.memory() as f64 / 1e6),
            name,
            pid,
            address,
        }
    });
    let processes = join_all(processes).await;
    ShopState { shop: driver, processes, journal: supervisor.journal().entries() }
}
