//! Shrinks a failing schedule to a short one that fails in the same way (*delta debugging*, Zeller, 1999).

use super::case::Case;

/// The maximum number of runs for one schedule.
const RUNS: u32 = 4000;

/// A smaller case that violates the same invariant: fewer errands, fewer steps, fewer faults.
pub fn shrink(case: &Case) -> Case {
    let run = case.run(false);
    let Some(violation) = run.violation else { return case.clone() };
    let mut shrinking = Shrinking {
        best: Case { choices: Some(run.choices), ..case.clone() },
        invariant: violation.invariant,
        runs: RUNS,
    };
    loop {
        let before = shrinking.runs;
        let improved = shrinking.drop_errands(run.errands) | shrinking.drop_steps() | shrinking.calm_steps();
        if !improved || shrinking.runs == 0 || before == shrinking.runs {
            return shrinking.best;
        }
    }
}

struct Shrinking {
    best: Case,
    invariant: &'static str,
    runs: u32,
}

impl Shrinking {
    /// Keeps the candidate if it still fails in the same way.
    fn take(&mut self, candidate: Case) -> bool {
        if self.runs == 0 {
            return false;
        }
        self.runs -= 1;
        let fails = candidate.run(false).violation.is_some_and(|found| found.invariant == self.invariant);
        if fails {
            self.best = candidate;
        }
        fails
    }

    fn steps(&self) -> &[u32] {
        self.best.choices.as_deref().unwrap_or_default()
    }

    fn take_steps(&mut self, steps: Vec<u32>) -> bool {
        self.take(Case { choices: Some(steps), ..self.best.clone() })
    }

    fn drop_errands(&mut self, errands: usize) -> bool {
        let mut improved = false;
        for errand in 0..errands {
            let mut without = self.best.without.clone();
            improved |= without.insert(errand) && self.take(Case { without, ..self.best.clone() });
        }
        improved
    }

    /// Removes sequences of steps, long ones first.
    fn drop_steps(&mut self) -> bool {
        let mut improved = false;
        let mut size = self.steps().len();
        while size > 0 {
            let mut from = 0;
            while from < self.steps().len() {
                let mut fewer = self.steps().to_vec();
                fewer.drain(from..(from + size).min(fewer.len()));
                if self.take_steps(fewer) {
                    improved = true;
                } else {
                    from += size;
                }
            }
            size /= 2;
        }
        improved
    }

    /// Replaces steps by 0, one by one. 0 is what happens without a schedule.
    fn calm_steps(&mut self) -> bool {
        let mut improved = false;
        for step in (0..self.steps().len()).rev() {
            let mut calmer = self.steps().to_vec();
            if step < calmer.len() && calmer[step] != 0 {
                calmer[step] = 0;
                improved |= self.take_steps(calmer);
            }
        }
        improved
    }
}
