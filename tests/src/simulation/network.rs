//! The path of messages: from outboxes through relays into queues, and from queues into services.

use platform::Flaw;

use super::case::Protocol;
use super::faults::{Delivery, Publishing};
use super::node::{Mail, Service};
use super::reactions::{Failure, Work};
use super::watch::Violation;
use super::world::World;

impl World<'_> {
    /// A service handles one message, or everything in its queue.
    pub(super) fn deliver(
        &mut self,
        service: Service,
        mut place: usize,
        fault: Delivery,
    ) -> Result<(), Violation> {
        let mail = self.queues[service as usize][place].clone();
        let mut loaded_before = None;
        if fault == Delivery::Raced
            && let Some(other) = self.rival(service, place)
        {
            loaded_before = self.node(service).checkouts.get(&mail.order()).cloned();
            self.history.note(format_args!("{}: {mail} is taken; meanwhile:", service.name()));
            self.deliver(service, other, Delivery::Fine)?;
            place -= usize::from(other < place);
        }
        let batched = matches!(fault, Delivery::Batched | Delivery::BatchDiesBeforeAck);
        let mails =
            if batched { self.queues[service as usize].iter().cloned().collect() } else { vec![mail] };
        self.tally.deliveries += mails.len() as u64;
        self.tally.reordered += u64::from(place > 0 && !batched);
        let (db, work) = match self.transact(service, &mails, loaded_before) {
            Ok(done) => done,
            Err(Failure::Overtaken) => {
                self.tally.overtaken += 1;
                self.history.note(format_args!(
                    "{}: {} lost to a concurrent save; rolled back",
                    service.name(),
                    mails[0]
                ));
                return Ok(());
            }
            Err(failure) => return Err(Self::dead_letter(service, failure)),
        };
        self.tally.duplicates += work.known;
        self.note_delivery(service, &mails, &work, fault);
        if fault == Delivery::DiesBeforeCommit {
            self.tally.crashes += 1;
            self.die_before_commit(service, place, db.inbox, work);
            return Ok(());
        }
        match fault {
            Delivery::Doubled => {}
            Delivery::DiesBeforeAck | Delivery::BatchDiesBeforeAck => self.tally.crashes += 1,
            Delivery::Batched => self.queues[service as usize].clear(),
            _ => drop(self.queues[service as usize].remove(place)),
        }
        self.commit(service, db, &work)
    }

    /// What survives a crash before the commit: nothing, unless a rule is left out.
    fn die_before_commit(
        &mut self,
        service: Service,
        place: usize,
        inbox: std::collections::BTreeSet<uuid::Uuid>,
        work: Work,
    ) {
        if self.ground.lacks(Flaw::NoOutbox) {
            self.node_mut(service).outbox.extend(work.outgoing);
        }
        if self.ground.lacks(Flaw::InboxApart) {
            self.node_mut(service).inbox = inbox;
        }
        if self.ground.lacks(Flaw::AckBeforeCommit) {
            self.queues[service as usize].remove(place);
        }
    }

    /// Another answer for the same checkout in the same queue.
    fn rival(&self, service: Service, place: usize) -> Option<usize> {
        if service != Service::Orders || self.ground.protocol == Protocol::Choreographed {
            return None;
        }
        let queue = &self.queues[service as usize];
        (0..queue.len()).find(|other| *other != place && queue[*other].order() == queue[place].order())
    }

    fn note_delivery(&mut self, service: Service, mails: &[Mail], work: &Work, fault: Delivery) {
        let what = match fault {
            Delivery::Fine | Delivery::Raced => "",
            Delivery::Doubled => " (a copy is still on its way)",
            Delivery::Batched => " (all in one transaction)",
            Delivery::DiesBeforeCommit => " and DIES before the commit",
            Delivery::DiesBeforeAck => " and DIES between commit and ack",
            Delivery::BatchDiesBeforeAck => " (all in one transaction) and DIES between commit and ack",
        };
        for mail in mails {
            self.history.note(format_args!("{} takes {mail}{what}", service.name()));
        }
        if work.known > 0 {
            self.history.note(format_args!("    already in the inbox: {}", work.known));
        }
        for (asked, event) in &work.answers {
            match event.refusal() {
                Some(refusal) => self.history.note(format_args!(
                    "    {asked}: {}, {}: {}",
                    event.routing_key(),
                    refusal.code,
                    refusal.detail
                )),
                None => self.history.note(format_args!("    {asked}: {}", event.routing_key())),
            }
        }
    }

    /// A relay publishes messages from its outbox.
    pub(super) fn publish(&mut self, service: Service, fault: Publishing) {
        let waiting = self.node(service).outbox.len();
        let count = if fault == Publishing::Fine { 1 } else { waiting };
        let mails: Vec<Mail> = self.node(service).outbox.iter().take(count).cloned().collect();
        let dies = fault == Publishing::DiesBeforeRemoval;
        let and = if dies { " and DIES before it is marked as sent" } else { "" };
        let lost = dies && self.ground.lacks(Flaw::SentBeforePublished);
        for mail in &mails {
            self.history.note(format_args!("{} publishes {mail}{and}", service.name()));
            if !lost {
                self.route(mail);
            }
        }
        if dies {
            self.tally.crashes += 1;
        }
        if !dies || lost {
            self.node_mut(service).outbox.drain(..count);
        }
    }

    /// Puts a message into every queue that is bound to its routing key: that of the command's service, that
    /// of the coordinator, or those of the services that react to the event.
    fn route(&mut self, mail: &Mail) {
        let key = mail.routing_key();
        for service in Service::ALL {
            let bound = match mail {
                Mail::Command(_) => service.is_named_in(key),
                Mail::Event(_) if self.ground.protocol == Protocol::Choreographed => {
                    service.hears().contains(&key)
                }
                Mail::Event(_) => service == Service::Orders,
            };
            if bound {
                self.queues[service as usize].push_back(mail.clone());
            }
        }
    }
}
