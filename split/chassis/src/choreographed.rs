//! A module in a *choreography*: it hears what happened elsewhere, does its step, and says what happened here.
//!
//! Nobody has to know who else is there. The price: nobody knows how far an order has got, and nobody asks again. What
//! outbox and inbox do not carry through is lost for good.

use contracts::{Command, Envelope, Event, PlacedOrder};
use diesel_async::AsyncPgConnection;

use crate::locks::{self, Lock};
use crate::outbox::OutboxEntry;
use crate::reactor::{Doing, Failure, Fresh, Reactor};
use crate::step::{Handle, perform};

/// A reactor that does what its module would do about an event, and sends what came of it.
pub struct Choreographed {
    /// The service's name, which its messages carry as their source.
    pub name: &'static str,
    /// Says which command an event leads to here, if any.
    pub react: fn(&Event, &PlacedOrder) -> Option<Command>,
    /// Takes the locks of a batch before its first command.
    pub lock: Lock,
    /// Does that command in the transaction that it is given.
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
            locks::take(self.lock, conn, &commands).await?;
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
    Failure::Poison(format!("{} does not carry its order, and there is nobody to ask", heard.routing_key()))
}
