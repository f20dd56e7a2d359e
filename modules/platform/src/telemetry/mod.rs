//! Telemetry: what a process reports about its work.
//!
//! - *Spans*: one operation for a request or message, with its start, duration and parent. The spans of an order, from
//!   all processes together, form a *trace*. The most recent ones are kept in memory and served at
//!   `GET /telemetry/spans`. If a collector is configured, they are also exported to it by OTLP.
//! - *Metrics*: counts and durations, served at `GET /metrics` in the Prometheus format.
//! - *Logs*: JSON lines on standard error, with the trace id if there is one.
//!
//! Names and attributes follow OpenTelemetry's semantic conventions where those exist. The modules know nothing about
//! telemetry. Their callers do: the drivers and the chassis.

mod attributes;
mod export;
mod log;
mod metrics;
mod observe;
mod options;
mod otlp;
mod process;
mod ring;
mod span;
mod tell;

use std::fmt;
use std::sync::Arc;

use contracts::TraceContext;
use parking_lot::Mutex;
use prometheus_client::registry::Registry;

pub use attributes::{DATABASE, Fixed, Kind, Name};
pub use log::{note_order, on_behalf};
pub use metrics::{Pools, timed};
pub use observe::{CountOnly, request_name, route_of};
pub(crate) use observe::{brought, observe};
pub use options::Options;
pub use span::{Scope, Span};

use export::Export;
use metrics::Platform;
use ring::Ring;
use span::Record;

/// Records spans and metrics. Cheap to clone. If telemetry is off it does nothing and costs nothing.
#[derive(Clone)]
pub struct Telemetry(Option<Arc<Recorder>>);

/// What is recorded, and where it goes.
struct Recorder {
    service: &'static str,
    instance: String,
    ring: Mutex<Ring>,
    registry: Mutex<Registry>,
    platform: Platform,
    export: Option<Export>,
}

impl Telemetry {
    /// Starts logging and recording for an instance of a service. If spans should be exported but cannot be, this logs
    /// a warning and continues.
    pub fn start(service: &'static str, instance: &str, options: &Options) -> anyhow::Result<Telemetry> {
        log::start(service);
        if !options.is_on() {
            return Ok(Telemetry::off());
        }
        let variable = |name: &str| Some(std::env::var_os(name)?.to_string_lossy().into_owned());
        let collector = options.collector(variable).unwrap_or_else(|why| {
            tracing::warn!(why, "spans are not exported");
            None
        });
        let export = collector.map(Export::new).transpose()?;
        let recorder = Arc::new(Recorder::new(service, instance, export));
        if recorder.export.is_some() {
            tokio::spawn(export::run(recorder.clone()));
        }
        Ok(Telemetry(Some(recorder)))
    }

    /// Sends the remaining spans to the collector, if there is one. Call it last.
    pub async fn finish(&self) {
        if let Some(recorder) = &self.0 {
            export::finish(recorder).await;
        }
    }

    /// Records nothing. Used by tests and for `--telemetry off`.
    pub fn off() -> Telemetry {
        Telemetry(None)
    }

    /// A span in a trace from outside, or the first span of a new trace.
    pub fn span(&self, parent: Option<TraceContext>, kind: Kind, name: impl Into<Name>) -> Span {
        match parent {
            Some(parent) => self.scope(parent).span(kind, name),
            None => Span::at(Scope::new(self.clone(), TraceContext::root()), None, kind, name.into()),
        }
    }

    /// A span whose id was assigned before it began, because messages already carry it.
    pub fn span_at(&self, at: TraceContext, parent: Option<u64>, kind: Kind, name: impl Into<Name>) -> Span {
        Span::at(self.scope(at), parent, kind, name.into())
    }

    /// A scope at this position in a trace.
    pub fn scope(&self, context: TraceContext) -> Scope {
        Scope::new(self.clone(), context)
    }

    /// Registers metrics if this process exports any; otherwise returns `None`.
    pub fn metrics<M>(&self, make: impl FnOnce(&mut Registry) -> M) -> Option<M> {
        Some(make(&mut self.0.as_ref()?.registry.lock()))
    }

    /// The pools whose connections are counted.
    pub fn pools(&self) -> Option<&Pools> {
        Some(&self.0.as_ref()?.platform.pools)
    }

    /// Whether anything is recorded.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }
}

impl Recorder {
    fn new(service: &'static str, instance: &str, export: Option<Export>) -> Recorder {
        let mut registry = Registry::default();
        let platform = Platform::new(&mut registry);
        Recorder {
            service,
            instance: instance.to_owned(),
            ring: Mutex::default(),
            registry: Mutex::new(registry),
            platform,
            export,
        }
    }

    fn record(&self, record: Record) {
        self.ring.lock().push(record);
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_on() { "Telemetry(on)" } else { "Telemetry(off)" })
    }
}
