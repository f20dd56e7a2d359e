//! Steps as people read them.

use std::fmt::{Display, Formatter, Result};

use super::Action;
use super::state::Message;

impl Display for Action {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Action::Handle(message @ Message::Command { to, .. }) => write!(f, "{to} handles: {message}"),
            Action::Handle(message) => write!(f, "the orchestrator handles: {message}"),
            Action::Refuse(
                message @ Message::Command { to, .. } | message @ Message::Answer { from: to, .. },
            ) => {
                write!(f, "{to} refuses: {message}")
            }
            Action::HandleThenCrash(message) => {
                write!(f, "{}, and crashes before it acknowledges", Action::Handle(*message))
            }
            Action::PublishThenCrash(message) => {
                write!(f, "published twice, for its sender crashed in between: {message}")
            }
            Action::AskAgain => write!(f, "the orchestrator has waited long enough and asks again"),
            Action::ReadSlowly(message) => write!(f, "a slow worker reads the saga and takes: {message}"),
            Action::SaveAtLast => write!(f, "the slow worker saves what it made of that"),
        }
    }
}

impl Display for Message {
    fn fmt(&self, f: &mut Formatter<'_>) -> Result {
        match self {
            Message::Command { to, undo, attempt } => {
                let verb = if *undo { "undo" } else { "do" };
                write!(f, "{verb} the step of {to} (attempt {})", attempt + 1)
            }
            Message::Answer { from, undo: true, .. } => write!(f, "{from} has undone its step"),
            Message::Answer { from, done: true, .. } => write!(f, "{from} has done its step"),
            Message::Answer { from, .. } => write!(f, "{from} has refused its step"),
        }
    }
}
