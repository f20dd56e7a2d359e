//! Checkouts that the orders service coordinates: load, advance, save. The process itself decides what comes
//! next.
//!
//! This replaces the orchestrator and the saga table of `split/orchestrator`, which need a database.

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
    /// In steps. After it, the outstanding commands are sent again.
    pub deadline: u64,
    attempt: u32,
    version: u32,
}

/// Takes the first steps that are at home, sends the order's first messages, and stores its checkout if the protocol has a
/// coordinator.
pub fn start(
    ground: &Ground,
    db: &mut Database,
    order: &PlacedOrder,
    placed: &Event,
    work: &mut Work,
) -> Result<(), Failure> {
    let (mut process, commands) = match ground.protocol {
        Protocol::Orchestrated | Protocol::Hybrid => Process::saga(order.clone()),
        Protocol::Tcc => Process::tcc(order.clone()),
        Protocol::Choreographed => {
            db.outbox.push_back(ground.event(Service::Orders, placed.clone(), Some(order)));
            return Ok(());
        }
    };
    let commands = walk(ground, db, &mut process, commands, work)?;
    let deadline = ground.clock + ground.answer_within;
    db.checkouts.insert(order.order_id, Rc::new(Stored { process, deadline, attempt: 0, version: 0 }));
    db.outbox.extend(commands.into_iter().map(|command| ground.command(0, command)));
    Ok(())
}

/// Applies an answer to the checkout as it was loaded, and saves it.
pub fn answered(
    ground: &Ground,
    db: &mut Database,
    loaded: &Stored,
    event: Event,
    work: &mut Work,
) -> Result<(), Failure> {
    let order = event.order_id();
    let mut stored = loaded.clone();
    let commands = advance(ground, db, &mut stored.process, &event, work)?;
    work.outgoing.extend(commands.into_iter().map(|command| ground.command(0, command)));
    if stored.process == loaded.process { Ok(()) } else { save(ground, db, order, stored) }
}

/// Advances a process and returns the commands to send.
fn advance(
    ground: &Ground,
    db: &mut Database,
    process: &mut Process,
    event: &Event,
    work: &mut Work,
) -> Result<Vec<Command>, Failure> {
    match process.on_event(event) {
        Progress::Next(commands) => walk(ground, db, process, commands, work),
        Progress::Finished | Progress::Late => Ok(Vec::new()),
        Progress::Unexpected => {
            let text = format!("{} answers a command that was never sent", event.routing_key());
            Err(Failure::Dead(text))
        }
    }
}

/// Does commands for modules at home at once, for as long as they follow each other. Returns those to send.
fn walk(
    ground: &Ground,
    db: &mut Database,
    process: &mut Process,
    mut commands: Vec<Command>,
    work: &mut Work,
) -> Result<Vec<Command>, Failure> {
    while let [command] = commands.as_slice()
        && ground.placement.is_at_home(command)
    {
        let event = perform(&mut db.stores, commands.remove(0), work)?;
        commands = match process.on_event(&event) {
            Progress::Next(commands) => commands,
            _ => Vec::new(),
        };
    }
    Ok(commands)
}

/// Saves a checkout only if nothing has changed it since it was loaded, and never after it has finished: rule
/// 21 (compare-and-set).
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

/// Sends every overdue command again, as a new attempt: rule 23 (unknown outcome).
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

/// Rule 23 (unknown outcome) left out: a missing answer counts as a refusal.
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
