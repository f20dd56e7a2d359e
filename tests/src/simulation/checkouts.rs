//! Checkouts that the orders service coordinates: loaded, moved on, saved. Where they go next is the process's word.
//!
//! It stands in for the orchestrator and the table of sagas of `split/services/orders`, which need a database.

use std::rc::Rc;

use checkout::{Process, Progress};
use contracts::{Command, Event, OrderId, PlacedOrder, Refusal, RefusalCode};
use platform::Flaw;

use super::case::Protocol;
use super::node::{Database, Service};
use super::reactions::{Failure, Ground, Work, perform};

/// A checkout as it is stored.
#[derive(Clone)]
pub struct Stored {
    pub process: Process,
    /// When its answer is overdue, in steps.
    pub deadline: u64,
    attempt: u32,
    version: u32,
}

/// The order's first messages, and its checkout where somebody coordinates it.
pub fn start(ground: &Ground, db: &mut Database, order: &PlacedOrder, placed: &Event) {
    let (process, commands) = match ground.protocol {
        Protocol::Orchestrated => Process::saga(order.clone()),
        Protocol::Tcc => Process::tcc(order.clone()),
        Protocol::Choreographed => {
            db.outbox.push_back(ground.event(Service::Orders, placed.clone(), Some(order)));
            return;
        }
    };
    let deadline = ground.clock + ground.answer_within;
    db.checkouts.insert(order.order_id, Rc::new(Stored { process, deadline, attempt: 0, version: 0 }));
    db.outbox.extend(commands.into_iter().map(|command| ground.command(0, command)));
}

/// Takes an answer: moves the checkout on, from where it was loaded, and saves it.
pub fn answered(
    ground: &Ground,
    db: &mut Database,
    loaded: &Stored,
    event: Event,
    work: &mut Work,
) -> Result<(), Failure> {
    let order = event.order_id();
    let mut stored = loaded.clone();
    let commands = advance(db, &mut stored.process, event, work)?;
    work.outgoing.extend(commands.into_iter().map(|command| ground.command(0, command)));
    if stored.process == loaded.process { Ok(()) } else { save(ground, db, order, stored) }
}

/// Moves a process on. A command for this very service is done on the spot. Gives the commands to send.
fn advance(
    db: &mut Database,
    process: &mut Process,
    mut event: Event,
    work: &mut Work,
) -> Result<Vec<Command>, Failure> {
    loop {
        match process.on_event(&event) {
            Progress::Next(mut commands) => match commands.as_slice() {
                [Command::ConfirmOrder { .. } | Command::CancelOrder { .. }] => {
                    event = perform(&mut db.stores, commands.remove(0), work)?;
                }
                _ => return Ok(commands),
            },
            Progress::Finished | Progress::Late => return Ok(Vec::new()),
            Progress::Unexpected => {
                let text = format!("{} is an answer that nobody asked for", event.routing_key());
                return Err(Failure::Dead(text));
            }
        }
    }
}

/// A checkout is saved only as it was loaded, and never once it is over (rule 21).
fn save(ground: &Ground, db: &mut Database, order: OrderId, stored: Stored) -> Result<(), Failure> {
    let current = &db.checkouts[&order];
    let guarded = !ground.lacks(Flaw::NoVersionGuard);
    if guarded && (current.version != stored.version || current.process.is_finished()) {
        return Err(Failure::Overtaken);
    }
    let deadline = ground.clock + ground.answer_within;
    let saved = Stored { deadline, attempt: 0, version: current.version + 1, ..stored };
    db.checkouts.insert(order, Rc::new(saved));
    Ok(())
}

/// Asks again wherever an answer is overdue, as a new attempt (rule 23).
pub fn ask_again(ground: &Ground, db: &mut Database, work: &mut Work) -> Result<(), Failure> {
    let overdue = |stored: &Stored| !stored.process.is_finished() && stored.deadline < ground.clock;
    let due: Vec<OrderId> =
        db.checkouts.iter().filter(|(_, stored)| overdue(stored)).map(|(order, _)| *order).collect();
    for order in due {
        let mut stored = Stored::clone(&db.checkouts[&order]);
        stored.attempt += 1;
        stored.deadline = ground.clock + ground.answer_within;
        if ground.lacks(Flaw::TimeOutMeansFailure) {
            give_up(ground, db, order, stored, work)?;
            continue;
        }
        for command in stored.process.outstanding() {
            work.outgoing.push(ground.command(stored.attempt, command));
        }
        db.checkouts.insert(order, Rc::new(stored));
    }
    Ok(())
}

/// Rule 23 left out: whoever does not answer in time has refused.
fn give_up(
    ground: &Ground,
    db: &mut Database,
    order: OrderId,
    stored: Stored,
    work: &mut Work,
) -> Result<(), Failure> {
    let refusal = Refusal { code: RefusalCode::Withdrawn, detail: "no answer in time".into() };
    let mut open = stored.process.outstanding().into_iter();
    match open.find_map(|command| command.refused(refusal.clone())) {
        Some(refused) => answered(ground, db, &stored, refused, work),
        None => {
            db.checkouts.insert(order, Rc::new(stored));
            Ok(())
        }
    }
}
