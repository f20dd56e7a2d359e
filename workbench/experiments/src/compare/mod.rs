//! `cleave compare`: several trials of the same load on each mode in turn.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};

use crate::measured::{fresh_shop, metered_load};
use crate::words;
use audit::live::{self, Live};
use audit::{Expected, Subject, Verdict};
use load::client::Sender;
use load::mix::Intended;
use load::{Arrivals, Window};
use report::run::{Load, ModeRun, Run, SCHEMA, Trial};
use report::trial::{self, DecisionClock};
use report::{ladder, stats};
use servers::binaries;
use servers::guard::Guard;
use servers::{Infrastructure, record};
use shop::seed::{CUSTOMERS, PRODUCTS};
use shop::{Shop, ShopOptions};
use story::tax;
use terminal::progress::Progress;
use topology::Driver;

mod labels;

pub use labels::Telemetry;
use labels::{labels, slug};

/// How long a shop may take to finish after the load has stopped.
const DRAIN: Duration = Duration::from_secs(60);

/// The options.
#[derive(Debug, Clone)]
pub struct CompareOptions {
    /// The drivers, the baseline first. A driver may occur twice.
    pub drivers: Vec<Driver>,
    /// Rules that every shop leaves out on purpose.
    pub flaws: Vec<String>,
    /// Whether the processes of each record telemetry, in the same order; the last value applies to the rest.
    pub telemetry: Vec<Telemetry>,
    /// Whether they export their spans to the collector that the OTEL_* variables name.
    pub exports: bool,
    /// How the moments of sending are chosen.
    pub arrivals: Arrivals,
    /// The measured part of the load.
    pub duration: Duration,
    /// The part before that, which is not measured.
    pub warm_up: Duration,
    /// Trials per mode.
    pub trials: u64,
    /// The seed of the load.
    pub seed: u64,
    /// Whether the drivers are the stages of a ladder, which all run behind the same gateway.
    pub ladder: bool,
    /// Whether the live audit also runs.
    pub live_audit: bool,
    /// Which servers to use.
    pub infra: servers::ServerOptions,
}

/// Runs the comparison and writes its report below `folder`. Returns the run and the folder of the report.
pub async fn run(guard: &Guard, folder: &Path, options: &CompareOptions) -> Result<(Run, PathBuf)> {
    let started_at = Utc::now();
    let folder =
        folder.join("runs").join(format!("{}-{}", started_at.format("%Y%m%dT%H%M%SZ"), options.seed));
    let logs = folder.join("logs");
    std::fs::create_dir_all(&logs).with_context(|| words::cannot_create(logs.display()))?;

    if let Some(why) = load::shortage(options.arrivals) {
        terminal::note!("{why}");
    }
    let programs = binaries::ensure_built(&topology::programs(&options.drivers)).await?;
    let needs_broker = options.drivers.iter().any(|driver| driver.has_messages());
    let wanted = servers::ServerOptions { needs_broker, logs: Some(logs.clone()), ..options.infra.clone() };
    let infra = Infrastructure::find(guard, &wanted).await?;

    let lab = Laboratory { guard, infra: &infra, options, programs, logs };
    let (modes, clock) = lab.measure_all().await?;
    let mut servers = record::servers(&infra).await?;
    if let Some(postgresql) = &mut servers.postgresql {
        postgresql.durability += match clock {
            DecisionClock::Commit => "; decisions are dated by their commits",
            DecisionClock::Row => "; no commit timestamps, decisions are dated by their rows",
        };
    }
    let run = Run {
        schema: SCHEMA.to_owned(),
        started_at,
        commit: record::commit(),
        cleave_version: env!("CARGO_PKG_VERSION").to_owned(),
        seed: options.seed,
        machine: record::machine(),
        load: load_record(options),
        flaws: options.flaws.clone(),
        servers,
        comparison: stats::compare(&modes),
        ladder: if options.ladder { ladder::stages(&modes) } else { Vec::new() },
        verdict: Verdict::of_all(verdicts(&modes)),
        modes,
    };
    infra.stop().await?;
    report::write(&run, &folder)?;
    Ok((run, folder))
}

impl CompareOptions {
    /// The telemetry setting of each driver.
    fn telemetry(&self) -> impl Iterator<Item = Telemetry> {
        let last = self.telemetry.last().copied().unwrap_or(Telemetry::On);
        self.telemetry.iter().copied().chain(std::iter::repeat(last)).take(self.drivers.len())
    }
}

/// The audits' verdicts; and no evidence for a trial whose load could not be sent.
fn verdicts(modes: &[ModeRun]) -> impl Iterator<Item = Verdict> {
    let trials = || modes.iter().flat_map(|mode| &mode.trials);
    let hindered = trials().any(|trial| !trial.hindered.is_empty());
    let audits = trials().flat_map(|trial| &trial.audit).map(|audit| audit.verdict);
    audits.chain(hindered.then_some(Verdict::NoEvidence))
}

/// Runs the trials.
struct Laboratory<'a> {
    guard: &'a Guard,
    infra: &'a Infrastructure,
    options: &'a CompareOptions,
    programs: PathBuf,
    logs: PathBuf,
}

impl Laboratory<'_> {
    /// Every trial of every mode. The modes take turns, and the order alternates, so that a machine that slows down
    /// during the run slows all of them.
    async fn measure_all(&self) -> Result<(Vec<ModeRun>, DecisionClock)> {
        let telemetry: Vec<Telemetry> = self.options.telemetry().collect();
        let labels = labels(&self.options.drivers, &telemetry);
        let mut modes: Vec<ModeRun> = (self.options.drivers.iter().zip(&labels))
            .map(|(driver, label)| ModeRun::new(*driver, label.clone()))
            .collect();
        let mut clock = DecisionClock::Commit;
        let progress = Progress::new(self.options.trials * modes.len() as u64);
        for number in 1..=self.options.trials {
            let mut turns: Vec<usize> = (0..modes.len()).collect();
            if number % 2 == 0 {
                turns.reverse();
            }
            for turn in turns {
                let name = words::trial_of(&labels[turn], number, self.options.trials);
                let logs = self.logs.join(format!("{}-trial-{number}", slug(&labels[turn])));
                let (driver, telemetry) = (modes[turn].driver, telemetry[turn] == Telemetry::On);
                let one = OneTrial { lab: self, progress: &progress, driver, telemetry, name, logs };
                let (trial, dated_by) = one.run(number).await.with_context(|| one.name.clone())?;
                clock = dated_by;
                modes[turn].trials.push(trial);
                progress.step();
            }
        }
        progress.finish();
        Ok((modes, clock))
    }
}

/// One trial of one mode.
struct OneTrial<'a> {
    lab: &'a Laboratory<'a>,
    progress: &'a Progress,
    driver: Driver,
    telemetry: bool,
    name: String,
    logs: PathBuf,
}

impl OneTrial<'_> {
    async fn run(&self, number: u64) -> Result<(Trial, DecisionClock)> {
        let options = self.lab.options;
        self.phase(&words::starting_and_seeding());
        let shop = self.shop().await?;

        self.phase(&said(options.arrivals, options.warm_up + options.duration));
        let window = Window { from: options.warm_up, to: options.warm_up + options.duration };
        // A closed loop asks for the decision in both modes: a client is free when its order is decided.
        let sender = Sender::new(&shop.address, matches!(options.arrivals, Arrivals::Closed { .. }))?;
        let started_at = wall_clock(sender.started());
        let looking = options.live_audit.then(|| {
            Live::start(Subject::of(shop.handle()).expecting(expected(None)), live::Pace::default())
        });
        let load = metered_load(&sender, &shop, self.lab.infra, options.arrivals, options.seed, window);
        let (samples, usage) = load.await?;

        self.phase(&words::waiting_and_auditing());
        if let Err(error) = shop.drain(DRAIN).await {
            self.progress.note(&format!("{}: {error}", self.name));
        }
        let live = match looking {
            Some(looking) => Some(looking.finish().await?.1.since(started_at)),
            None => None,
        };
        let (recorded, clock) = trial::read_orders(&shop.databases.orders).await?;
        let settled = trial::settle(samples, &recorded, started_at);
        let accepted = settled.iter().filter_map(|order| Some(order.order_id?.0)).collect();
        let audit = audit::audit(&Subject::of(shop.handle()).expecting(expected(Some(accepted))))
            .await
            .with_context(words::while_auditing)?;
        let ready_ms = shop.ready_ms;
        let tax = tax::of_load(&shop.handle(), &trial::moments(&settled, window, started_at)).await;
        shop.stop(self.lab.infra).await?;

        let figures = trial::figures(&settled, window);
        let trial = Trial {
            trial: number,
            orders: figures.orders,
            throughput_per_s: figures.throughput_per_s,
            answered_ms: figures.answered_ms,
            decided_ms: figures.decided_ms,
            histogram: figures.histogram,
            timeline: figures.timeline,
            schedule_error_ms: figures.schedule_error_ms,
            hindered: figures.hindered,
            not_measured: usage.not_measured(figures.decided_in_window),
            cost_per_1000_orders: usage.per_1000(figures.decided_in_window),
            memory_mb: usage.memory,
            ready_ms,
            tax,
            audit,
            live,
        };
        Ok((trial, clock))
    }

    /// A fresh shop with products.
    async fn shop(&self) -> Result<Shop> {
        let options = ShopOptions {
            flaws: self.lab.options.flaws.clone(),
            telemetry: self.telemetry,
            behind_gateway: self.lab.options.ladder,
            exports: self.lab.options.exports,
            ..ShopOptions::new(&self.lab.programs, &self.logs)
        };
        let lab = self.lab;
        fresh_shop(lab.guard, self.driver, lab.infra, &options, lab.options.seed).await
    }

    fn phase(&self, what: &str) {
        self.progress.phase(format!("{}: {what}", self.name));
    }
}

/// The audit's input: after a load, with the orders that were accepted.
/// What the load of a comparison expects: every outcome at least once, and no poison message.
fn expected(accepted: Option<Vec<uuid::Uuid>>) -> Expected {
    Expected {
        accepted,
        outcomes: Intended::SHARES.map(|(intended, _)| intended.as_str().to_owned()).to_vec(),
        min_per_outcome: 1,
        poison_ids: Some(BTreeSet::new()),
        ..Expected::default()
    }
}

/// The wall-clock time of an instant.
fn wall_clock(moment: Instant) -> DateTime<Utc> {
    Utc::now() - moment.elapsed()
}

fn said(arrivals: Arrivals, length: Duration) -> String {
    let seconds = length.as_secs_f64();
    match arrivals {
        Arrivals::Open { rate_per_s } => words::at_rate(rate_per_s, seconds),
        Arrivals::Closed { clients } => words::at_full_speed(clients, seconds),
    }
}

fn load_record(options: &CompareOptions) -> Load {
    Load {
        arrivals: options.arrivals,
        duration_s: options.duration.as_secs_f64(),
        warm_up_s: options.warm_up.as_secs_f64(),
        products: PRODUCTS as u64,
        customers: CUSTOMERS as u64,
        mix: Intended::shares(),
    }
}
