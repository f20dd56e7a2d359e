//! What a move reports.

use serde::{Deserialize, Serialize};

use topology::Driver;

/// A step of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The monolith is replaced by one that can send messages, and the service starts with empty tables.
    Prepare,
    /// The rows are copied, and changes follow.
    Copy,
    /// Reads are answered by both sides and compared.
    Compare,
    /// Writes wait until the new side owns the module.
    CutOver,
    /// The old side follows the new one, or is cleared up.
    Watch,
}

/// A step that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepDone {
    /// The step.
    pub step: Step,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
}

/// A move that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// The module.
    pub module: String,
    /// The shop before.
    pub from: Driver,
    /// The shop now.
    pub to: Driver,
    /// The steps, in order.
    pub steps: Vec<StepDone>,
    /// How long the module could not be written, in milliseconds; null if only the rest of an earlier move was done.
    pub pause_ms: Option<f64>,
    /// Reads that both sides answered in the same way, and those that they did not.
    pub compared: Compared,
}

/// Reads that were answered by both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Answered in the same way.
    pub same: u64,
    /// Answered differently, also when asked again.
    pub different: u64,
}
