//! One schedule on one shop, with everything that a run depends on.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::ValueEnum;
use contracts::TraceContext;
use platform::Flaw;

use super::choices::{Choices, Dice};
use super::history::History;
use super::placement::Placement;
use super::reactions::Ground;
use super::scenario::Scenario;
use super::tally::Tally;
use super::watch::Violation;
use super::world::World;

/// How the simulated services stay consistent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Protocol {
    /// The orders service sends one command after the other.
    Orchestrated,
    /// A monolith that some modules have left. The seed says which.
    Hybrid,
    /// Each service reacts to the events of the others.
    Choreographed,
    /// The orders service asks all services at once, then confirms or cancels.
    Tcc,
}

impl Protocol {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// The rules that a simulation can leave out. All but the last belong to the simulated infrastructure. The
/// last one is a switch inside a module, and applies to the whole process.
pub const SIMULATED: [Flaw; 9] = [
    Flaw::NoOutbox,
    Flaw::SentBeforePublished,
    Flaw::AckBeforeCommit,
    Flaw::NoInbox,
    Flaw::InboxApart,
    Flaw::NoVersionGuard,
    Flaw::IntentNotStored,
    Flaw::TimeOutMeansFailure,
    Flaw::NoTombstone,
];

/// Everything that a run depends on. Two runs of one case are identical, step by step.
#[derive(Debug, Clone)]
pub struct Case {
    /// How the services stay consistent.
    pub protocol: Protocol,
    /// The rule that is left out on purpose.
    pub flaw: Option<Flaw>,
    /// Determines the shop, its errands and, unless `choices` is set, its schedule.
    pub seed: u64,
    /// The numbers of the errands that are left out.
    pub without: BTreeSet<usize>,
    /// The schedule to run instead of the seed's own.
    pub choices: Option<Vec<u32>>,
}

/// The result of a case.
pub struct Run {
    /// The hash of the history.
    pub hash: u64,
    /// The history, if it was kept.
    pub lines: Vec<String>,
    /// Counts of what happened.
    pub tally: Tally,
    /// The first invariant that was violated. The run ends there.
    pub violation: Option<Violation>,
    /// The schedule that was run.
    pub choices: Vec<u32>,
    /// How many errands the seed has.
    pub errands: usize,
}

impl Case {
    /// A case with the seed's own schedule.
    pub fn new(protocol: Protocol, flaw: Option<Flaw>, seed: u64) -> Case {
        Case { protocol, flaw, seed, without: BTreeSet::new(), choices: None }
    }

    /// Runs the case. `keeps_lines` keeps a readable history.
    pub fn run(&self, keeps_lines: bool) -> Run {
        let scenario = Scenario::new(self.seed);
        let mut choices = match &self.choices {
            Some(given) => Choices::given(given.clone()),
            None => Choices::drawn(Dice::new(self.seed, 1), scenario.length),
        };
        let ground = Ground {
            protocol: self.protocol,
            placement: match self.protocol {
                Protocol::Hybrid => Placement::of(self.seed),
                _ => Placement::SPLIT,
            },
            flaw: self.flaw,
            clock: 0,
            answer_within: scenario.answer_within,
            trace: TraceContext::parse("00-00000000000000000000000000000001-0000000000000001-01")
                .expect("a traceparent"),
        };
        let all = scenario.errands.iter().enumerate();
        let errands: Vec<_> = all.filter(|(number, _)| !self.without.contains(number)).collect();
        let mut world = World::new(&scenario, errands, ground, History::new(keeps_lines));
        let violation = world.run(&mut choices).err();
        if let Some(violation) = &violation {
            world.history.note(format_args!("{violation}"));
        }
        let World { history, tally, .. } = world;
        let (hash, lines) = history.finish();
        Run { hash, lines, tally, violation, choices: choices.taken(), errands: scenario.errands.len() }
    }

    /// The command that runs it again and prints its history.
    pub fn command(&self) -> String {
        let (protocol, seed) = (self.protocol.name(), self.seed);
        let mut command =
            format!("cargo run --release -p tests --bin simulate -- --protocol {protocol} --seed {seed}");
        if let Some(flaw) = self.flaw {
            write!(command, " --flaw {}", flaw.name()).expect("a string takes text");
        }
        if !self.without.is_empty() {
            write!(command, " --without {}", list(&self.without)).expect("a string takes text");
        }
        if let Some(choices) = &self.choices {
            // An empty list is also a schedule, one without faults. The option needs at least one number.
            let choices = if choices.is_empty() { "0".to_owned() } else { list(choices) };
            write!(command, " --choices {choices}").expect("a string takes text");
        }
        command
    }
}

fn list<T: ToString>(numbers: impl IntoIterator<Item = T>) -> String {
    numbers.into_iter().map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}
