//! The figures that modes are compared by.

use crate::run::{Better, Trial};

/// A figure that modes are compared by.
pub struct Figure {
    /// Its name in tables.
    pub name: &'static str,
    /// The unit of its value; empty for a count.
    pub unit: &'static str,
    /// Which way is good.
    pub better: Better,
    /// Reads it from a trial; `None` where it was not measured.
    pub value: fn(&Trial) -> Option<f64>,
    /// How far the ratio of two equal modes is assumed to stray from one, as a standard deviation on the log scale. Not
    /// measured: set on the cautious side for a shared machine, and checked by comparing a mode with itself, which must
    /// show no difference.
    pub(super) typical: f64,
    /// The words of a sentence before and after the ratio: *split* spends *2.1×* the time of *monolith*.
    pub(super) words: (&'static str, &'static str),
}

/// Every figure that is compared.
pub const FIGURES: [Figure; 10] = [
    Figure {
        name: "throughput",
        unit: "orders/s",
        better: Better::Higher,
        typical: 0.12,
        value: |trial| Some(trial.throughput_per_s),
        words: ("decides orders at", "the rate of"),
    },
    Figure {
        name: "answered p50",
        unit: "ms",
        better: Better::Lower,
        typical: 0.25,
        value: |trial| trial.answered_ms.map(|latency| latency.p50),
        words: ("answers the median order in", "the time of"),
    },
    Figure {
        name: "answered p99",
        unit: "ms",
        better: Better::Lower,
        typical: 0.5,
        value: |trial| trial.answered_ms.map(|latency| latency.p99),
        words: ("answers 99 of 100 orders within", "the time of"),
    },
    Figure {
        name: "decided p50",
        unit: "ms",
        better: Better::Lower,
        typical: 0.25,
        value: |trial| trial.decided_ms.map(|latency| latency.p50),
        words: ("decides the median order in", "the time of"),
    },
    Figure {
        name: "decided p99",
        unit: "ms",
        better: Better::Lower,
        typical: 0.5,
        value: |trial| trial.decided_ms.map(|latency| latency.p99),
        words: ("decides 99 of 100 orders within", "the time of"),
    },
    Figure {
        name: "CPU per order",
        unit: "ms",
        better: Better::Lower,
        typical: 0.12,
        // Seconds per 1,000 are milliseconds per one.
        value: |trial| trial.cost_per_1000_orders.cpu_s,
        words: ("spends", "the processor time per order of"),
    },
    Figure {
        name: "transactions per order",
        unit: "",
        better: Better::Lower,
        typical: 0.12,
        value: |trial| Some(trial.cost_per_1000_orders.db_transactions? / 1e3),
        words: ("runs", "the database transactions per order of"),
    },
    Figure {
        name: "WAL per order",
        unit: "kB",
        better: Better::Lower,
        typical: 0.12,
        value: |trial| Some(trial.cost_per_1000_orders.wal_bytes? / 1e6),
        words: ("writes", "the write-ahead log per order of"),
    },
    Figure {
        name: "peak memory",
        unit: "MB",
        better: Better::Lower,
        typical: 0.12,
        value: |trial| trial.memory_mb.total,
        words: ("holds", "the memory of"),
    },
    Figure {
        name: "time to ready",
        unit: "ms",
        better: Better::Lower,
        typical: 0.35,
        value: |trial| Some(trial.ready_ms),
        words: ("is ready in", "the time of"),
    },
];
