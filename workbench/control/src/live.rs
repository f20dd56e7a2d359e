//! `GET /live`: everything that the dashboard asks `cleave up` for, once per second.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use serde::{Deserialize, Serialize};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use super::Control;
use super::admission::Answer;
use faults::{Link, Record};
use servers::{Readiness, Waits};
use shop::supervisor::{Entry, Supervisor};
use topology::Driver;

/// The time limit for a readiness check. A slower process counts as not ready.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a fault is still listed after its end, in seconds.
const REMEMBERED_S: i64 = 10;

/// What a client of the live view already knows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Since {
    /// Only journal entries after this time.
    pub since: DateTime<Utc>,
}

/// The current state of one shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShopNow {
    /// The shop.
    pub shop: Driver,
    /// Its processes.
    pub processes: Vec<ProcessNow>,
    /// The active faults, and those that ended a moment ago.
    pub faults: Vec<Record>,
    /// The supervisor's journal since then.
    pub journal: Vec<Entry>,
    /// Bytes through its proxies so far, in both directions; null in a shop without proxies.
    pub bytes: Option<u64>,
}

/// One process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProcessNow {
    /// Its name, such as `orders-2`.
    pub name: String,
    /// The service that it is an instance of.
    pub service: String,
    /// The address that it listens on.
    pub address: String,
    /// Whether it reports that it is ready.
    pub ready: bool,
    /// What parts of it wait for.
    pub waits: Vec<Waits>,
    /// How often it was restarted.
    pub restarts: u64,
    /// Its process id. A new id means a new process, whose processor time starts from zero.
    pub pid: u32,
    /// Processor time used, in milliseconds; null if it cannot be read, for example because the process has just ended.
    pub cpu_ms: Option<u64>,
    /// Resident memory in MB (10⁶ bytes), shared pages included; null if it cannot be read.
    pub memory_mb: Option<f64>,
}

pub(super) async fn live(control: Data<Control>, since: Query<Since>) -> Answer {
    let shops = control.shops.read().await;
    let now = shops.iter().map(|(driver, supervisor)| shop_now(*driver, supervisor, since.since));
    Ok(HttpResponse::Ok().json(join_all(now).await))
}

async fn shop_now(driver: Driver, supervisor: &Supervisor, since: DateTime<Utc>) -> ShopNow {
    let restarts = supervisor.restarts();
    let (mut processes, bytes) = {
        let shop = supervisor.shop().await;
        let traffic = Link::all(driver).into_iter().flat_map(|link| shop.proxies(link));
        let bytes = traffic.map(|proxy| proxy.traffic()).map(|t| t.bytes_upstream + t.bytes_downstream);
        let bytes: Vec<u64> = bytes.collect();
        let process = |(name, pid): (&str, u32)| ProcessNow {
            service: shop.service_of(name).unwrap_or(name).to_owned(),
            address: shop.address_of(name).unwrap_or_default().to_owned(),
            ready: false,
            waits: Vec::new(),
            restarts: restarts.get(name).copied().unwrap_or_default(),
            pid,
            cpu_ms: None,
            memory_mb: None,
            name: name.to_owned(),
        };
        let processes: Vec<ProcessNow> = shop.processes().into_iter().map(process).collect();
        (processes, (!bytes.is_empty()).then(|| bytes.iter().sum()))
    };
    measure(&mut processes);
    let asked = processes.iter().map(|process| Readiness::of(&process.address, PATIENCE));
    let asked = join_all(asked).await;
    for (process, Readiness { ready, waits }) in processes.iter_mut().zip(asked) {
        (process.ready, process.waits) = (ready, waits);
    }
    let remembered = Utc::now() - TimeDelta::seconds(REMEMBERED_S);
    let recent = |record: &Record| record.ended.is_none_or(|ended| ended > remembered);
    ShopNow {
        shop: driver,
        processes,
        faults: supervisor.faults().log().into_iter().filter(recent).collect(),
        journal: supervisor.journal().since(since),
        bytes,
    }
}

/// Fills in processor time and memory from the operating system.
fn measure(processes: &mut [ProcessNow]) {
    let Ok(mut system) = System::new() else { return };
    let pids: Vec<Pid> = processes.iter().map(|process| Pid::from_u32(process.pid)).collect();
    let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
    for process in processes {
        if let Some(seen) = system.process(Pid::from_u32(process.pid)) {
            process.cpu_ms = Some(seen.accumulated_cpu_time());
            process.memory_mb = Some(seen.memory() as f64 / 1e6);
        }
    }
}
