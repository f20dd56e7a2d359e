//! The simulated shop: its processes with a queue each, clients, and what can happen next.

use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use contracts::OrderId;
use platform::Flaw;
use uuid::Uuid;

use super::choices::Choices;
use super::faults::FAULTS;
use super::history::History;
use super::node::{Database, Mail, Service, now};
use super::reactions::{Failure, Ground, Work, react};
use super::scenario::{Errand, Scenario};
use super::tally::Tally;
use super::watch::{Violation, Watch};

/// Far more steps than any schedule needs.
const BOUND: u64 = 20_000;

/// How many errands run at the same time.
const CLIENTS: usize = 3;

/// A shop in the middle of a schedule.
pub struct World<'a> {
    pub(super) scenario: &'a Scenario,
    pub(super) ground: Ground,
    nodes: [Database; 5],
    pub(super) queues: [VecDeque<Mail>; 5],
    /// The errands without a response so far, with their numbers.
    pub(super) errands: VecDeque<(usize, &'a Errand)>,
    /// All errands of this schedule.
    pub(super) asked: Vec<(usize, &'a Errand)>,
    /// The order and the request's fingerprint for each key that a client or the service knows.
    pub(super) accepted: BTreeMap<&'a str, (OrderId, Uuid)>,
    pub(super) history: History,
    pub(super) tally: Tally,
    pub(super) watch: Watch,
}

/// Something that can happen next.
#[derive(Clone, Copy)]
enum Move {
    /// A service receives a message, given by its place in the queue.
    Deliver(Service, usize),
    /// A service's relay looks into the outbox.
    Publish(Service),
    /// A client sends a request, given by its place among the errands.
    Ask(usize),
    /// The orders service looks for overdue answers.
    AskAgain,
}

impl<'a> World<'a> {
    /// The shop before its first errand: products, and nothing else.
    pub fn new(
        scenario: &'a Scenario,
        errands: Vec<(usize, &'a Errand)>,
        ground: Ground,
        history: History,
    ) -> Self {
        let mut nodes: [Database; 5] = Default::default();
        let host = ground.placement.host(Service::Catalog);
        let catalog = Rc::make_mut(&mut nodes[host as usize].stores.catalog);
        now(catalog::put(catalog, &scenario.products)).expect("an in-memory catalog takes products");
        World {
            scenario,
            ground,
            nodes,
            queues: Default::default(),
            errands: errands.iter().copied().collect(),
            asked: errands,
            accepted: BTreeMap::new(),
            history,
            tally: Tally { schedules: 1, ..Tally::default() },
            watch: Watch::default(),
        }
    }

    /// Runs until nothing more can happen.
    pub fn run(&mut self, choices: &mut Choices) -> Result<(), Violation> {
        loop {
            let moves = self.moves();
            let Ok(count @ 1..) = u32::try_from(moves.len()) else { break };
            self.tally.steps += 1;
            self.ground.clock += 1;
            if self.tally.steps > BOUND {
                return Err(Violation::of("I1", format!("not finished after {BOUND} steps")));
            }
            let choice = choices.choose(count * FAULTS);
            let fault = choice / count;
            match moves[(choice % count) as usize] {
                Move::Deliver(service, place) => self.deliver(service, place, fault.into())?,
                Move::Publish(service) => self.publish(service, fault.into()),
                Move::Ask(place) => self.ask(place, fault.into())?,
                Move::AskAgain => self.ask_again(fault.into())?,
            }
        }
        self.holds_at_rest()
    }

    /// Everything that can happen next. The first entry always makes progress, so a schedule of zeros ends.
    fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for service in Service::ALL {
            moves.extend((0..self.queues[service as usize].len()).map(|place| Move::Deliver(service, place)));
        }
        moves.extend(
            self.ground
                .placement
                .hosts()
                .filter(|host| !self.node(*host).outbox.is_empty())
                .map(Move::Publish),
        );
        let nothing_moves = moves.is_empty();
        let next_deadline = self.next_deadline();
        if self.scenario.one_at_a_time {
            if nothing_moves && next_deadline.is_none() && !self.errands.is_empty() {
                moves.push(Move::Ask(0));
            }
        } else {
            moves.extend((0..self.errands.len().min(CLIENTS)).map(Move::Ask));
        }
        if next_deadline.is_some_and(|deadline| deadline < self.ground.clock || nothing_moves) {
            moves.push(Move::AskAgain);
        }
        moves
    }

    /// The database with the tables of this module.
    pub fn node(&self, service: Service) -> &Database {
        &self.nodes[self.ground.placement.host(service) as usize]
    }

    /// For changes outside a transaction: by a relay, or by a flaw.
    pub fn node_mut(&mut self, service: Service) -> &mut Database {
        &mut self.nodes[self.ground.placement.host(service) as usize]
    }

    /// Handles messages in one transaction, skipping those already in the inbox. Nothing is committed yet.
    pub fn transact(
        &self,
        service: Service,
        mails: &[Mail],
        loaded_before: Option<Rc<super::checkouts::Stored>>,
    ) -> Result<(Database, Work), Failure> {
        let (mut db, mut work) = (self.node(service).clone(), Work::default());
        for mail in mails {
            if !db.inbox.insert(mail.id()) && !self.ground.lacks(Flaw::NoInbox) {
                work.known += 1;
                continue;
            }
            react(&self.ground, service, &mut db, mail, loaded_before.clone(), &mut work)?;
        }
        db.outbox.extend(work.outgoing.iter().cloned());
        Ok((db, work))
    }

    /// Commits a transaction and checks the result.
    pub fn commit(&mut self, service: Service, db: Database, work: &Work) -> Result<(), Violation> {
        let before = std::mem::replace(self.node_mut(service), db);
        let placement = self.ground.placement;
        let after = &self.nodes[placement.host(service) as usize];
        self.watch.committed(placement.modules(service), &before, after, work, &mut self.tally)
    }

    /// A failure that the schedule did not cause.
    pub fn dead_letter(service: Service, failure: Failure) -> Violation {
        let what = match failure {
            Failure::Dead(why) => why,
            Failure::Overtaken => "overtaken without a rival".into(),
        };
        Violation::of("I6", format!("a dead letter at {}: {what}", service.name()))
    }
}
