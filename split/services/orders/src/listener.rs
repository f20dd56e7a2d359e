//! The orders service in a *choreography*, where it is a service like any other. It receives the event that the last
//! step succeeded or that a step was refused, and decides the order. It coordinates nothing.

use std::sync::Arc;

use chassis::{Choreographed, Doing, Fresh, OutboxEntry, Reactor};
use contracts::{Envelope, Event};
use diesel_async::AsyncPgConnection;

use orchestrator::{Decisions, decision_in};

/// Decides orders by the events that it receives.
pub struct Listener {
    /// The module, like any other in the choreography.
    pub module: Choreographed,
    /// Passes decisions on to waiting requests.
    pub decisions: Arc<Decisions>,
}

impl Reactor for Listener {
    type Message = Event;

    fn react<'a>(
        &'a self,
        conn: &'a mut AsyncPgConnection,
        messages: Vec<Fresh<Event>>,
    ) -> Doing<'a, Vec<OutboxEntry>> {
        self.decisions.begin();
        for Fresh { envelope: Envelope { message, order, .. }, .. } in &messages {
            let command = order.as_ref().and_then(|order| orders::react(message, order));
            if let Some(decision) = command.as_ref().and_then(decision_in) {
                self.decisions.note(message.order_id(), decision);
            }
        }
        self.module.react(conn, messages)
    }

    fn committed(&self) {
        self.decisions.tell();
    }
}
