//! A module in a *choreography*: it receives events of other services, does its own step, and sends its own event.
//!
//! No service has to know the others. The price: no service knows how far an order has progressed, and none sends a
//! message again. A message that outbox and inbox do not deliver is lost for good.

use contracts::{Command, Envelope, Event, PlacedOrder};
use diesel_async::AsyncPgConnection;

use crate::locks::{self, Lock};
use crate::outbox::OutboxEntry;
use crate::reactor::{Doing, Failure, Fresh, Reactor};
use crate::step::{Handle, perform};

/// A reactor that runs the command with which its module reacts to an event, and sends the resulting event.
pub struct Choreographed {
    /// The service's name, used as the source of its messages.
    pub name: &'static str,
    /// Returns the command that follows from an event, if any.
    pub react: fn(&Event, &PlacedOrder) -> Option<Command>,
    /// Takes the locks of a batch before its first command.
    pub lock: Lock,
    /// Runs a command in the caller's transaction.
    pub handle: Handle,
}

impl Reactor for Choreographed {
    type Message = Event;

    fn react<'a>(
        &'a self,
        conn: &'a mut AsyncPgConnection,
        messages: Vec<Fresh<Event>>,
    ) -> Doing<'a, Vec<OutboxEntry>> {
        Box::pin(async move {
            let mut steps = Vec::with_capacity(messages.len());
            for Fresh { envelope: Envelope { message: heard, order, .. }, scope } in messages {
                let order = order.ok_or_else(|| missing(&heard))?;
                if let Some(command) = (self.react)(&heard, &order) {
                    steps.push((command, order, scope));
                }
            }
            let commands: Vec<&Command> = steps.iter().map(|(command, ..)| command).collect();
            locks::lock_all(self.lock, conn, &commands).await?;
            let mut outgoing = Vec::with_capacity(steps.len());
            for (command, order, scope) in steps {
                let happened = perform(self.handle, conn, command, &scope).await?;
                if happened.is_acted_on() {
                    let envelope = Envelope::new(self.name, scope.context(), 0, happened).carrying(order);
                    outgoing.push(OutboxEntry::new(envelope)?);
                }
            }
            Ok(outgoing)
        })
    }
}

fn missing(heard: &Event) -> Failure {
    Failure::Poison(format!(
        "{} does not carry its order, and there is no service to ask for it",
        heard.routing_key()
    ))
}
