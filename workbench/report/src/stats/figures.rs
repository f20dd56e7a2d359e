//! The figures by which modes are compared.

use std::fmt::Display;

use terminal::text::Text;

use crate::run::{Better, Trial};
use crate::words;

/// A figure by which modes are compared.
pub struct Figure {
    /// Its name in a record.
    pub name: &'static str,
    /// Its name in tables.
    pub title: fn() -> String,
    /// The unit of its value; `None` for a count.
    pub unit: Option<fn() -> String>,
    /// Which direction is better.
    pub better: Better,
    /// Reads it from a trial; `None` if it was not measured.
    pub value: fn(&Trial) -> Option<f64>,
    /// How far the ratio of two equal modes is assumed to vary around 1, as a standard deviation on the log scale. It
    /// is not measured, but a cautious assumption for a shared machine. Comparing a mode with itself must show no
    /// difference.
    pub(super) typical: f64,
    /// The sentence for a difference. Arguments: the other mode, the ratio without its sign, and the baseline.
    pub(super) differs: fn(&dyn Display, &str, &dyn Display) -> Text,
}

/// Every figure that is compared.
pub const FIGURES: [Figure; 10] = [
    Figure {
        name: "throughput",
        title: words::throughput,
        unit: Some(words::orders_per_s),
        better: Better::Higher,
        typical: 0.12,
        value: |trial| Some(trial.throughput_per_s),
        differs: |other, seen, baseline| words::throughput_differs(other, seen, baseline),
    },
    Figure {
        name: "answered p50",
        title: words::answered_p50,
        unit: Some(|| "ms".to_owned()),
        better: Better::Lower,
        typical: 0.25,
        value: |trial| trial.answered_ms.map(|latency| latency.p50),
        differs: |other, seen, baseline| words::answered_p50_differs(other, seen, baseline),
    },
    Figure {
        name: "answered p99",
        title: words::answered_p99,
        unit: Some(|| "ms".to_owned()),
        better: Better::Lower,
        typical: 0.5,
        value: |trial| trial.answered_ms.map(|latency| latency.p99),
        differs: |other, seen, baseline| words::answered_p99_differs(other, seen, baseline),
    },
    Figure {
        name: "decided p50",
        title: words::decided_p50,
        unit: Some(|| "ms".to_owned()),
        better: Better::Lower,
        typical: 0.25,
        value: |trial| trial.decided_ms.map(|latency| latency.p50),
        differs: |other, seen, baseline| words::decided_p50_differs(other, seen, baseline),
    },
    Figure {
        name: "decided p99",
        title: words::decided_p99,
        unit: Some(|| "ms".to_owned()),
        better: Better::Lower,
        typical: 0.5,
        value: |trial| trial.decided_ms.map(|latency| latency.p99),
        differs: |other, seen, baseline| words::decided_p99_differs(other, seen, baseline),
    },
    Figure {
        name: "CPU per order",
        title: words::cpu_per_order,
        unit: Some(|| "ms".to_owned()),
        better: Better::Lower,
        typical: 0.12,
        // Seconds per 1,000 orders are milliseconds per order.
        value: |trial| trial.cost_per_1000_orders.cpu_s,
        differs: |other, seen, baseline| words::cpu_differs(other, seen, baseline),
    },
    Figure {
        name: "transactions per order",
        title: words::transactions_per_order,
        unit: None,
        better: Better::Lower,
        typical: 0.12,
        value: |trial| Some(trial.cost_per_1000_orders.db_transactions? / 1e3),
        differs: |other, seen, baseline| words::transactions_differ(other, seen, baseline),
    },
    Figure {
        name: "WAL per order",
        title: words::wal_per_order,
        unit: Some(|| "kB".to_owned()),
        better: Better::Lower,
        typical: 0.12,
        value: |trial| Some(trial.cost_per_1000_orders.wal_bytes? / 1e6),
        differs: |other, seen, baseline| words::wal_differs(other, seen, baseline),
    },
    Figure {
        name: "peak memory",
        title: words::peak_memory,
        unit: Some(|| "MB".to_owned()),
        better: Better::Lower,
        typical: 0.12,
        value: |trial| trial.memory_mb.total,
        differs: |other, seen, baseline| words::memory_differs(other, seen, baseline),
    },
    Figure {
        name: "time to ready",
        title: words::time_to_ready,
        unit: Some(|| "ms".to_owned()),
        better: Better::Lower,
        typical: 0.35,
        value: |trial| Some(trial.ready_ms),
        differs: |other, seen, baseline| words::ready_differs(other, seen, baseline),
    },
];
