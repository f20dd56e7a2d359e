//! The gateway's metrics.

use std::sync::Arc;
use std::time::Duration;

use platform::telemetry::{Telemetry, timed};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::histogram::Histogram;

use crate::breaker::State;
use crate::dependency::Dependency;
use crate::placement::Placement;

/// The label with the service's name.
const SERVICE: &str = "service_peer_name";

type Labels<const N: usize> = [(&'static str, &'static str); N];

/// The metrics of the gateway. Counts nothing if telemetry is off.
#[derive(Debug, Clone)]
pub struct Metrics(Option<Families>);

#[derive(Debug, Clone)]
struct Families {
    called: Family<Labels<2>, Histogram, fn() -> Histogram>,
    retried: Family<Labels<1>, Counter>,
    degraded: Family<Labels<1>, Counter>,
}

impl Metrics {
    /// Registers the metrics. The breakers are read on every scrape.
    pub fn new(
        telemetry: &Telemetry,
        dependencies: &Arc<[Arc<Dependency>]>,
        placement: &Arc<Placement>,
    ) -> Metrics {
        Metrics(telemetry.metrics(|registry| {
            let families = Families {
                called: Family::new_with_constructor(timed),
                retried: Family::default(),
                degraded: Family::default(),
            };
            let Families { called, retried, degraded } = families.clone();
            registry.register(
                "http_client_request_duration_seconds",
                "Duration of attempts to call a service, by outcome",
                called,
            );
            registry.register("cleave_gateway_retries", "Requests that were sent again", retried);
            registry.register(
                "cleave_gateway_degraded_answers",
                "Stale responses sent because the service did not respond",
                degraded,
            );
            registry.register_collector(Box::new(Breakers(dependencies.clone(), placement.clone())));
            families
        }))
    }

    /// An attempt has ended.
    pub fn called(&self, service: &'static str, took: Duration, outcome: &'static str) {
        if let Some(families) = &self.0 {
            let labels = [(SERVICE, service), ("outcome", outcome)];
            families.called.get_or_create(&labels).observe(took.as_secs_f64());
        }
    }

    /// A request is sent again.
    pub fn retried(&self, service: &'static str) {
        if let Some(families) = &self.0 {
            families.retried.get_or_create(&[(SERVICE, service)]).inc();
        }
    }

    /// A stale response was sent.
    pub fn degraded(&self, service: &'static str) {
        if let Some(families) = &self.0 {
            families.degraded.get_or_create(&[(SERVICE, service)]).inc();
        }
    }
}

/// Exports the state of each breaker to which requests can lead now.
#[derive(Debug)]
struct Breakers(Arc<[Arc<Dependency>]>, Arc<Placement>);

impl Collector for Breakers {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let help = "State of the circuit breaker: 0 closed, 1 half open, 2 open";
        let mut states = encoder.encode_descriptor("cleave_breaker_state", help, None, MetricType::Gauge)?;
        let used = self.1.services();
        for dependency in self.0.iter().filter(|dependency| used.contains(&dependency.service)) {
            let state = ConstGauge::new(match dependency.breaker() {
                State::Closed => 0i64,
                State::HalfOpen => 1,
                State::Open => 2,
            });
            state.encode(states.encode_family(&[(SERVICE, dependency.service)])?)?;
        }
        Ok(())
    }
}
