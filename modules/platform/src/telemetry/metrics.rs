//! The metrics of every process: requests, database connections, and its own resource use.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::process;
use crate::db::Pool;

/// Bucket bounds for durations, in seconds. Those from 5 ms on are OpenTelemetry's advice; much here is faster than
/// that.
pub const SECONDS: [f64; 17] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// A histogram of durations in seconds.
pub fn timed() -> Histogram {
    Histogram::new(SECONDS)
}

/// The metrics of every process.
pub(super) struct Platform {
    requests: Family<Request, Histogram>,
    pub pools: Pools,
    cpu_seconds: Counter<f64, AtomicU64>,
    resident_bytes: Gauge,
}

/// The labels of a request. It uses the route, not the path, or each order would add its own time series.
#[derive(Debug, Clone, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Request {
    http_request_method: &'static str,
    http_route: &'static str,
    http_response_status_code: u16,
}

impl Platform {
    pub fn new(registry: &mut Registry) -> Platform {
        let platform = Platform {
            requests: Family::new_with_constructor(timed),
            pools: Pools::new(registry),
            cpu_seconds: Counter::default(),
            resident_bytes: Gauge::default(),
        };
        let started = Gauge::<f64, AtomicU64>::default();
        started.set(process::now_seconds());
        let Platform { requests, cpu_seconds, resident_bytes, .. } = &platform;
        registry.register(
            "http_server_request_duration_seconds",
            "Duration of requests to this process",
            requests.clone(),
        );
        registry.register("process_cpu_seconds", "Processor time used", cpu_seconds.clone());
        registry.register("process_resident_memory_bytes", "Resident memory", resident_bytes.clone());
        registry.register("process_start_time_seconds", "Start time, in seconds since 1970", started);
        platform
    }

    /// Records a request that was answered.
    pub fn answered(&self, method: &'static str, route: &'static str, status: u16, took: Duration) {
        let labels =
            Request { http_request_method: method, http_route: route, http_response_status_code: status };
        self.requests.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Updates the metrics that are not counted as they happen.
    pub fn look(&self) {
        if let Some(seconds) = process::cpu_seconds() {
            self.cpu_seconds.inner().store(seconds.to_bits(), Ordering::Relaxed);
        }
        if let Some(bytes) = process::resident_bytes() {
            self.resident_bytes.set(bytes);
        }
        self.pools.look();
    }
}

/// The connection pools whose state is exported.
pub struct Pools {
    known: Mutex<Vec<(&'static str, Pool)>>,
    connections: Family<[(&'static str, &'static str); 2], Gauge>,
    waiting: Family<[(&'static str, &'static str); 1], Gauge>,
}

impl Pools {
    fn new(registry: &mut Registry) -> Pools {
        let pools =
            Pools { known: Mutex::default(), connections: Family::default(), waiting: Family::default() };
        registry.register(
            "db_client_connection_count",
            "Open database connections by state",
            pools.connections.clone(),
        );
        registry.register(
            "db_client_connection_pending_requests",
            "Requests that are waiting for a connection",
            pools.waiting.clone(),
        );
        pools
    }

    /// Includes this pool in the metrics. Pools of the same name, e.g. one per worker, are added up.
    pub fn watch(&self, name: &'static str, pool: &Pool) {
        self.known.lock().push((name, pool.clone()));
    }

    fn look(&self) {
        const NAME: &str = "db_client_connection_pool_name";
        const STATE: &str = "db_client_connection_state";
        let known = self.known.lock();
        let names: std::collections::BTreeSet<&'static str> = known.iter().map(|(name, _)| *name).collect();
        for name in names {
            let (mut idle, mut used, mut waiting) = (0, 0, 0);
            for (_, pool) in known.iter().filter(|(other, _)| *other == name) {
                let status = pool.status();
                idle += status.available as i64;
                used += status.size.saturating_sub(status.available) as i64;
                waiting += status.waiting as i64;
            }
            self.connections.get_or_create(&[(NAME, name), (STATE, "idle")]).set(idle);
            self.connections.get_or_create(&[(NAME, name), (STATE, "used")]).set(used);
            self.waiting.get_or_create(&[(NAME, name)]).set(waiting);
        }
    }
}
