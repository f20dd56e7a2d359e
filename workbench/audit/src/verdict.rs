//! What an audit says.

use serde::{Deserialize, Serialize};
use terminal::text::Text;

/// One invariant, read from the databases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Audit {
    /// `I1` to `I9`.
    pub invariant: String,
    /// The invariant in a few words.
    pub title: Text,
    /// Whether it holds.
    pub verdict: Verdict,
    /// How many things (orders, products, sessions …) were looked at.
    pub checked: u64,
    /// What was seen, and for a violation an example to look up.
    pub evidence: Text,
}

/// What an audit can say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Looked at, and true.
    Held,
    /// Looked at, and false.
    Violated,
    /// Nothing to look at. Not a pass.
    NoEvidence,
}

impl Verdict {
    /// The verdict over several: one violation spoils all, and so does, in its absence, one lack of
    /// evidence. Of nothing at all there is no evidence.
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
