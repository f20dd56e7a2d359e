//! The orders service in a *choreography*: one among others. It hears that the last step was done, or that any was
//! refused, and decides the order. It drives nothing.

use std::sync::Arc;

use chassis::{Choreographed, Doing, Fresh, OutboxEntry, Reactor};
use contracts::{Envelope, Event};
use diesel_async::AsyncPgConnection;

use crate::decisions::{Decisions, decision_in};

/// Decides orders by what is heard.
pub struct Listener {
    /// The module, as any other in the choreography.
    pub module: Choreographed,
    /// Where its decisions are told in this process.
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
