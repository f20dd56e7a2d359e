//! The ladder from the monolith to the split shop: the price of each module that leaves.

use crate::charts::Resource;
use crate::figures::number;
use crate::run::{ModeRun, Stage, Trial};
use crate::stats::{Spread, spread, times};
use crate::words;

/// The stages of these modes, each with one module more outside than the one before.
pub fn stages(modes: &[ModeRun]) -> Vec<Stage> {
    let before = std::iter::once(None).chain(modes.iter().map(Some));
    modes.iter().zip(before).map(|(mode, before)| stage(mode, before)).collect()
}

fn stage(mode: &ModeRun, before: Option<&ModeRun>) -> Stage {
    let of = |figure: fn(&Trial) -> Option<f64>| {
        spread(mode.trials.iter().map(figure)).map(|Spread { median, .. }| median)
    };
    let apart_before = before.map(|mode| mode.driver.apart()).unwrap_or_default();
    let left = mode.driver.apart().into_iter().filter(|module| !apart_before.contains(module));
    Stage {
        label: mode.label.clone(),
        left: left.map(String::from).collect(),
        throughput_per_s: of(|trial| Some(trial.throughput_per_s)),
        decided_p50_ms: of(|trial| Some(trial.decided_ms?.p50)),
        decided_p99_ms: of(|trial| Some(trial.decided_ms?.p99)),
        // Seconds per 1,000 orders are milliseconds per order.
        cpu_ms_per_order: of(|trial| trial.cost_per_1000_orders.cpu_s),
        transactions_per_order: of(|trial| Some(trial.cost_per_1000_orders.db_transactions? / 1e3)),
        messages_per_order: of(|trial| Some(trial.cost_per_1000_orders.messages? / 1e3)),
        memory_mb: of(|trial| trial.memory_mb.total),
        disagreed_p50_ms: of(|trial| trial.live.as_ref()?.disagreement.p50_ms),
        disagreed_p99_ms: of(|trial| trial.live.as_ref()?.disagreement.p99_ms),
    }
}

/// A figure of a ladder: its name, and where it is in a stage.
type Price = (fn() -> String, fn(&Stage) -> Option<f64>);

const PRICES: [Price; 9] = [
    (words::throughput, |stage| stage.throughput_per_s),
    (words::decided_p50_ms, |stage| stage.decided_p50_ms),
    (words::decided_p99_ms, |stage| stage.decided_p99_ms),
    (words::cpu_ms_per_order, |stage| stage.cpu_ms_per_order),
    (words::transactions_per_order, |stage| stage.transactions_per_order),
    (words::messages_per_order, |stage| stage.messages_per_order),
    (words::peak_memory_mb, |stage| stage.memory_mb),
    (words::disagreed_p50_ms, |stage| stage.disagreed_p50_ms),
    (words::disagreed_p99_ms, |stage| stage.disagreed_p99_ms),
];

/// One figure over all stages: each value, and how many times the one before it is.
pub struct PriceRow {
    /// The figure's name and unit.
    pub name: String,
    /// One cell per stage.
    pub stages: Vec<(String, String)>,
}

/// All figures of a ladder.
pub fn rows(stages: &[Stage]) -> Vec<PriceRow> {
    let row = |(name, value): Price| {
        let values: Vec<Option<f64>> = stages.iter().map(value).collect();
        let before = std::iter::once(None).chain(values.iter().copied());
        let cell = |(value, before): (&Option<f64>, Option<f64>)| match (*value, before) {
            (Some(value), Some(before)) if before > 0.0 => (number(value), times(value / before)),
            (Some(value), _) => (number(value), String::new()),
            (None, _) => ("–".to_owned(), String::new()),
        };
        PriceRow { name: name(), stages: values.iter().zip(before).map(cell).collect() }
    };
    PRICES.into_iter().map(row).collect()
}

/// The same as bars.
pub fn bars(stages: &[Stage]) -> Vec<Resource> {
    PRICES
        .into_iter()
        .map(|(name, value)| Resource { name: name(), modes: stages.iter().map(value).collect() })
        .collect()
}
