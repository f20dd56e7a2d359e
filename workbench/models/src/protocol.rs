//! The protocols, the rules that a model can leave out, and what a model says about itself.

use std::collections::BTreeMap;
use std::fmt::{Debug, Display, Formatter};
use std::hash::Hash;

use clap::ValueEnum;
use serde::Serialize;
use stateright::Model;

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
    pub(crate) fn last(count: usize) -> &'static [Module] {
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

impl Display for Name {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Name::TwoPhase => "two-phase",
            Name::Saga => "saga",
        })
    }
}
