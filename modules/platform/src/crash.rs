//! *Crash points*: places where a process can be told to crash, to show that it recovers.
//!
//! `--crash-at POINT[:N]` (or `CLEAVE_CRASH_AT`) aborts the process the N-th time it passes the point, without any
//! cleanup, like a power cut. `cleave crash-matrix` tries all points. A point that is not armed costs one relaxed load.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use clap::ValueEnum;

/// The armed point's number plus 1, or 0 if none is armed.
static ARMED: AtomicU32 = AtomicU32::new(0);
/// How many passes are left, including the one that crashes.
static PASSES_LEFT: AtomicU32 = AtomicU32::new(0);

/// A place where a process can be told to crash. *Before* one step is also *after* the previous one; both names exist
/// only where other work lies between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names are self-explanatory")]
pub enum CrashPoint {
    // Every driver: placing an order, doing a step, committing.
    BeforeOrderWrite,
    AfterOrderWrite,
    BeforeBusinessWrite,
    AfterBusinessWrite,
    BeforeCompensation,
    AfterCompensation,
    BeforeCommit,
    AfterCommit,
    // The chassis: inbox, outbox, ack.
    BeforeInboxRow,
    AfterInboxRow,
    BeforeOutboxWrite,
    AfterOutboxWrite,
    BeforeAck,
    AfterAck,
    // The relay.
    BeforePublish,
    AfterPublish,
    AfterConfirm,
    AfterMarkSent,
    // The orchestrator.
    BeforeSagaStart,
    AfterSagaStart,
    BeforeSagaAdvance,
    AfterSagaAdvance,
    AfterSagaSave,
    // Two-phase commit. Points about a branch are passed once per branch.
    BeforePrepare,
    AfterPrepare,
    BeforeDecision,
    AfterDecision,
    BeforeCommitPrepared,
    AfterCommitPrepared,
    BeforeForget,
    AfterForget,
}

/// A crash point, and the pass at which to crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrashAt {
    point: CrashPoint,
    pass: u32,
}

impl FromStr for CrashAt {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, pass) = text.split_once(':').unwrap_or((text, "1"));
        let point = CrashPoint::from_str(name, false).map_err(|_| {
            let names: Vec<String> = CrashPoint::value_variants().iter().map(|point| point.name()).collect();
            format!("there is no crash point {name:?}; the crash points are {}", names.join(", "))
        })?;
        match pass.parse() {
            Ok(pass) if pass > 0 => Ok(Self { point, pass }),
            _ => Err(format!("{pass:?} is not a valid pass: it must be a whole number from 1")),
        }
    }
}

impl CrashPoint {
    /// The name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Marks the point in the code. Crashes here if the point is armed and this is the chosen pass.
    pub fn pass(self) {
        if ARMED.load(Ordering::Relaxed) == self as u32 + 1 {
            self.reached();
        }
    }

    #[cold]
    fn reached(self) {
        if PASSES_LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
            tracing::error!(crash_point = self.name(), "CRASH POINT: aborting here, as requested");
            std::process::abort();
        }
    }
}

/// Arms a crash point for the rest of the process's life.
pub fn arm(at: CrashAt) {
    PASSES_LEFT.store(at.pass, Ordering::Relaxed);
    ARMED.store(at.point as u32 + 1, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_has_a_name_and_a_pass() {
        let at = |text: &str| text.parse::<CrashAt>();
        assert_eq!(at("after-commit"), Ok(CrashAt { point: CrashPoint::AfterCommit, pass: 1 }));
        assert_eq!(at("before-ack:7"), Ok(CrashAt { point: CrashPoint::BeforeAck, pass: 7 }));
        for bad in ["", "afterwards", "after-commit:0", "after-commit:-1", "after-commit:x", ":1"] {
            assert!(at(bad).is_err(), "{bad:?}");
        }
    }
}
