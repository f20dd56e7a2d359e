//! The module's metrics.

use contracts::Refusal;
use platform::telemetry::Telemetry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// Counts the orders decided in this process, by outcome. Used by every driver of the checkout, in both modes.
#[derive(Debug, Clone)]
pub struct DecisionCounter(Option<Family<[(&'static str, &'static str); 1], Counter>>);

impl DecisionCounter {
    /// Creates the counter. It does nothing if this process exports no metrics.
    pub fn new(telemetry: &Telemetry) -> DecisionCounter {
        DecisionCounter(telemetry.metrics(|registry| {
            let decided = Family::default();
            registry.register("cleave_orders_decided", "Orders decided", decided.clone());
            decided
        }))
    }

    /// Counts an order that was confirmed, or cancelled with this refusal. Call it after the commit.
    pub fn note(&self, refusal: Option<&Refusal>) {
        if let Some(decided) = &self.0 {
            let outcome = refusal.map_or("confirmed", |refusal| refusal.code.as_str());
            decided.get_or_create(&[("outcome", outcome)]).inc();
        }
    }
}
