//! Time: overdue answers.

use super::checkouts;
use super::faults::Transaction;
use super::node::Service;
use super::reactions::Work;
use super::watch::Violation;
use super::world::World;

impl World<'_> {
    /// The earliest deadline, in steps; `None` if no coordinator waits for an answer.
    pub(super) fn next_deadline(&self) -> Option<u64> {
        let checkouts = self.node(Service::Orders).checkouts.values();
        checkouts.filter(|stored| !stored.process.is_finished()).map(|stored| stored.deadline).min()
    }

    /// The orders service asks again, in one transaction. If nothing else can happen, time first advances to
    /// the next deadline.
    pub(super) fn ask_again(&mut self, fault: Transaction) -> Result<(), Violation> {
        let deadline = self.next_deadline().unwrap_or_default();
        self.ground.clock = self.ground.clock.max(deadline + 1);
        let (mut db, mut work) = (self.node(Service::Orders).clone(), Work::default());
        checkouts::ask_again(&self.ground, &mut db, &mut work)
            .map_err(|failure| Self::dead_letter(Service::Orders, failure))?;
        let dies = fault == Transaction::DiesBeforeCommit;
        for mail in &work.outgoing {
            let and = if dies { " and DIES before the commit" } else { "" };
            self.history.note(format_args!("orders asks again: {mail}{and}"));
        }
        if dies {
            self.tally.crashes += 1;
            return Ok(());
        }
        self.tally.asked_again += work.outgoing.len() as u64;
        db.outbox.extend(work.outgoing.iter().cloned());
        self.commit(Service::Orders, db, &work)
    }
}
