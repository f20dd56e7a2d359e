//! Telemetry: what a process tells of its work while it works.
//!
//! - *Spans*: what was done for one request or message, from when to when, and within what. The spans of an order, from
//!   all processes together, are one *trace*. The last ones are kept in memory and told at `GET /telemetry/spans`; where a
//!   collector is named they are exported to it too, by OTLP.
//! - *Metrics*: counts and durations of everything, told at `GET /metrics` as Prometheus reads them.
//! - *Logs*: JSON lines on standard error, with the trace where there is one.
//!
//! Names and attributes are those of OpenTelemetry's semantic conventions wherever these have one. Whoever does the work
//! knows nothing of telemetry; whoever calls it, a driver or the chassis, does.

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
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use contracts::TraceContext;
use prometheus_client::registry::Registry;

pub use attributes::{DATABASE, Fixed, Kind, Name};
pub use log::{note_order, on_behalf, within};
pub use metrics::{Decided, Pools, timed};
pub(crate) use observe::fits;
pub(crate) use observe::{brought, observe};
pub use observe::{order_at, request_name};
pub use options::Options;
pub use span::{Scope, Span};

use export::Export;
use metrics::Platform;
use ring::Ring;
use span::Record;

/// What a process records with. Cheap to clone. Where telemetry is off it does nothing, and costs nothing.
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
    /// Starts logging and recording, as an instance of a service. Where spans are to be exported and cannot be, the log
    /// says so, and all else goes on.
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

    /// Sends what is left to the collector, if there is one. To be called last.
    pub async fn finish(&self) {
        if let Some(recorder) = &self.0 {
            export::finish(recorder).await;
        }
    }

    /// Records nothing.
    pub fn off() -> Telemetry {
        Telemetry(None)
    }

    /// A span in a trace that comes from outside, or the first of a new one.
    pub fn span(&self, parent: Option<TraceContext>, kind: Kind, name: impl Into<Name>) -> Span {
        match parent {
            Some(parent) => self.scope(parent).span(kind, name),
            None => Span::at(Scope::new(self.clone(), TraceContext::root()), None, kind, name.into()),
        }
    }

    /// A span whose place in its trace was given away before it began: messages carried it.
    pub fn span_at(&self, at: TraceContext, parent: Option<u64>, kind: Kind, name: impl Into<Name>) -> Span {
        Span::at(self.scope(at), parent, kind, name.into())
    }

    /// What is done for somebody at this place of a trace.
    pub fn scope(&self, context: TraceContext) -> Scope {
        Scope::new(self.clone(), context)
    }

    /// Makes metrics that this process tells, where it tells any.
    pub fn metrics<M>(&self, make: impl FnOnce(&mut Registry) -> M) -> Option<M> {
        Some(make(&mut locked(&self.0.as_ref()?.registry)))
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
        locked(&self.ring).push(record);
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_on() { "Telemetry(on)" } else { "Telemetry(off)" })
    }
}

/// Whoever panicked while it held the lock left nothing half done that matters.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
