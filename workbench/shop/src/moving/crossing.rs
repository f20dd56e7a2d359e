//! A move up to its commit point, and back if it does not come to that.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use super::journal::Journal;
use super::replica::Side;
use super::{Compared, Means, Step, StepDone, insist};
use crate::supervisor::Supervisor;
use crate::words;
use topology::MONOLITH;

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

/// A move in progress.
pub(super) struct Move<'a> {
    pub(super) supervisor: &'a Supervisor,
    pub(super) module: &'static str,
    pub(super) leaves: bool,
    /// Who owns the module now, and who will.
    pub(super) from: Side,
    pub(super) to: Side,
    pub(super) journal: Journal,
    pub(super) name: String,
    pub(super) steps: Vec<StepDone>,
}

/// What the monolith publishes and the service follows.
pub(super) fn forth(name: &str) -> String {
    format!("{name}_forth")
}

/// What the service publishes and the monolith follows.
pub(super) fn back(name: &str) -> String {
    format!("{name}_back")
}

impl Move<'_> {
    pub(super) fn did(&mut self, step: Step, began: Instant) {
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
    pub(super) async fn until_owner_changes(&mut self, means: Means<'_>) -> Result<(Duration, Compared)> {
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
    pub(super) async fn give_up(&mut self) -> Result<()> {
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
