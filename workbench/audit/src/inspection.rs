//! The common part of all judges: count what was checked, and remember the first violation.

use terminal::text::Text;

use crate::{Audit, Verdict, words};

/// The inspection of one invariant.
#[derive(Debug)]
pub(super) struct Inspection {
    invariant: &'static str,
    title: Text,
    checked: u64,
    wrong: u64,
    example: Option<Text>,
}

impl Inspection {
    pub(super) fn of(invariant: &'static str, title: Text) -> Self {
        Self { invariant, title, checked: 0, wrong: 0, example: None }
    }

    /// Counts one more item. `flaw` describes what is wrong with it, if anything.
    pub(super) fn look(&mut self, flaw: Option<Text>) {
        self.checked += 1;
        if let Some(flaw) = flaw {
            self.wrong += 1;
            self.example.get_or_insert(flaw);
        }
    }

    /// The verdict. `seen` describes what was checked, if it was in order.
    pub(super) fn close(self, seen: Text) -> Audit {
        let (verdict, evidence) = match self.example {
            Some(example) => (Verdict::Violated, words::wrong_of(self.wrong, self.checked, example)),
            None if self.checked == 0 => (Verdict::NoEvidence, words::nothing_to_look_at(seen)),
            None => (Verdict::Held, seen),
        };
        Audit {
            invariant: self.invariant.into(),
            title: self.title,
            verdict,
            checked: self.checked,
            evidence,
        }
    }
}
