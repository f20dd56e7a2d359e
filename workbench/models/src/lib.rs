//! Models of the protocols, checked by stateright: every order of every step, within bounds.
//!
//! A test only sees the runs that happen to occur. A model is small enough to check all of them: crashes between any
//! two steps, and messages that arrive late, twice, or in any order. The result is true of the model. [`two_phase`] and
//! [`saga`] list what they leave out; the crash matrix and the simulation test the code itself.

mod check;
mod explore;
mod help;
pub mod saga;
pub mod two_phase;
mod words;

use std::collections::BTreeMap;
use std::fmt::{Debug, Display, Formatter};
use std::hash::Hash;
use std::net::SocketAddr;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Parser, ValueEnum};
use serde::Serialize;
use stateright::Model;

pub use check::{Checked, Finding, Verdict, check};
pub use saga::Saga;
pub use two_phase::TwoPhase;

use terminal::{output, say};

/// A protocol with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    /// Two-phase commit, as PostgreSQL does it.
    TwoPhase,
    /// The orchestrated saga.
    Saga,
}

/// A rule that a model can leave out. The shop has flaws with the same names, except for two, as noted there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flaw {
    /// Rule 30 (decision), two-phase: the decision to commit is kept in memory only.
    DecisionNotDurable,
    /// Rule 31 (recovery), two-phase: there is no recovery of transactions in doubt.
    NoRecovery,
    /// Rule 31 (recovery), two-phase: recovery treats every prepared transaction as one of a dead process.
    RecoveryIgnoresEpoch,
    /// Rule 60 (abort record), two-phase: a coordinator that was taken over still records *commit*. The shop has no
    /// such flaw.
    UnfencedDecision,
    /// Rule 12 (inbox), saga: handled messages are not remembered, and neither are executed steps, by rule 20 (once per
    /// order).
    NoInbox,
    /// Rule 19 (tombstone), saga: a compensation with nothing to undo leaves nothing behind.
    NoTombstone,
    /// Rule 21 (compare-and-set), saga: a save overwrites what another instance has changed meanwhile.
    NoVersionGuard,
    /// Rule 25 (pivot), saga: the pivot, which is never undone, refuses one attempt and accepts the next. The shop has
    /// no such flaw: the result of its pivot depends only on the order.
    FicklePivot,
}

impl Flaw {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// The protocol that the rule belongs to.
    pub fn concerns(self) -> Name {
        match self {
            Flaw::DecisionNotDurable
            | Flaw::NoRecovery
            | Flaw::RecoveryIgnoresEpoch
            | Flaw::UnfencedDecision => Name::TwoPhase,
            Flaw::NoInbox | Flaw::NoTombstone | Flaw::NoVersionGuard | Flaw::FicklePivot => Name::Saga,
        }
    }
}

/// A participating module, in the order of the checkout's steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Module {
    /// Prices.
    Catalog,
    /// Stock.
    Inventory,
    /// Money.
    Payments,
    /// The pivot.
    Shipping,
}

impl Module {
    /// The last `count` modules.
    fn last(count: usize) -> &'static [Module] {
        const ALL: [Module; 4] = [Module::Catalog, Module::Inventory, Module::Payments, Module::Shipping];
        &ALL[ALL.len() - count..]
    }
}

impl Display for Module {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Module::Catalog => "catalog",
            Module::Inventory => "inventory",
            Module::Payments => "payments",
            Module::Shipping => "shipping",
        })
    }
}

/// A model with a name and bounds.
pub trait Protocol:
    Model<
        State: Clone + Debug + Hash + PartialEq + Send + Sync,
        Action: Clone + Debug + PartialEq + Send + Sync,
    > + Clone
    + Send
    + Sync
    + 'static
{
    /// The protocol.
    const NAME: Name;
    /// The rule that is left out.
    fn flaw(&self) -> Option<Flaw>;
    /// The bounds, by name.
    fn bounds(&self) -> BTreeMap<&'static str, u64>;
}

/// Check a model of a protocol in every order of steps, within bounds
#[derive(Debug, Parser)]
#[command(name = "cleave model", bin_name = format!("{} model", terminal::program()), version)]
struct Arguments {
    /// The protocol.
    name: Name,
    /// Leave out a rule, and show the shortest path to the violation that it prevents.
    #[arg(long)]
    flaw: Option<Flaw>,
    /// Serve stateright's explorer on this loopback address until Ctrl-C, by default on a free port of 127.0.0.1.
    #[arg(long, value_name = "ADDRESS", num_args = 0..=1, default_missing_value = "127.0.0.1:0",
          conflicts_with = "json", value_parser = explore::loopback)]
    explore: Option<SocketAddr>,
    /// Write the findings as JSON to this file; `-` is standard output.
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<String>,
}

/// Reads the command line, checks a model or serves its explorer. Exit status: 0 every property holds, 1 one does not,
/// 2 nothing was checked, 64 bad usage.
pub fn main() -> ExitCode {
    let arguments = match help::read(std::env::args_os()) {
        Ok(arguments) => arguments,
        Err(error) => return explain(&error),
    };
    match run(&arguments) {
        Ok(held) => say::ended(u8::from(!held)),
        Err(error) => {
            terminal::note!("cleave: {error:#}");
            ExitCode::from(2)
        }
    }
}

/// Prints the requested help, or the error in the command line.
fn explain(error: &clap::Error) -> ExitCode {
    if !error.use_stderr() {
        say::remember(error.print());
        return say::ended(0);
    }
    match help::usage_error(error) {
        Some(text) => terminal::note!("{text}"),
        // If standard error cannot be written, there is no other place for the message.
        None => drop(error.print()),
    }
    say::ended(64)
}

fn run(arguments: &Arguments) -> Result<bool> {
    let Arguments { name, flaw, explore, json } = arguments;
    if let Some(flaw) = flaw.filter(|flaw| flaw.concerns() != *name) {
        bail!(words::other_model(name, flaw.name(), flaw.concerns()));
    }
    // A flaw breaks its rule within narrow bounds, which are searched quickly. Showing that nothing breaks takes wider
    // ones.
    let faults = u8::from(flaw.is_none());
    let two_phase = TwoPhase { participants: 3, crashes: 1 + faults, duplicates: faults, flaw: *flaw };
    let saga = Saga { participants: 3, attempts: 2, crashes: faults, flaw: *flaw };
    if let Some(address) = explore {
        return match name {
            Name::TwoPhase => explore::serve(two_phase, *address),
            Name::Saga => explore::serve(saga, *address),
        };
    }
    let checked = match name {
        Name::TwoPhase => check(&two_phase),
        Name::Saga => check(&saga),
    };
    output::figures(json.as_deref(), &checked, &checked)?;
    Ok(checked.verdict == Verdict::Held)
}

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Name::TwoPhase => "two-phase",
            Name::Saga => "saga",
        })
    }
}

#[cfg(test)]
mod tests;
