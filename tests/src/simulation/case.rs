//! One schedule on one shop: all that a run depends on.

use std::collections::BTreeSet;
use std::fmt::Write;

use clap::ValueEnum;
use contracts::TraceContext;
use platform::Flaw;

use super::choices::{Choices, Dice};
use super::history::History;
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
    /// Each service hears what happened and does its step.
    Choreographed,
    /// The orders service asks all at once, then confirms or cancels.
    Tcc,
}

impl Protocol {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }
}

/// The rules that a simulation can leave out. All but the last concern the ground, which is simulated; the last is a
/// switch of the module's own, and holds for the whole process.
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

/// All that a run depends on. Two runs of one case are the same to the last step.
#[derive(Debug, Clone)]
pub struct Case {
    /// How the services stay consistent.
    pub protocol: Protocol,
    /// The rule that is left out on purpose.
    pub flaw: Option<Flaw>,
    /// Where the shop, its errands and its schedule come from.
    pub seed: u64,
    /// The numbers of the errands that nobody runs.
    pub without: BTreeSet<usize>,
    /// The schedule, where it is not the seed's.
    pub choices: Option<Vec<u32>>,
}

/// What came of a case.
pub struct Run {
    /// The hash of all that happened.
    pub hash: u64,
    /// All that happened, if it was asked for.
    pub lines: Vec<String>,
    /// What happened how often.
    pub tally: Tally,
    /// The invariant that did not hold. The run ends there.
    pub violation: Option<Violation>,
    /// The schedule that was run.
    pub choices: Vec<u32>,
    /// How many errands there were.
    pub errands: usize,
}

impl Case {
    /// A seed's own schedule.
    pub fn new(protocol: Protocol, flaw: Option<Flaw>, seed: u64) -> Case {
        Case { protocol, flaw, seed, without: BTreeSet::new(), choices: None }
    }

    /// Runs it. Only a run that is to be read keeps its lines.
    pub fn run(&self, keeps_lines: bool) -> Run {
        let scenario = Scenario::new(self.seed);
        let mut choices = match &self.choices {
            Some(given) => Choices::given(given.clone()),
            None => Choices::drawn(Dice::new(self.seed, 1), scenario.length),
        };
        let ground = Ground {
            protocol: self.protocol,
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

    /// The command that runs it again and tells all that happens.
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
            // An empty list is a schedule too: nothing goes wrong.
            let choices = if choices.is_empty() { "0".to_owned() } else { list(choices) };
            write!(command, " --choices {choices}").expect("a string takes text");
        }
        command
    }
}

fn list<T: ToString>(numbers: impl IntoIterator<Item = T>) -> String {
    numbers.into_iter().map(|number| number.to_string()).collect::<Vec<_>>().join(",")
}
