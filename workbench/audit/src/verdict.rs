//! The result of an audit.

use serde::{Deserialize, Serialize};
use terminal::text::Text;

/// The result for one invariant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// `I1` to `I9`.
    pub invariant: String,
    /// A short description of the invariant.
    pub title: Text,
    /// `Held` only with enough evidence.
    pub verdict: Verdict,
    /// Number of checked items (orders, products, sessions …).
    pub checked: u64,
    /// What was found. For a violation, with an example to look up.
    pub evidence: Text,
}

/// A verdict on an invariant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Checked, and satisfied.
    Held,
    /// Checked, and violated.
    Violated,
    /// Nothing to check. Not a pass.
    NoEvidence,
}

impl Verdict {
    /// The verdict over several verdicts: violated if any is violated, otherwise no evidence if any lacks evidence or
    /// the list is empty.
    pub fn of_all(verdicts: impl IntoIterator<Item = Verdict>) -> Verdict {
        let mut all = None;
        for verdict in verdicts {
            all = match (all, verdict) {
                (Some(Verdict::Violated), _) | (_, Verdict::Violated) => Some(Verdict::Violated),
                (Some(Verdict::NoEvidence), _) | (_, Verdict::NoEvidence) => Some(Verdict::NoEvidence),
                (_, Verdict::Held) => Some(Verdict::Held),
            };
        }
        all.unwrap_or(Verdict::NoEvidence)
    }
}
