//! What may be done about what an order waits for. Nothing here can make it worse.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{Holder, Wait};

/// Something that may be done, or left to happen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "action")]
pub enum Advice {
    /// There is nothing to do.
    Nothing,
    /// The saga asks again by itself.
    AsksAgain {
        /// When.
        at: DateTime<Utc>,
    },
    /// The supervisor starts it again, or it goes on when it is resumed.
    ComesBack {
        /// The process.
        process: String,
    },
    /// The relay publishes it once the broker takes it.
    IsPublished,
    /// See what disturbs the shop.
    Faults,
    /// End what disturbs it.
    Heal,
    /// See who holds what.
    InDoubt,
    /// Finish it as it was decided.
    Resolve,
    /// The holder ends, or its statement does.
    LockEnds,
    /// Read what the processes logged about it.
    Logs,
    /// See whether anything is lost.
    Audit,
}

impl Advice {
    /// The command that does it; `None` where it happens by itself.
    pub(super) fn command(&self, order: Uuid) -> Option<String> {
        Some(match self {
            Advice::Faults => "cleave fault list".into(),
            Advice::Heal => "cleave heal".into(),
            Advice::InDoubt => "cleave in-doubt".into(),
            Advice::Resolve => "cleave in-doubt --resolve".into(),
            Advice::Logs => format!("cleave logs --order {order}"),
            Advice::Audit => "cleave audit".into(),
            Advice::Nothing
            | Advice::AsksAgain { .. }
            | Advice::ComesBack { .. }
            | Advice::IsPublished
            | Advice::LockEnds => return None,
        })
    }
}

/// What may be done about all of this, each once.
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
