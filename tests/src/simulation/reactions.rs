//! What a service does with a message. The module decides; this only passes messages in and out.
//!
//! This replaces the reactors of `split/chassis`, which need a database.

use std::rc::Rc;

use contracts::{Command, Envelope, Error, Event, PlacedOrder, TraceContext};
use platform::Flaw;

use super::case::Protocol;
use super::checkouts;
use super::node::{Database, Mail, Service, Stores};
use super::placement::Placement;

/// What all services of a run have in common.
pub struct Ground {
    pub protocol: Protocol,
    /// Which modules share a process with orders.
    pub placement: Placement,
    /// The rule that is left out.
    pub flaw: Option<Flaw>,
    /// Virtual time, in steps.
    pub clock: u64,
    /// After this many steps without an answer, a command is sent again.
    pub answer_within: u64,
    /// One trace for everything. No decision depends on it.
    pub trace: TraceContext,
}

impl Ground {
    /// Whether this rule is left out.
    pub fn lacks(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    pub fn command(&self, attempt: u32, command: Command) -> Mail {
        Mail::Command(Rc::new(Envelope::new("orders", self.trace, attempt, command)))
    }

    /// An event in its envelope; in a choreography the envelope carries the order.
    pub fn event(&self, from: Service, event: Event, order: Option<&PlacedOrder>) -> Mail {
        let envelope = Envelope::new(from.name(), self.trace, 0, event);
        Mail::Event(Rc::new(match order {
            Some(order) => envelope.carrying(order.clone()),
            None => envelope,
        }))
    }
}

/// What a transaction did.
#[derive(Default)]
pub struct Work {
    /// The messages to send.
    pub outgoing: Vec<Mail>,
    /// The routing key of each command, and the event that the module returned.
    pub answers: Vec<(&'static str, Event)>,
    /// How many of the messages were already in the inbox.
    pub known: u64,
}

/// Why a transaction was rolled back.
#[derive(Debug)]
pub enum Failure {
    /// It would end as a dead letter, although no test sent poison.
    Dead(String),
    /// A concurrent transaction saved first. The message is delivered again.
    Overtaken,
}

/// Handles a message for the first time, in the caller's transaction. `loaded_before` is a checkout that was
/// loaded before a concurrent transaction changed it.
pub fn react(
    ground: &Ground,
    service: Service,
    db: &mut Database,
    mail: &Mail,
    loaded_before: Option<Rc<checkouts::Stored>>,
    work: &mut Work,
) -> Result<(), Failure> {
    mail.check().map_err(|invalid| Failure::Dead(invalid.to_string()))?;
    match mail {
        Mail::Command(envelope) => {
            let event = perform(&mut db.stores, envelope.message.clone(), work)?;
            work.outgoing.push(ground.event(service, event, None));
            Ok(())
        }
        Mail::Event(envelope) if ground.protocol == Protocol::Choreographed => {
            let order = envelope.order.as_ref().ok_or_else(|| dead(mail, "the envelope carries no order"))?;
            let Some(command) = service.react(&envelope.message, order) else { return Ok(()) };
            let event = perform(&mut db.stores, command, work)?;
            if event.is_acted_on() {
                work.outgoing.push(ground.event(service, event, Some(order)));
            }
            Ok(())
        }
        Mail::Event(envelope) => {
            let loaded = loaded_before
                .or_else(|| db.checkouts.get(&mail.order()).cloned())
                .ok_or_else(|| dead(mail, "the order has no checkout"))?;
            checkouts::answered(ground, db, &loaded, envelope.message.clone(), work)
        }
    }
}

fn dead(mail: &Mail, why: &str) -> Failure {
    Failure::Dead(format!("{mail}: {why}"))
}

/// Lets a module handle a command. A refusal is an answer, as an event.
pub fn perform(stores: &mut Stores, command: Command, work: &mut Work) -> Result<Event, Failure> {
    let key = command.routing_key();
    let event = match stores.handle(command.clone()) {
        Ok(event) => event,
        Err(Error::Refused(refusal)) => command
            .refused(refusal)
            .ok_or_else(|| Failure::Dead(format!("{key} was refused, but must not refuse")))?,
        Err(Error::Broken(error)) => return Err(Failure::Dead(format!("{key} failed: {error}"))),
    };
    work.answers.push((key, event.clone()));
    Ok(event)
}
