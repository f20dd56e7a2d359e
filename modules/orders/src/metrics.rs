//! What is counted of orders.

use contracts::Refusal;
use platform::telemetry::Telemetry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// Orders decided in this process, by outcome. Whoever drives the checkout counts here, in both modes alike.
#[derive(Debug, Clone)]
pub struct DecisionCounter(Option<Family<[(&'static str, &'static str); 1], Counter>>);

impl DecisionCounter {
    /// Counts, where this process tells any metrics.
    pub fn new(telemetry: &Telemetry) -> DecisionCounter {
        DecisionCounter(telemetry.metrics(|registry| {
            let decided = Family::default();
            registry.register("cleave_orders_decided", "Orders decided", decided.clone());
            decided
        }))
    }

    /// An order was confirmed, or refused for this reason, and that is committed.
    pub fn note(&self, refusal: Option<&Refusal>) {
        if let Some(decided) = &self.0 {
            let outcome = refusal.map_or("confirmed", |refusal| refusal.code.as_str());
            decided.get_or_create(&[("outcome", outcome)]).inc();
        }
    }
}
