//! Two saved runs side by side: before and after a change, or on two machines.
//!
//! Each driver of one run is compared with the same driver of the other, by the method of a report
//! ([`stats`](crate::stats)). But a report relies on trials that alternate on one machine, and here they do not. So a
//! diff also lists what else differs between the runs. `docs/diff.schema.json` describes it for programs.

mod text;

use chrono::{DateTime, Utc};
use serde::Serialize;

pub use text::render;

use crate::html;
use crate::run::{Comparison, ModeRun, Run};
use crate::stats::{FIGURES, Side, Spread, compare_one, confidence, spread};
use crate::words;
use audit::Verdict;
use servers::record::Machine;
use terminal::text::Text;
use topology::Driver;

/// The format's name and version.
pub const SCHEMA: &str = "cleave.diff/1";

/// Two runs side by side.
#[derive(Debug, Serialize)]
pub struct Diff {
    /// Always [`SCHEMA`].
    pub schema: &'static str,
    /// The baseline.
    pub first: RunHead,
    /// The run to compare with it.
    pub second: RunHead,
    /// What else differs between them.
    pub differs: Vec<Differing>,
    /// Cautions, one sentence each.
    pub cautions: Vec<Text>,
    /// The drivers that both runs have.
    pub drivers: Vec<DriverDiff>,
    /// Drivers that only the first run has.
    pub only_in_first: Vec<String>,
    /// Drivers that only the second run has.
    pub only_in_second: Vec<String>,
    /// The combined verdict of both runs.
    pub verdict: Verdict,
}

/// Where and when a run was made.
#[derive(Debug, Serialize)]
pub struct RunHead {
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The commit that was measured.
    pub commit: Option<String>,
    /// The version of the program.
    pub cleave_version: String,
    /// The seed of its load.
    pub seed: u64,
    /// The machine it ran on.
    pub machine: Machine,
    /// Its verdict.
    pub verdict: Verdict,
}

/// A difference between the runs.
#[derive(Debug, PartialEq, Serialize)]
pub struct Differing {
    /// The subject.
    pub what: What,
    /// Its value in the first run.
    pub first: Text,
    /// Its value in the second run.
    pub second: Text,
}

/// A subject in which runs can differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum What {
    /// The machine.
    Machine,
    /// The number, rate and duration of orders, and the number of products and customers.
    Load,
    /// The intended outcomes.
    Mix,
    /// The seed.
    Seed,
    /// The version of the program.
    Version,
    /// The commit.
    Commit,
    /// The rules that were left out.
    Flaws,
    /// The servers and their settings.
    Servers,
    /// The number of trials per driver.
    Trials,
}

/// One driver in both runs.
#[derive(Debug, Serialize)]
pub struct DriverDiff {
    /// Its name in both.
    pub label: String,
    /// The driver.
    pub driver: Driver,
    /// The combined audit verdict of the first run.
    pub first: Verdict,
    /// The combined audit verdict of the second run.
    pub second: Verdict,
    /// The figures.
    pub figures: Vec<FigureDiff>,
}

/// One figure of one driver.
#[derive(Debug, Serialize)]
pub struct FigureDiff {
    /// Median and extremes over the first run's trials; null if it was not measured.
    pub first: Option<Spread>,
    /// The same for the second run.
    pub second: Option<Spread>,
    /// The second run compared with the first.
    #[serde(flatten)]
    pub comparison: Comparison,
}

/// Compares two runs; the first is the baseline.
pub fn diff(first: &Run, second: &Run) -> Diff {
    let same = |mode: &ModeRun, other: &Run| other.modes.iter().any(|found| found.label == mode.label);
    let only = |one: &Run, other: &Run| {
        one.modes.iter().filter(|mode| !same(mode, other)).map(|mode| mode.label.clone()).collect()
    };
    let pairs: Vec<(&ModeRun, &ModeRun)> = first
        .modes
        .iter()
        .filter_map(|mode| Some((mode, second.modes.iter().find(|other| other.label == mode.label)?)))
        .collect();
    let confidence = confidence(pairs.len());
    let differs = differing(first, second);
    Diff {
        schema: SCHEMA,
        cautions: cautions(first, second, &pairs, &differs),
        drivers: pairs.into_iter().map(|(one, other)| driver_diff(one, other, confidence)).collect(),
        differs,
        only_in_first: only(first, second),
        only_in_second: only(second, first),
        verdict: Verdict::of_all([first.verdict, second.verdict]),
        first: RunHead::of(first),
        second: RunHead::of(second),
    }
}

impl RunHead {
    fn of(run: &Run) -> RunHead {
        RunHead {
            started_at: run.started_at,
            commit: run.commit.clone(),
            cleave_version: run.cleave_version.clone(),
            seed: run.seed,
            machine: run.machine.clone(),
            verdict: run.verdict,
        }
    }
}

fn driver_diff(first: &ModeRun, second: &ModeRun, confidence: f64) -> DriverDiff {
    let (name, other_name) = (words::first_run(), words::second_run());
    let baseline = Side { name: &name, trials: &first.trials };
    let other = Side { name: &other_name, trials: &second.trials };
    let figures = FIGURES.iter().map(|figure| FigureDiff {
        first: spread(first.trials.iter().map(figure.value)),
        second: spread(second.trials.iter().map(figure.value)),
        comparison: Comparison {
            baseline: "first".to_owned(),
            other: "second".to_owned(),
            ..compare_one(figure, baseline, other, confidence)
        },
    });
    DriverDiff {
        label: first.label.clone(),
        driver: first.driver,
        first: verdict_of(first),
        second: verdict_of(second),
        figures: figures.collect(),
    }
}

fn verdict_of(mode: &ModeRun) -> Verdict {
    Verdict::of_all(mode.trials.iter().flat_map(|trial| &trial.audit).map(|audit| audit.verdict))
}

/// What may differ between two runs, whether it is the same in both, and how it is shown.
type Shown<'a> = (What, fn(&Run, &Run) -> bool, &'a dyn Fn(&Run) -> String);

fn differing(first: &Run, second: &Run) -> Vec<Differing> {
    let trials = |run: &Run| {
        let each = run.modes.iter().map(|mode| format!("{} {}", mode.label, mode.trials.len()));
        each.collect::<Vec<_>>().join(", ")
    };
    let servers = |run: &Run| {
        let server = |server| html::server(server);
        format!(
            "PostgreSQL {}; RabbitMQ {}",
            server(run.servers.postgresql.as_ref()),
            server(run.servers.rabbitmq.as_ref())
        )
    };
    let flaws = |run: &Run| match &run.flaws[..] {
        [] => words::nothing(),
        flaws => flaws.join(", "),
    };
    let shown: [Shown; 9] = [
        (What::Machine, |a, b| a.machine == b.machine, &|run| run.machine.words()),
        (What::Load, |a, b| without_mix(a) == without_mix(b), &|run| html::load(&run.load)),
        (What::Mix, |a, b| a.load.mix == b.load.mix, &|run| html::mix(&run.load)),
        (What::Seed, |a, b| a.seed == b.seed, &|run| run.seed.to_string()),
        (What::Version, |a, b| a.cleave_version == b.cleave_version, &|run| run.cleave_version.clone()),
        (What::Commit, |a, b| a.commit == b.commit, &|run| {
            run.commit.clone().unwrap_or_else(words::no_commit)
        }),
        (What::Flaws, |a, b| a.flaws == b.flaws, &flaws),
        (What::Servers, |a, b| a.servers == b.servers, &servers),
        (What::Trials, |a, b| trials_of(a) == trials_of(b), &trials),
    ];
    let differing = shown.into_iter().filter(|(_, same, _)| !same(first, second));
    let said = |say: &dyn Fn(&Run) -> String, run| Text::of(|| say(run));
    differing
        .map(|(what, _, say)| Differing { what, first: said(say, first), second: said(say, second) })
        .collect()
}

fn without_mix(run: &Run) -> crate::run::Load {
    crate::run::Load { mix: Default::default(), ..run.load.clone() }
}

/// Only of the drivers that both runs have: additional drivers are reported elsewhere.
fn trials_of(run: &Run) -> Option<usize> {
    run.modes.iter().map(|mode| mode.trials.len()).max()
}

fn cautions(first: &Run, second: &Run, pairs: &[(&ModeRun, &ModeRun)], differs: &[Differing]) -> Vec<Text> {
    let has = |what: What| differs.iter().any(|one| one.what == what);
    let mut cautions = vec![words::not_alternated()];
    cautions.extend(has(What::Machine).then(words::machines_differ));
    cautions.extend((has(What::Load) || has(What::Mix)).then(words::load_differs));
    cautions.extend(pairs.is_empty().then(words::no_driver_in_common));
    let few = |(one, other): &(&ModeRun, &ModeRun)| one.trials.len().min(other.trials.len()) < 2;
    cautions.extend(pairs.iter().any(few).then(words::few_trials));
    for (run, name) in [(first, words::first_run()), (second, words::second_run())] {
        match run.verdict {
            Verdict::Held => {}
            Verdict::Violated => cautions.push(words::run_violated(&name)),
            Verdict::NoEvidence => cautions.push(words::run_without_evidence(&name)),
        }
        for mode in &run.modes {
            let hindered = mode.trials.iter().filter(|trial| !trial.hindered.is_empty());
            cautions.extend(hindered.map(|t| words::trial_without_evidence(&name, &mode.label, t.trial)));
        }
    }
    cautions
}
