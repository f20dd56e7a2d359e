//! The steps in words.

use std::fmt::{Display, Formatter, Result};

use super::Action;
use super::state::{Decision, Message};
use crate::words;

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&match self {
            Action::Vote(module, true) => words::votes_yes(module),
            Action::Vote(module, false) => words::votes_no(module),
            Action::Deliver(message) => message.to_string(),
            Action::Duplicate(message) => words::copied(message),
            Action::SendDecision(module) => words::sends_decision(module),
            Action::TimeOut => words::times_out(),
            Action::CoordinatorCrashes => words::coordinator_crashes(),
            Action::LockLost => words::lock_lost(),
            Action::TakesOver => words::takes_over(),
            Action::Forget => words::forgets(),
            Action::SuccessorStarts => words::successor_starts(),
            Action::SuccessorCrashes => words::successor_crashes(),
            Action::ParticipantCrashes(module) => words::database_crashes(module),
            Action::ParticipantRestarts(module) => words::database_restarts(module),
            Action::SessionEnds(module) => words::session_ends(module),
            Action::Recover(module) => words::recovers(module),
        })
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&match self {
            Message::Work(to) => words::gets_work(to),
            Message::Voted(from, yes) => words::hears(word(*yes), from),
            Message::Prepare(to) => words::gets_prepare(to),
            Message::Prepared(from, true) => words::hears_prepared(from),
            Message::Prepared(from, false) => words::hears_rolled_back(from),
            Message::RecordCommit => words::record_commit(),
            Message::Finish(to, Decision::Commit) => words::gets_commit(to),
            Message::Finish(to, Decision::RollBack) => words::gets_rollback(to),
        })
    }
}

fn word(yes: bool) -> String {
    if yes { words::yes() } else { words::no() }
}
