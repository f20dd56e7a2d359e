//! Where a story comes from.

use serde::{Deserialize, Serialize};

/// The source of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evidence {
    /// A process, by a span.
    Span,
    /// A row.
    Database,
    /// Inferred from the spans and rows.
    Concluded,
}

/// A source that was asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Witness {
    /// A process, or a module for its database.
    pub name: String,
    /// What it was asked for.
    pub of: Evidence,
    /// The number of spans or rows that it returned.
    pub told: usize,
    /// Why it returned nothing.
    pub why_not: Option<String>,
}
