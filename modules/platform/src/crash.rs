//! *Crash points*: places where a process can be made to die, to see that it recovers.
//!
//! `--crash-at POINT[:N]` (or `CLEAVE_CRASH_AT`) aborts the process when it passes the point for the N-th time, with
//! no chance to clean up, as a power cut would. `cleave crash-matrix` tries all of them. A point that is not armed
//! costs one relaxed load.

use std::str::FromStr;
use std::sync::atomic::{AtomicU32, Ordering};

use clap::ValueEnum;

/// The armed point's number and 1, or 0.
static ARMED: AtomicU32 = AtomicU32::new(0);
/// How often it is still passed alive, and once more.
static PASSES_LEFT: AtomicU32 = AtomicU32::new(0);

/// A place where a process can be made to die. What is *before* one step is *after* the step that comes before it;
/// both names are there where other work lies between the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
#[allow(missing_docs, reason = "the names say it all")]
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
    // Two-phase commit. Those that name one branch are passed once for each.
    BeforePrepare,
    AfterPrepare,
    BeforeDecision,
    AfterDecision,
    BeforeCommitPrepared,
    AfterCommitPrepared,
    BeforeForget,
    AfterForget,
}

/// A point, and which pass of it is the last.
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
            format!("there is no crash point {name:?}; there are {}", names.join(", "))
        })?;
        match pass.parse() {
            Ok(pass) if pass > 0 => Ok(Self { point, pass }),
            _ => Err(format!("{pass:?} is not a number of passes, which are counted from 1")),
        }
    }
}

impl CrashPoint {
    /// Its name on the command line.
    pub fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    /// Passes this point; dies here if that was asked for.
    pub fn pass(self) {
        if ARMED.load(Ordering::Relaxed) == self as u32 + 1 {
            self.reached();
        }
    }

    #[cold]
    fn reached(self) {
        if PASSES_LEFT.fetch_sub(1, Ordering::Relaxed) == 1 {
            tracing::error!(crash_point = self.name(), "CRASH POINT: aborting here, as asked");
            std::process::abort();
        }
    }
}

/// From now on the process dies at the N-th pass of this point.
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
