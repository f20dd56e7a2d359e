//! Looks at all states of a model, and says what was found.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{Display, Formatter};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde::Serialize;
use stateright::{Checker, Expectation, HasDiscoveries, Path, Property};

use super::{Flaw, Name, Protocol, words};
use servers::record;
use terminal::text::Text;

/// How often progress is told.
const TOLD_EVERY: Duration = Duration::from_secs(2);

/// What a check has found: `docs/model.schema.json`.
#[derive(Debug, Clone, Serialize)]
pub struct Checked {
    /// The version of this format.
    pub schema: &'static str,
    /// The git commit of the program; none outside git.
    pub commit: Option<String>,
    /// Which model.
    pub model: Name,
    /// The rule that was left out.
    pub flaw: Option<Flaw>,
    /// How much of the model was looked at: the bounds by name.
    pub bounds: BTreeMap<&'static str, u64>,
    /// Steps that were taken: states, counted each time they were reached.
    pub states: u64,
    /// States that differ.
    pub distinct_states: u64,
    /// States on the longest of the shortest ways to any state.
    pub depth: u64,
    /// How long it took to look at all of them, in seconds. The search for the shortest way to
    /// a violation comes after that.
    pub duration_s: f64,
    /// Held, if each property is held or found.
    pub verdict: Verdict,
    /// Property by property.
    pub properties: Vec<Finding>,
}

/// What was found of one property.
#[derive(Debug, Clone, Serialize)]
pub struct Finding {
    /// The property in words.
    pub name: &'static str,
    /// Whether it is to hold always, or sometimes.
    pub expected: &'static str,
    /// What came out.
    pub verdict: Verdict,
    /// The shortest way to a state that breaks it. Examples are for the explorer, which shows what else is possible.
    pub path: Option<Vec<Text>>,
}

/// What came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is so in every state.
    Held,
    /// It is not so in some state.
    Violated,
    /// There is an example.
    Found,
    /// There is no example: the model cannot do what it is to show.
    NotFound,
}

/// Looks at every state within the bounds. Takes one thread, for then the order is breadth first, and the figures of
/// two runs are the same.
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
        handle.join().expect("a property or a step of the model panics");
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

/// Goes on to the last state, whatever is found.
fn never() -> HasDiscoveries {
    HasDiscoveries::AllOf(BTreeSet::from(["no property has this name"]))
}

fn find<P: Protocol>(model: &P, property: &Property<P>, discovered: bool) -> Finding {
    let (expected, verdict) = match (&property.expectation, discovered) {
        (Expectation::Sometimes, true) => ("sometimes", Verdict::Found),
        (Expectation::Sometimes, false) => ("sometimes", Verdict::NotFound),
        (Expectation::Always, true) => ("always", Verdict::Violated),
        (Expectation::Always, false) => ("always", Verdict::Held),
        // stateright forgets about cycles and about ways that join, and so misses counterexamples.
        (Expectation::Eventually, _) => unreachable!("no model says eventually"),
    };
    let path = (verdict == Verdict::Violated).then(|| {
        let way = shortest(model, property.name);
        way.iter().map(|action| Text::of(|| model.format_action(action))).collect()
    });
    Finding { name: property.name, expected, verdict, path }
}

/// The shortest way to a state that decides a property. Of several that it meets in one go, stateright keeps the last,
/// which need not be the nearest; so it is asked again for a shorter one until there is none.
fn shortest<P: Protocol>(model: &P, property: &'static str) -> Vec<P::Action> {
    let mut best = Vec::new();
    let mut shorter = way(model, property, None);
    while let Some(found) = shorter {
        shorter = way(model, property, Some(found.len()));
        best = found;
    }
    best
}

/// A way to a state that decides a property, in fewer steps than so many.
fn way<P: Protocol>(model: &P, property: &'static str, below: Option<usize>) -> Option<Vec<P::Action>> {
    let mut search = model.clone().checker().finish_when(HasDiscoveries::AllOf(BTreeSet::from([property])));
    if let Some(steps) = below {
        // It counts the states of a way, of which there is one more than steps, and leaves out those at the bound.
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
            writeln!(f, "{verdict:9}  {expected:9}  {property}")?;
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
