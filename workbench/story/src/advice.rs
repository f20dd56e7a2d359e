//! Actions for an order that waits. None of them can make things worse.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use terminal::CLEAVE;
use uuid::Uuid;

use super::{Holder, Wait};

/// An action, or a recovery that happens by itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Advice {
    /// Nothing to do.
    Nothing,
    /// The saga sends the command again by itself.
    AsksAgain {
        /// The time of the next attempt.
        at: DateTime<Utc>,
    },
    /// The supervisor restarts the process, or the process continues when it is resumed.
    ComesBack {
        /// The process.
        process: String,
    },
    /// The relay publishes the row once the broker accepts it.
    IsPublished,
    /// List the active faults.
    Faults,
    /// Heal the active faults.
    Heal,
    /// List prepared transactions and what they block.
    InDoubt,
    /// Finish the prepared transaction as decided.
    Resolve,
    /// The lock is released when its holder or the holder's statement ends.
    LockEnds,
    /// Read the logs of the processes.
    Logs,
    /// Run the audit.
    Audit,
}

impl Advice {
    /// The command to run; `None` if it happens by itself.
    pub(super) fn command(&self, order: Uuid) -> Option<String> {
        let command: String = match self {
            Advice::Faults => "fault list".into(),
            Advice::Heal => "heal".into(),
            Advice::InDoubt => "in-doubt".into(),
            Advice::Resolve => "in-doubt --resolve".into(),
            Advice::Logs => format!("logs --order {order}"),
            Advice::Audit => "audit".into(),
            Advice::Nothing
            | Advice::AsksAgain { .. }
            | Advice::ComesBack { .. }
            | Advice::IsPublished
            | Advice::LockEnds => return None,
        };
        Some(format!("{CLEAVE} {command}"))
    }
}

/// The actions for all of these waits, without duplicates.
pub(super) fn of(waits: &[Wait]) -> Vec<Advice> {
    let mut advice: Vec<Advice> = Vec::new();
    for wait in waits {
        let about = match wait {
            Wait::Nothing => vec![Advice::Nothing],
            Wait::OutboxRow { .. } => vec![Advice::IsPublished, Advice::Faults, Advice::Heal],
            Wait::Queue { .. } => vec![Advice::Faults, Advice::Heal],
            Wait::Answer { deadline, .. } => vec![Advice::AsksAgain { at: *deadline }],
            Wait::RowLock { held_by: Holder::Session { .. }, .. } => vec![Advice::LockEnds],
            Wait::RowLock { held_by: Holder::Prepared { .. }, .. } | Wait::InDoubt { .. } => {
                vec![Advice::InDoubt, Advice::Resolve]
            }
            Wait::Silent { process, .. } => {
                vec![Advice::ComesBack { process: process.clone() }, Advice::Faults, Advice::Heal]
            }
            Wait::Process { .. } => vec![Advice::Faults, Advice::Heal],
            Wait::Lost => vec![Advice::Audit],
        };
        for one in about {
            if !advice.contains(&one) {
                advice.push(one);
            }
        }
    }
    advice.push(Advice::Logs);
    advice
}
