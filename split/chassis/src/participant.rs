//! A module as a participant in a saga, or in try, confirm, cancel: commands in, events out.

use contracts::{Command, Envelope, Error, Event};
use diesel_async::AsyncPgConnection;

use crate::outbox::Outgoing;
use crate::reactor::{Failure, Incoming, Reactor};
use crate::step::perform;

/// A reactor that hands each command to a module and sends what the module answers, be it yes or no.
pub struct Participant<H> {
    /// The service's name, which its messages carry as their source.
    pub name: &'static str,
    /// The module's `handle`.
    pub handle: H,
}

impl<H> Reactor for Participant<H>
where
    H: AsyncFn(&mut AsyncPgConnection, Command) -> Result<Event, Error>,
{
    type Message = Command;

    async fn react(
        &self,
        conn: &mut AsyncPgConnection,
        messages: Vec<Incoming<Command>>,
    ) -> Result<Vec<Outgoing>, Failure> {
        let mut answers = Vec::with_capacity(messages.len());
        for Incoming { envelope, scope } in messages {
            let event = perform(&self.handle, conn, envelope.message, &scope).await?;
            answers.push(Outgoing::new(Envelope::new(self.name, scope.context(), 0, event))?);
        }
        Ok(answers)
    }
}
