//! One stage of a ladder in the record of a run.

use serde::{Deserialize, Serialize};

use crate::words;

/// One stage of a ladder. Its figures are medians over the trials; one that was not measured is null.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Stage {
    /// The label of its mode.
    pub label: String,
    /// The modules that have left since the stage before.
    pub left: Vec<String>,
    /// Orders decided per second.
    pub throughput_per_s: Option<f64>,
    /// From the intended moment of sending until the order was terminal: the median order.
    pub decided_p50_ms: Option<f64>,
    /// The same for the 99th percentile.
    pub decided_p99_ms: Option<f64>,
    /// Processor time per order, shop and servers.
    pub cpu_ms_per_order: Option<f64>,
    /// Database transactions per order, committed or rolled back.
    pub transactions_per_order: Option<f64>,
    /// Messages per order.
    pub messages_per_order: Option<f64>,
    /// Peak memory, shop and servers.
    pub memory_mb: Option<f64>,
    /// How long the databases disagreed about an order: the median window. Null if they never did.
    pub disagreed_p50_ms: Option<f64>,
    /// The 99th percentile of these windows.
    pub disagreed_p99_ms: Option<f64>,
}

impl Stage {
    /// The modules that have left, or the name of the first stage.
    pub fn heading(&self) -> String {
        match self.left.as_slice() {
            [] => self.label.clone(),
            left => words::leaves(left.join(", ")),
        }
    }
}
