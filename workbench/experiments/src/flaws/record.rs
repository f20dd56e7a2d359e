//! Flaws and results of experiments as JSON: docs/flaws.schema.json.

use serde::{Deserialize, Serialize};

use super::{FLAWS, Flaw};
use audit::{Audit, Verdict};
use terminal::text::Text;
use topology::Driver;

/// The format of the JSON.
pub const SCHEMA: &str = "cleave.flaws/1";

/// The JSON document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Document {
    /// [`SCHEMA`].
    pub schema: String,
    /// The requested flaws.
    pub flaws: Vec<Entry>,
}

/// One flaw.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Entry {
    /// Its name, as in `--flaws`.
    pub name: String,
    /// The number of the rule that it leaves out.
    pub rule: u8,
    /// A sentence that says what is left out.
    pub says: Text,
    /// The invariant that must break.
    pub breaks: String,
    /// The driver on which the experiment shows it.
    pub driver: Driver,
    /// The experiment and its result.
    pub seen: Text,
    /// The command that shows it.
    pub command: String,
    /// The result; only if the experiment was run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shown: Option<Shown>,
}

/// The result of an experiment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shown {
    /// Whether everything held without the flaw, and the named invariant was violated with it.
    pub caught: bool,
    /// The shop that follows all rules.
    pub sound: Observed,
    /// The shop that leaves one out.
    pub flawed: Observed,
    /// How long all of it took.
    pub seconds: f64,
}

/// The observations of one shop.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Observed {
    /// What was unfinished when the time was up.
    pub unfinished: Option<String>,
    /// The invariants, I1 to I9.
    pub audit: Vec<Audit>,
}

impl Observed {
    /// The audit's verdict on one invariant.
    pub fn verdict(&self, invariant: &str) -> Verdict {
        let found = self.audit.iter().find(|audit| audit.invariant == invariant);
        found.map_or(Verdict::NoEvidence, |audit| audit.verdict)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.unfinished.is_none()
            && Verdict::of_all(self.audit.iter().map(|audit| audit.verdict)) == Verdict::Held
    }
}

impl Document {
    /// All flaws, without results.
    pub fn of_all() -> Document {
        let flaws = FLAWS.iter().map(|flaw| Entry::new(flaw, None)).collect();
        Document { schema: SCHEMA.to_owned(), flaws }
    }

    /// Whether each flaw was tried and caught.
    pub fn all_caught(&self) -> bool {
        !self.flaws.is_empty() && self.flaws.iter().all(Entry::is_caught)
    }
}

impl Entry {
    /// Whether it was tried and caught.
    pub fn is_caught(&self) -> bool {
        self.shown.as_ref().is_some_and(|shown| shown.caught)
    }

    pub(super) fn new(flaw: &Flaw, shown: Option<Shown>) -> Entry {
        Entry {
            name: flaw.name.to_owned(),
            rule: flaw.rule,
            says: (flaw.says)(),
            breaks: flaw.breaks.to_owned(),
            driver: flaw.driver,
            seen: (flaw.seen)(),
            command: flaw.command(),
            shown,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flaw_is_caught_only_if_the_shop_without_it_is_sound() {
        let observed = |verdict| Observed {
            unfinished: None,
            audit: vec![Audit {
                invariant: "I1".into(),
                title: Text::default(),
                verdict,
                checked: 1,
                evidence: Text::default(),
            }],
        };
        assert!(observed(Verdict::Held).is_sound());
        assert!(!observed(Verdict::NoEvidence).is_sound());
        assert!(!Observed { unfinished: Some("3 orders".into()), ..observed(Verdict::Held) }.is_sound());
        assert_eq!(observed(Verdict::Violated).verdict("I1"), Verdict::Violated);
        assert_eq!(observed(Verdict::Violated).verdict("I2"), Verdict::NoEvidence);
        assert!(!Document::of_all().all_caught(), "none was tried");
    }
}
