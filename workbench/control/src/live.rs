//! `GET /live`: all that the dashboard asks of `cleave up`, once a second.

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
use shop::supervisor::{Entry, Supervisor};
use topology::Driver;

/// How long a process may take to say that it is ready. Who takes longer is not.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long a fault that is over is still told of, in seconds.
const REMEMBERED_S: i64 = 10;

/// What is asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Since {
    /// Entries of the journals after this.
    pub since: DateTime<Utc>,
}

/// One shop now.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShopNow {
    /// The shop.
    pub shop: Driver,
    /// Its processes.
    pub processes: Vec<ProcessNow>,
    /// The faults that are there, and those that ended a moment ago.
    pub faults: Vec<Record>,
    /// What its supervisor saw and did since then.
    pub journal: Vec<Entry>,
    /// Bytes that went through its proxies so far, both ways; null in a shop without proxies.
    pub bytes: Option<u64>,
}

/// One process.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ProcessNow {
    /// Its name, as `orders-2`.
    pub name: String,
    /// What it is an instance of.
    pub service: String,
    /// Where it listens.
    pub address: String,
    /// Whether it answers that it is ready.
    pub ready: bool,
    /// How often it was started again.
    pub restarts: u64,
    /// Its process id: another one is another process, whose processor time began anew.
    pub pid: u32,
    /// Processor time that it has used, in milliseconds; null where it cannot be read, as when it has just ended.
    pub cpu_ms: Option<u64>,
    /// Memory that it holds, in MB (10⁶ bytes), pages that it shares with others included; null where it cannot be read.
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
        let traffic = Link::all(driver.mode()).into_iter().flat_map(|link| shop.proxies(link));
        let bytes = traffic.map(|proxy| proxy.traffic()).map(|t| t.bytes_upstream + t.bytes_downstream);
        let bytes: Vec<u64> = bytes.collect();
        let process = |(name, pid): (&str, u32)| ProcessNow {
            service: shop.service_of(name).unwrap_or(name).to_owned(),
            address: shop.address_of(name).unwrap_or_default().to_owned(),
            ready: false,
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
    // Asked on new connections: an old one would tell of a connection, not of the process.
    let client = reqwest::Client::builder().no_proxy().pool_max_idle_per_host(0).timeout(PATIENCE).build();
    let ready = join_all(processes.iter().map(async |process| match &client {
        Ok(client) => is_ready(client, &process.address).await,
        Err(_) => false,
    }))
    .await;
    for (process, ready) in processes.iter_mut().zip(ready) {
        process.ready = ready;
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

/// Processor time and memory, as the system tells them.
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

async fn is_ready(client: &reqwest::Client, address: &str) -> bool {
    let answer = client.get(format!("{address}/health/ready")).send().await;
    answer.is_ok_and(|answer| answer.status().is_success())
}
