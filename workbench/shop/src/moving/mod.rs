//! Modules leave a running monolith and come back, one at a time, while orders go on (`cleave extract`, `cleave merge`).
//!
//! PostgreSQL's logical replication copies the module's tables into the other database and keeps them up to date. Then
//! comes the *cut-over*: writes wait in the gateway, the gate in the old database closes, a marker shows that everything
//! has arrived, and one row in the database of orders says that the module has a new owner. That row is the commit point.
//! Before it, a move can be given up as if nothing had happened; after it, it can only be finished. At no moment are both
//! gates open: rule 61 (one owner).
//!
//! See docs/adr/0027-moving-a-module.md.

mod host;
mod journal;
mod plan;
mod replica;

use std::future::Future;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use crate::supervisor::Supervisor;
use crate::words;
use journal::Journal;
pub use plan::Plan;
use replica::{Side, name_of};
use servers::Infrastructure;
use topology::{Away, Driver, MONOLITH, MOVABLE};

/// How long copying may take.
const COPIES_WITHIN: Duration = Duration::from_secs(120);
/// How long a marker may take to arrive. The module cannot be written meanwhile.
const ARRIVES_WITHIN: Duration = Duration::from_secs(2);
/// How long writes in progress are waited for before the gate closes. The gate waits for their transactions anyway.
const WRITES_END_WITHIN: Duration = Duration::from_millis(400);
/// The interval between reads that are compared.
const READS_EVERY: Duration = Duration::from_millis(20);
/// How long the gateway may take for a comparison.
const COMPARES_WITHIN: Duration = Duration::from_millis(700);
/// How long what comes after the commit point is tried again.
const FINISHES_WITHIN: Duration = Duration::from_secs(60);
/// The pause between two tries.
const PAUSE: Duration = Duration::from_millis(200);

/// A step of a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The monolith is replaced by one that can send messages, and the service starts with empty tables.
    Prepare,
    /// The rows are copied, and changes follow.
    Copy,
    /// Reads are answered by both sides and compared.
    Compare,
    /// Writes wait until the new side owns the module.
    CutOver,
    /// The old side follows the new one, or is cleared up.
    Watch,
}

/// A step that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepDone {
    /// The step.
    pub step: Step,
    /// How long it took, in milliseconds.
    pub took_ms: f64,
}

/// A move that is over.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Moved {
    /// The module.
    pub module: String,
    /// The shop before.
    pub from: Driver,
    /// The shop now.
    pub to: Driver,
    /// The steps, in order.
    pub steps: Vec<StepDone>,
    /// How long the module could not be written, in milliseconds; null if only the rest of an earlier move was done.
    pub pause_ms: Option<f64>,
    /// Reads that both sides answered in the same way, and those that they did not.
    pub compared: Compared,
}

/// Reads that were answered by both sides.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// Answered in the same way.
    pub same: u64,
    /// Answered differently, also when asked again.
    pub different: u64,
}

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

/// A move in progress.
struct Move<'a> {
    supervisor: &'a Supervisor,
    module: &'static str,
    leaves: bool,
    /// Who owns the module now, and who will.
    from: Side,
    to: Side,
    journal: Journal,
    name: String,
    steps: Vec<StepDone>,
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

/// What the monolith publishes and the service follows.
fn forth(name: &str) -> String {
    format!("{name}_forth")
}

/// What the service publishes and the monolith follows.
fn back(name: &str) -> String {
    format!("{name}_back")
}

impl Move<'_> {
    fn did(&mut self, step: Step, began: Instant) {
        self.steps.push(StepDone { step, took_ms: began.elapsed().as_secs_f64() * 1000.0 });
    }

    /// The direction of this move, and the opposite one.
    fn ways(&self) -> (String, String) {
        match self.leaves {
            true => (forth(&self.name), back(&self.name)),
            false => (back(&self.name), forth(&self.name)),
        }
    }

    /// Everything up to the commit point. Returns how long the module could not be written.
    async fn until_owner_changes(&mut self, means: Means<'_>) -> Result<(Duration, Compared)> {
        let began = Instant::now();
        self.journal.step(Step::Copy).await?;
        let (way, opposite) = self.ways();
        ensure!(self.from.can_replicate().await?, words::cannot_replicate());
        self.to.put_gate(self.module, false).await?;
        self.from.put_gate(self.module, true).await?;
        if !self.to.follows(&way).await? {
            self.from.publish(self.module, &way).await?;
            self.from.create_slot(&way).await?;
            self.to.empty(self.module, self.leaves).await?;
            self.to.follow(&self.from.url.clone(), &way, true).await?;
        }
        if self.leaves {
            self.to.publish(self.module, &opposite).await?;
            self.to.create_slot(&opposite).await?;
        }
        self.to.copied(COPIES_WITHIN).await?;
        let marker = self.from.mark(self.module).await?;
        self.to.arrived(marker, COPIES_WITHIN).await.context(words::lag_does_not_shrink())?;
        self.did(Step::Copy, began);
        let compared = self.compare(means.compare_for).await?;
        let began = Instant::now();
        self.journal.step(Step::CutOver).await?;
        let pause = self.cut_over(&way, &opposite).await?;
        self.did(Step::CutOver, began);
        Ok((pause, compared))
    }

    /// The *parallel run*.
    async fn compare(&mut self, length: Duration) -> Result<Compared> {
        if length.is_zero() {
            return Ok(Compared::default());
        }
        let began = Instant::now();
        self.journal.step(Step::Compare).await?;
        let before = self.supervisor.placement().await?;
        self.supervisor.set_placement("placement.compared", self.module, true).await?;
        self.read_for(length).await?;
        // The last comparisons may still wait for a change to arrive.
        tokio::time::sleep(COMPARES_WITHIN).await;
        self.supervisor.set_placement("placement.compared", self.module, false).await?;
        let after = self.supervisor.placement().await?;
        self.did(Step::Compare, began);
        Ok(Compared { same: after.same - before.same, different: after.different - before.different })
    }

    /// Reads some of the module's rows through the gateway, since customers may not ask for them.
    async fn read_for(&mut self, length: Duration) -> Result<()> {
        let until = Instant::now() + length;
        let gateway = self.supervisor.shop().await.address_of("gateway")?.to_owned();
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(5)).build()?;
        let paths = self.from.reads(self.module).await?;
        for path in paths.iter().cycle().take_while(|_| Instant::now() < until) {
            // A failed read says nothing about the two sides.
            let _ = client.get(format!("{gateway}{path}")).send().await;
            tokio::time::sleep(READS_EVERY).await;
        }
        tokio::time::sleep(until.saturating_duration_since(Instant::now())).await;
        Ok(())
    }

    /// Changes the owner while the module cannot be written.
    async fn cut_over(&mut self, way: &str, opposite: &str) -> Result<Duration> {
        self.to.catch_up_sequences(self.module).await?;
        let began = Instant::now();
        self.supervisor.set_placement("placement.held", self.module, true).await?;
        let deadline = Instant::now() + WRITES_END_WITHIN;
        loop {
            let placement = self.supervisor.placement().await?;
            let held = placement.held.iter().any(|held| held == self.module);
            if (held && placement.writes == 0) || Instant::now() > deadline {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        self.from.close_gate(self.module).await?;
        let marker = self.from.mark(self.module).await?;
        self.to.arrived(marker, ARRIVES_WITHIN).await?;
        // The inbox has no gate: what it replicated from now on would come back by the opposite direction.
        self.to.pause_following(way, ARRIVES_WITHIN).await?;
        self.to.flush(self.module).await?;
        if self.leaves {
            self.to.advance_slot(opposite).await?;
        }
        self.to.catch_up_sequences(self.module).await?;
        self.journal.change_owner(self.module, self.leaves).await?;
        // From here on the move can only be finished. These are repeated later if they fail now.
        let opened = self.to.open_gate(self.module).await;
        let said = self.supervisor.say_placement(self.module, self.leaves).await;
        opened.and(said).unwrap_or_else(|why| {
            self.supervisor
                .journal()
                .warn(MONOLITH, format!("{} has moved and is not open yet: {why:#}", self.module));
        });
        Ok(began.elapsed())
    }

    /// Before the commit point: everything is as it was before. Fails, and leaves the entry in the journal open, if it
    /// cannot be known that the owner is unchanged, or if something could not be put back.
    async fn give_up(&mut self) -> Result<()> {
        let (module, (way, opposite)) = (self.module, self.ways());
        let changed = insist(async || self.journal.is_away(module).await).await? == self.leaves;
        ensure!(!changed, words::has_changed_after_all(module));
        insist(async || {
            Side::open(&self.from.url).await?.open_gate(module).await?;
            self.supervisor.set_placement("placement.compared", module, false).await?;
            self.supervisor.set_placement("placement.held", module, false).await
        })
        .await?;
        let (mut from, mut to) = (Side::open(&self.from.url).await?, Side::open(&self.to.url).await?);
        if self.leaves {
            to.follow_no_more(&way).await?;
            from.publish_no_more(&way).await?;
            to.publish_no_more(&opposite).await?;
            from.remove_gate(module).await?;
            self.supervisor.remove_service(module).await?;
        } else {
            to.follow_again(&way).await?;
        }
        self.journal.close("aborted", None).await
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
