//! The steps in words.

use std::fmt::{Display, Formatter, Result};

use super::Action;
use super::state::Message;
use crate::words;

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&match self {
            Action::Handle(message @ Message::Command { to, .. }) => words::handles(to, message),
            Action::Handle(message) => words::orchestrator_handles(message),
            Action::Refuse(
                message @ Message::Command { to, .. } | message @ Message::Answer { from: to, .. },
            ) => words::refuses(to, message),
            Action::HandleThenCrash(message) => words::then_crashes(Action::Handle(*message)),
            Action::PublishThenCrash(message) => words::published_twice(message),
            Action::AskAgain => words::asks_again(),
            Action::ReadSlowly(message) => words::reads_slowly(message),
            Action::SaveAtLast => words::saves_at_last(),
        })
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        f.write_str(&match self {
            Message::Command { to, undo: true, attempt } => words::undo_step(to, attempt + 1),
            Message::Command { to, attempt, .. } => words::do_step(to, attempt + 1),
            Message::Answer { from, undo: true, .. } => words::has_undone(from),
            Message::Answer { from, done: true, .. } => words::has_done(from),
            Message::Answer { from, .. } => words::has_refused(from),
        })
    }
}
