//! Modules leave a running monolith and come back, one at a time, while orders go on (`cleave extract`, `cleave merge`).
//!
//! PostgreSQL's logical replication copies the module's tables into the other database and keeps them up to date. Then
//! comes the *cut-over*: writes wait in the gateway, the gate in the old database closes, a marker shows that everything
//! has arrived, and one row in the database of orders says that the module has a new owner. That row is the commit point.
//! Before it, a move can be given up as if nothing had happened; after it, it can only be finished. At no moment are both
//! gates open: rule 61 (one owner).
//!
//! See docs/adr/0027-moving-a-module.md.

mod crossing;
mod host;
mod journal;
mod moved;
mod plan;
mod replica;

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tokio::sync::Mutex;

use crate::supervisor::Supervisor;
use crate::words;
use crossing::{Move, back, forth};
use journal::Journal;
pub use moved::{Compared, Moved, Step, StepDone};
pub use plan::Plan;
use replica::{Side, name_of};
use servers::Infrastructure;
use topology::{Away, Driver, MONOLITH, MOVABLE};

/// How long what comes after the commit point is tried again.
const FINISHES_WITHIN: Duration = Duration::from_secs(60);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// What a move needs beside the shop.
#[derive(Debug, Clone, Copy)]
pub struct Means<'a> {
    /// The servers.
    pub infra: &'a Mutex<Infrastructure>,
    /// How a broker is found, if the shop had none so far.
    pub servers: &'a servers::ServerOptions,
    /// How long reads are compared before the cut-over.
    pub compare_for: Duration,
}

/// A module that can move.
pub fn movable(name: &str) -> Result<&'static str> {
    ensure!(name != "orders", words::orders_does_not_move());
    let module = MOVABLE.into_iter().find(|module| *module == name);
    module.with_context(|| words::cannot_move(name, MOVABLE.join(", ")))
}

impl Supervisor {
    /// Moves a module out of the monolith.
    pub async fn extract(&self, module: &str, means: Means<'_>) -> Result<Moved> {
        let module = movable(module)?;
        if let Some(finished) = self.settle(module, true).await? {
            return Ok(finished);
        }
        let before = self.shop().await.driver;
        match before {
            Driver::Local => {}
            Driver::Hybrid(away) => ensure!(!away.has(module), words::is_out_already(module)),
            other => bail!(words::cannot_move_from(other)),
        }
        self.relocate(module, true, after_move(before, module, true), means).await
    }

    /// Brings a module back into the monolith.
    pub async fn merge(&self, module: &str, means: Means<'_>) -> Result<Moved> {
        let module = movable(module)?;
        if let Some(finished) = self.settle(module, false).await? {
            return Ok(finished);
        }
        let before = self.shop().await.driver;
        match before {
            Driver::Hybrid(away) if away.has(module) => {}
            Driver::Local | Driver::Hybrid(_) => bail!(words::is_home_already(module)),
            other => bail!(words::cannot_move_from(other)),
        }
        self.relocate(module, false, after_move(before, module, false), means).await
    }

    /// Settles an earlier move that was neither done nor given up: before its commit point it is given up, after it, it is
    /// finished. Returns it if it is the one that is asked for now.
    async fn settle(&self, module: &str, leaves: bool) -> Result<Option<Moved>> {
        let (driver, orders, can_move) = {
            let shop = self.shop().await;
            (shop.driver, shop.databases.orders.clone(), shop.namespace.is_some())
        };
        let _one_at_a_time = self.moving().try_lock().map_err(|_| anyhow::anyhow!(words::moves_already()))?;
        let open = if can_move { Journal::open(&orders).await? } else { None };
        let Some(open) = open else { return Ok(None) };
        let earlier = movable(&open.module)?;
        if !open.has_changed {
            self.at_work(earlier, open.leaves, Journal::of_open(&orders)).await?.give_up().await?;
            return Ok(None);
        }
        let began = Instant::now();
        let after = after_move(driver, earlier, open.leaves);
        self.now_is(earlier, open.leaves, after).await?;
        self.finish_move(earlier, open.leaves).await?;
        Journal::of_open(&orders).close("done", None).await?;
        let took_ms = began.elapsed().as_secs_f64() * 1000.0;
        let moved = Moved {
            module: open.module.clone(),
            from: driver,
            to: after,
            steps: vec![StepDone { step: Step::Watch, took_ms }],
            pause_ms: None,
            compared: Compared::default(),
        };
        Ok((earlier == module && open.leaves == leaves).then_some(moved))
    }

    async fn relocate(
        &self,
        module: &'static str,
        leaves: bool,
        after: Driver,
        means: Means<'_>,
    ) -> Result<Moved> {
        let _one_at_a_time = self.moving().try_lock().map_err(|_| anyhow::anyhow!(words::moves_already()))?;
        let before = self.shop().await.driver;
        let began = Instant::now();
        if leaves {
            self.prepare(module, means).await?;
        }
        let orders = self.shop().await.databases.orders.clone();
        let journal = Journal::begin(&orders, module, leaves).await?;
        let mut this = self.at_work(module, leaves, journal).await?;
        this.did(Step::Prepare, began);
        let moved = this.until_owner_changes(means).await;
        let (pause, compared) = match moved {
            Ok(done) => done,
            Err(why) => {
                // What is not known is not said.
                let what = match this.give_up().await {
                    Ok(()) => words::given_up(module),
                    Err(trouble) => words::not_settled(module, format!("{trouble:#}")),
                };
                return Err(why.context(what));
            }
        };
        let began = Instant::now();
        self.now_is(module, leaves, after).await?;
        insist(async || self.finish_move(module, leaves).await).await.context(words::not_finished(module))?;
        this.journal.close("done", Some(pause)).await?;
        this.did(Step::Watch, began);
        self.journal().info(MONOLITH, format!("{module} has moved: {before} is {after}"));
        Ok(Moved {
            module: module.to_owned(),
            from: before,
            to: after,
            steps: this.steps,
            pause_ms: Some(pause.as_secs_f64() * 1000.0),
            compared,
        })
    }

    /// Connects to both sides.
    async fn at_work(&self, module: &'static str, leaves: bool, journal: Journal) -> Result<Move<'_>> {
        let (home, out) = {
            let shop = self.shop().await;
            let out = shop.service_database(module).with_context(|| words::no_service_database(module))?;
            (shop.databases.orders.clone(), out.to_owned())
        };
        let (from, to) = if leaves { (&home, &out) } else { (&out, &home) };
        let name = name_of(home.rsplit('/').next().unwrap_or_default(), module);
        Ok(Move {
            supervisor: self,
            module,
            leaves,
            from: Side::open(from).await?,
            to: Side::open(to).await?,
            journal,
            name,
            steps: Vec::new(),
        })
    }

    /// What remains after the commit point: the old side follows the new one, or nothing is left of the service.
    async fn finish_move(&self, module: &'static str, leaves: bool) -> Result<()> {
        let (home, out) = {
            let shop = self.shop().await;
            let out = shop.service_database(module).with_context(|| words::no_service_database(module))?;
            (shop.databases.orders.clone(), out.to_owned())
        };
        let name = name_of(home.rsplit('/').next().unwrap_or_default(), module);
        let (mut home, mut out) = (Side::open(&home).await?, Side::open(&out).await?);
        if leaves {
            out.open_gate(module).await?;
            self.say_placement(module, true).await?;
            out.follow_no_more(&forth(&name)).await?;
            home.publish_no_more(&forth(&name)).await?;
            if !home.follows(&back(&name)).await? {
                home.follow(&out.url.clone(), &back(&name), false).await?;
            }
            return Ok(());
        }
        home.open_gate(module).await?;
        self.say_placement(module, false).await?;
        home.follow_no_more(&back(&name)).await?;
        out.publish_no_more(&back(&name)).await?;
        self.remove_service(module).await?;
        self.let_monolith_serve(module).await?;
        home.remove_gate(module).await
    }
}

/// The shop's driver after a module has left or come home.
fn after_move(before: Driver, module: &str, leaves: bool) -> Driver {
    let away = match before {
        Driver::Hybrid(away) => away,
        _ => Away::default(),
    };
    match away.with(module, leaves) {
        none if none == Away::default() => Driver::Local,
        away => Driver::Hybrid(away),
    }
}

/// Tries again for a while: servers and processes may be away for a moment.
async fn insist<T, F: Future<Output = Result<T>>>(work: impl Fn() -> F) -> Result<T> {
    let deadline = Instant::now() + FINISHES_WITHIN;
    loop {
        match work().await {
            Err(why) if Instant::now() > deadline => return Err(why),
            Err(_) => tokio::time::sleep(PAUSE).await,
            done => return done,
        }
    }
}
