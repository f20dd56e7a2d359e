//! Steps as people read them.

use std::fmt::{Display, Formatter, Result};

use super::Action;
use super::state::{Decision, Message};

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Action::Vote(module, true) => write!(f, "{module} does its part and votes yes"),
            Action::Vote(module, false) => write!(f, "{module} votes no and rolls back"),
            Action::Deliver(message) => write!(f, "{message}"),
            Action::Duplicate(message) => write!(f, "the network makes a copy of: {message}"),
            Action::SendDecision(module) => write!(f, "the coordinator sends its decision to {module}"),
            Action::TimeOut => write!(f, "the coordinator stops waiting and decides to roll back"),
            Action::CoordinatorCrashes => write!(f, "the coordinator crashes"),
            Action::LockLost => write!(f, "the coordinator loses its lock and does not notice"),
            Action::TakesOver => write!(f, "the other life acquires the lock and raises the epoch"),
            Action::Forget => write!(f, "the other life finds nothing prepared and forgets the decision"),
            Action::SuccessorStarts => write!(f, "another life of the coordinator starts"),
            Action::SuccessorCrashes => write!(f, "the other life of the coordinator crashes"),
            Action::ParticipantCrashes(module) => write!(f, "the database of {module} crashes"),
            Action::ParticipantRestarts(module) => write!(f, "the database of {module} is up again"),
            Action::SessionEnds(module) => write!(f, "{module} sees its client gone and rolls back"),
            Action::Recover(module) => {
                write!(
                    f,
                    "the other life finds the branch of {module} prepared, and sends what is on record, or an abort"
                )
            }
        }
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Message::Work(to) => write!(f, "{to} gets its work"),
            Message::Voted(from, yes) => write!(f, "the coordinator hears {} from {from}", word(*yes)),
            Message::Prepare(to) => write!(f, "{to} gets PREPARE TRANSACTION"),
            Message::Prepared(from, true) => write!(f, "the coordinator hears that {from} is prepared"),
            Message::Prepared(from, false) => write!(f, "the coordinator hears that {from} is rolled back"),
            Message::RecordCommit => write!(f, "the decision to commit reaches the record"),
            Message::Finish(to, Decision::Commit) => write!(f, "{to} gets COMMIT PREPARED"),
            Message::Finish(to, Decision::RollBack) => write!(f, "{to} gets ROLLBACK"),
        }
    }
}

fn word(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}
