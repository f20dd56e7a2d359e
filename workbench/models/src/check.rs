//! Searches all states of a model, and reports the findings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Formatter};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;
use stateright::{Checker, Expectation, HasDiscoveries, Path, Property};

use super::{Flaw, Name, Protocol, words};
use servers::record;
use terminal::language::padded;
use terminal::text::Text;

/// The interval between progress lines.
const TOLD_EVERY: Duration = Duration::from_secs(2);

/// The findings of a check: `docs/model.schema.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// The version of this format.
    pub schema: &'static str,
    /// The git commit of the program; none outside git.
    pub commit: Option<String>,
    /// The protocol that was modelled.
    pub model: Name,
    /// The rule that was left out.
    pub flaw: Option<Flaw>,
    /// The bounds of the model, by name.
    pub bounds: BTreeMap<&'static str, u64>,
    /// Generated states: each is counted every time it is reached.
    pub states: u64,
    /// States without repetitions.
    pub distinct_states: u64,
    /// The largest distance of any state from the start, in states.
    pub depth: u64,
    /// How long the search of all states took, in seconds. The search for the shortest path to a violation comes after
    /// that.
    pub duration_s: f64,
    /// Held if each property is held or found.
    pub verdict: Verdict,
    /// The finding for each property.
    pub properties: Vec<Finding>,
}

/// The finding for one property.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The property in words.
    pub name: &'static str,
    /// Whether it should hold always or sometimes.
    pub expected: &'static str,
    /// The verdict.
    pub verdict: Verdict,
    /// The shortest path to a state that violates it. Examples have no path here; the explorer shows them.
    pub path: Option<Vec<Text>>,
}

/// A verdict on one property.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// True in every state.
    Held,
    /// False in some state.
    Violated,
    /// True in some state, which is all that is expected.
    Found,
    /// No example exists: the model cannot do what it should show.
    NotFound,
}

/// Visits every state within the bounds. It uses one thread, so that the search is breadth first and the figures are
/// the same in every run.
pub fn check<P: Protocol>(model: &P) -> Checked {
    let started = Instant::now();
    let mut checker = model.clone().checker().finish_when(never()).spawn_bfs();
    let mut told = Instant::now();
    let handles = checker.handles();
    while !handles.iter().all(|handle| handle.is_finished()) {
        sleep(Duration::from_millis(20));
        if told.elapsed() > TOLD_EVERY {
            told = Instant::now();
            let (states, depth) = (checker.unique_state_count(), checker.max_depth());
            terminal::note!("{}", words::so_far(states, depth));
        }
    }
    let duration_s = started.elapsed().as_secs_f64();
    for handle in handles {
        handle.join().expect("a property or a step of the model panicked");
    }
    let discovered = checker.discoveries();
    let properties: Vec<Finding> = model
        .properties()
        .iter()
        .map(|property| find(model, property, discovered.contains_key(property.name)))
        .collect();
    let fine = properties.iter().all(|found| matches!(found.verdict, Verdict::Held | Verdict::Found));
    Checked {
        schema: "cleave.model/1",
        commit: record::commit(),
        model: P::NAME,
        flaw: model.flaw(),
        bounds: model.bounds(),
        states: checker.state_count() as u64,
        distinct_states: checker.unique_state_count() as u64,
        depth: checker.max_depth() as u64,
        duration_s,
        verdict: if fine { Verdict::Held } else { Verdict::Violated },
        properties,
    }
}

/// Continues to the last state, even after a violation.
fn never() -> HasDiscoveries {
    HasDiscoveries::AllOf(BTreeSet::from(["no property has this name"]))
}

fn find<P: Protocol>(model: &P, property: &Property<P>, discovered: bool) -> Finding {
    let (expected, verdict) = match (&property.expectation, discovered) {
        (Expectation::Sometimes, true) => ("sometimes", Verdict::Found),
        (Expectation::Sometimes, false) => ("sometimes", Verdict::NotFound),
        (Expectation::Always, true) => ("always", Verdict::Violated),
        (Expectation::Always, false) => ("always", Verdict::Held),
        // stateright does not detect cycles and joining paths here, and so misses counterexamples.
        (Expectation::Eventually, _) => unreachable!("no model says eventually"),
    };
    let path = (verdict == Verdict::Violated).then(|| {
        let way = shortest(model, property.name);
        way.iter().map(|action| Text::of(|| model.format_action(action))).collect()
    });
    Finding { name: property.name, expected, verdict, path }
}

/// The shortest path to a state that decides a property. If stateright finds several in one block, it keeps the last,
/// which may not be the nearest. So the search is repeated with a smaller bound until there is no shorter path.
fn shortest<P: Protocol>(model: &P, property: &'static str) -> Vec<P::Action> {
    let mut best = Vec::new();
    let mut shorter = way(model, property, None);
    while let Some(found) = shorter {
        shorter = way(model, property, Some(found.len()));
        best = found;
    }
    best
}

/// A path to a state that decides a property, with fewer than `below` steps.
fn way<P: Protocol>(model: &P, property: &'static str, below: Option<usize>) -> Option<Vec<P::Action>> {
    let mut search = model.clone().checker().finish_when(HasDiscoveries::AllOf(BTreeSet::from([property])));
    if let Some(steps) = below {
        // stateright counts the states of a path, one more than its steps, and excludes those at the bound.
        search = search.target_max_depth(steps + 1);
    }
    search.spawn_bfs().join().discovery(property).map(Path::into_actions)
}

impl Display for Checked {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        let bounds = self.bounds.iter().map(|(name, bound)| format!("{} {bound}", words::bound(name)));
        writeln!(f, "{}", words::model_within(self.model, bounds.collect::<Vec<_>>().join(", ")))?;
        if let Some(flaw) = self.flaw {
            writeln!(f, "{}", words::broken(flaw.name()))?;
        }
        let seconds = format!("{:.1}", self.duration_s);
        let searched = words::searched(self.states, self.distinct_states, self.depth, seconds);
        writeln!(f, "{searched}\n")?;
        for found in &self.properties {
            let expected = if found.expected == "always" { words::always() } else { words::sometimes() };
            let (verdict, property) = (found.verdict.to_string(), words::property(found.name));
            writeln!(f, "{}  {}  {property}", padded(&verdict, 9), padded(&expected, 9))?;
        }
        for found in self.properties.iter().filter(|found| found.verdict == Verdict::Violated) {
            writeln!(f, "\n{}", words::shortest_way(words::property(found.name)))?;
            for (at, step) in found.path.iter().flatten().enumerate() {
                writeln!(f, "{:3}. {step}", at + 1)?;
            }
        }
        Ok(())
    }
}

impl Display for Verdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(&match self {
            Verdict::Held => words::held(),
            Verdict::Violated => words::violated(),
            Verdict::Found => words::found(),
            Verdict::NotFound => words::not_found(),
        })
    }
}
