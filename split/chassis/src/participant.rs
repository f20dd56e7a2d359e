//! A module as a participant in a saga, or in try, confirm, cancel: commands in, events out.

use contracts::{Command, Envelope};
use diesel_async::AsyncPgConnection;

use crate::locks::{self, Lock};
use crate::outbox::OutboxEntry;
use crate::reactor::{Doing, Fresh, Reactor};
use crate::step::{Handle, perform};

/// A reactor that passes each command to a module and sends the module's reply, whether it accepted or refused.
pub struct Participant {
    /// The service's name, used as the source of its messages.
    pub name: &'static str,
    /// Takes the locks of a batch before its first command.
    pub lock: Lock,
    /// Runs a command in the caller's transaction.
    pub handle: Handle,
}

impl Reactor for Participant {
    type Message = Command;

    fn react<'a>(
        &'a self,
        conn: &'a mut AsyncPgConnection,
        messages: Vec<Fresh<Command>>,
    ) -> Doing<'a, Vec<OutboxEntry>> {
        Box::pin(async move {
            let commands: Vec<&Command> = messages.iter().map(|message| &message.envelope.message).collect();
            locks::lock_all(self.lock, conn, &commands).await?;
            let mut answers = Vec::with_capacity(messages.len());
            for Fresh { envelope, scope } in messages {
                let event = perform(self.handle, conn, envelope.message, &scope).await?;
                answers.push(OutboxEntry::new(Envelope::new(self.name, scope.context(), 0, event))?);
            }
            Ok(answers)
        })
    }
}
