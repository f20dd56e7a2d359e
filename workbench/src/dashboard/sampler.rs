//! Once a second: looks at everything and makes a [`Sample`] of it.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use futures_util::future::join_all;
use tokio::time::MissedTickBehavior;

use super::Dashboard;
use super::clock::{ShopTick, Tick};
use super::cost::{Costs, Counters, WINDOW, compare, percentile};
use super::feed::Told;
use super::load::LoadProcess;
use super::look::{Decided, Look, Seen};
use super::own::Own;
use super::recording::Recorder;
use super::sample::{Event, Fault, Finding, Latency, Process, Sample, Shop};
use crate::audit::live::Live;
use crate::audit::{self, Expected, Subject};
use crate::control::Client;
use crate::control::live::{ProcessNow, ShopNow};
use crate::driver::Driver;
use crate::faults::{Record, Target};
use crate::run::{Comparison, Verdict};
use crate::up::{RunningShop, State};

/// Between two samples.
const TICK: Duration = Duration::from_secs(1);
/// How long `cleave up` may take to tell how its processes are.
const LIMIT: Duration = Duration::from_millis(900);
/// Up to this rate single orders are told of.
const WATCHED_RATE: f64 = 10.0;
/// Why a shop that should be up is not.
const REPLACED: &str = "it is being replaced, or that failed: then reset it again";
/// An audit whose last look was longer ago cannot read the databases.
const STALE: TimeDelta = TimeDelta::seconds(5);

/// Makes samples.
pub struct Sampler {
    dashboard: Arc<Dashboard>,
    folder: PathBuf,
    began: Instant,
    second: u64,
    shops: Vec<Watched>,
    load: LoadProcess,
    recorder: Option<Recorder>,
    own: Own,
    flawed: bool,
    /// The journals were read up to here.
    since: DateTime<Utc>,
    /// Where the load was sent to last, and which load: a change of either disturbs the window.
    sent_to: Vec<(Driver, String)>,
    undisturbed: bool,
    window: Instant,
    /// By the last window, and on how many it rests.
    comparison: (Vec<Comparison>, u64),
}

/// A shop that is looked at.
struct Watched {
    look: Look,
    audit: Live,
    costs: Costs,
    counters: Counters,
    /// Processor time of each process when it was last seen, with its process id.
    cpu: HashMap<String, (u32, u64)>,
    /// When that was.
    seen: Instant,
}

impl Sampler {
    /// Looks at what is up in this folder.
    pub fn new(dashboard: Arc<Dashboard>, folder: PathBuf, recorder: Option<Recorder>) -> Result<Sampler> {
        let now = Instant::now();
        Ok(Sampler {
            dashboard,
            folder,
            began: now,
            second: 0,
            shops: Vec::new(),
            load: LoadProcess::start()?,
            recorder,
            own: Own::default(),
            flawed: false,
            since: Utc::now(),
            sent_to: Vec::new(),
            undisturbed: false,
            window: now,
            comparison: Default::default(),
        })
    }

    /// Tells of each second, until nothing is up any more.
    pub async fn run(mut self) -> Result<()> {
        let mut clock = tokio::time::interval(TICK);
        // A second for which there was no time is left out; making up for it would crowd the next ones.
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            clock.tick().await;
            let Some(state) = State::read(&self.folder)? else { return Ok(()) };
            let sample = self.sample(state).await?;
            let json = serde_json::to_string(&sample)?;
            if let Some(recorder) = &mut self.recorder {
                recorder.write(&json);
            }
            self.dashboard.feed.tell(Told { second: sample.second, json });
        }
    }

    async fn sample(&mut self, state: State) -> Result<Sample> {
        let now = Utc::now();
        self.flawed = !state.flaws.is_empty();
        self.watch(&state.shops);
        let access = state.control.context("`cleave up` is of an older version; start it again")?;
        let live = self.live(&Client::new(access)?).await;
        let wanted = self.dashboard.wanted();
        if let Ok(live) = &live {
            self.direct(live).await?;
        }
        let tick = self.load.take();
        let mut by_driver: HashMap<Driver, ShopTick> = HashMap::new();
        let late = tick.as_ref().and_then(|tick| tick.late_p99_ms);
        by_driver
            .extend(tick.into_iter().flat_map(|Tick { shops, .. }| shops).map(|shop| (shop.driver, shop)));

        let watched = wanted.rate_per_s <= WATCHED_RATE;
        let flawed = self.flawed;
        let looking = self.shops.iter_mut().map(|shop| {
            let driver = shop.look.shop().driver;
            let found = match &live {
                Ok(live) => live.iter().find(|now| now.shop == driver).ok_or(REPLACED.to_owned()),
                Err(why) => Err(format!("its processes cannot be asked after: {why:#}")),
            };
            shop.now(found, by_driver.remove(&driver), watched, flawed)
        });
        let shops = join_all(looking).await;
        let live = live.unwrap_or_default();
        let faults: Vec<Fault> =
            live.iter().flat_map(|now| now.faults.iter().map(|r| fault(now.shop, r))).collect();
        let events: Vec<Event> = live.iter().flat_map(events).collect();
        self.since = events.iter().map(|event| event.at).fold(self.since, DateTime::max);
        self.undisturbed &=
            faults.is_empty() && wanted.rate_per_s > 0.0 && shops.iter().all(|s| s.problem.is_none());
        // By the clock, rounded, since ticks stray by less than half a second; and rising whatever the clock does.
        self.second = (self.began.elapsed().as_secs_f64().round() as u64).max(self.second + 1);
        if self.window.elapsed() >= WINDOW {
            self.close_window();
        }
        Ok(Sample {
            second: self.second,
            at: now,
            load: wanted.shown(now, late.map(rounded)),
            shops,
            faults,
            events,
            comparison: self.comparison.0.clone(),
            windows: self.comparison.1,
            dashboard: self.own.now(self.dashboard.feed.pages()),
            recording: self.recorder.as_ref().map(|recorder| recorder.told().clone()).unwrap_or_default(),
        })
    }

    fn close_window(&mut self) {
        for shop in &mut self.shops {
            shop.costs.close(self.second, self.undisturbed);
        }
        (self.undisturbed, self.window) = (true, Instant::now());
        let costs: Vec<&Costs> = self.shops.iter().map(|shop| &shop.costs).collect();
        self.comparison = compare(&costs);
    }

    /// Looks at these shops from now on, and goes on with those that it looked at before.
    fn watch(&mut self, running: &[RunningShop]) {
        let mut before: Vec<Option<Watched>> =
            std::mem::take(&mut self.shops).into_iter().map(Some).collect();
        for shop in running {
            let same = |watched: &&mut Option<Watched>| {
                watched.as_ref().is_some_and(|watched| watched.look.shop().databases == shop.databases)
            };
            let known = before.iter_mut().find(same).and_then(Option::take);
            self.shops.push(known.unwrap_or_else(|| Watched::new(shop.clone())));
        }
    }

    async fn live(&self, client: &Client) -> Result<Vec<ShopNow>> {
        let since = self.since.to_rfc3339_opts(SecondsFormat::Micros, true);
        let path = format!("/live?since={since}");
        let asking = client.get(&path);
        tokio::time::timeout(LIMIT, asking).await.map_err(|_| anyhow!("no answer within {LIMIT:?}"))?
    }

    /// Has the load sent to the shops that are there: one that is being replaced gets none.
    async fn direct(&mut self, live: &[ShopNow]) -> Result<()> {
        let there = self.shops.iter().map(|shop| shop.look.shop());
        let there = there.filter(|shop| live.iter().any(|now| now.shop == shop.driver));
        let shops: Vec<(Driver, String)> = there.map(|shop| (shop.driver, shop.address.clone())).collect();
        if !self.load.lives() {
            self.load = LoadProcess::start()?;
        }
        let plan = self.dashboard.wanted().plan(Utc::now(), shops.clone());
        self.undisturbed &= self.sent_to == shops && !self.load.changes(&plan);
        self.sent_to = shops;
        self.load.follow(plan).await
    }
}

impl Watched {
    fn new(shop: RunningShop) -> Watched {
        let subject = Subject {
            driver: shop.driver,
            databases: shop.databases.clone(),
            namespace: shop.namespace.clone(),
            amqp_url: shop.amqp_url.clone(),
            // Whoever plays with the shop has no plan that it could be held to.
            expected: Expected::default(),
        };
        Watched {
            audit: Live::start(subject, audit::live::Settings::default()),
            costs: Costs::new(shop.driver),
            look: Look::new(shop),
            counters: Counters::default(),
            cpu: HashMap::new(),
            seen: Instant::now(),
        }
    }

    async fn now(
        &mut self,
        live: Result<&ShopNow, String>,
        tick: Option<ShopTick>,
        watched: bool,
        flawed: bool,
    ) -> Shop {
        let tick = tick.unwrap_or_else(|| ShopTick::nothing(self.look.shop().driver));
        let answered: Vec<f64> = tick.taken.iter().map(|taken| taken.answered_ms).collect();
        self.look.follow(tick.taken);
        let known = live.as_ref().ok();
        let gateway = known.and_then(|now| now.processes.iter().find(|process| process.service == "gateway"));
        let seen = self.look.now(gateway.map(|gateway| gateway.address.as_str()), watched).await;
        let since = std::mem::replace(&mut self.seen, Instant::now()).elapsed();
        let processes: Vec<Process> = known
            .map(|now| now.processes.iter().map(|p| self.process(p, since)).collect())
            .unwrap_or_default();
        let of_load = seen.orders.as_ref().map(|orders| orders.of_load.clone()).unwrap_or_default();
        let took: Vec<f64> = of_load.iter().map(|decided| decided.ms).collect();
        let memory = (!processes.is_empty()).then(|| processes.iter().map(|p| p.memory_mb).sum());
        let cpu: Option<f64> = processes.iter().map(|process| process.cpu_percent).sum();
        self.count(known.copied(), &seen);
        let complete = known.is_some() && seen.problems.is_empty();
        if complete {
            self.costs.second(self.counters, &answered, &took, memory);
        } else {
            self.costs.gap();
        }
        let problems: Vec<String> = live.err().map_or(seen.problems, |why| vec![why]);
        let (confirmed, refused) = outcomes(&of_load);
        let found = self.audit.snapshot();
        let stale = Utc::now() - found.at > STALE;
        let shop = self.look.shop();
        let orders = seen.orders;
        Shop {
            driver: shop.driver,
            mode: shop.driver.mode(),
            broken_on_purpose: flawed || shop.driver.is_broken_on_purpose(),
            address: shop.address.clone(),
            problem: (!problems.is_empty()).then(|| problems.join("; ")),
            sent: tick.sent,
            throughput_per_s: orders.as_ref().and_then(|orders| orders.throughput_per_s).map(rounded),
            confirmed,
            refused,
            answered: latency(answered),
            decided: latency(took),
            errors: tick.errors,
            in_flight: tick.in_flight,
            pending: orders.as_ref().map(|orders| orders.pending),
            cpu_percent: memory.and(cpu).map(rounded),
            memory_mb: memory.map(rounded),
            processes,
            databases: seen.databases,
            queues: seen.queues,
            breakers: seen.breakers,
            cost: self.costs.average(),
            invariants: found.findings.iter().map(|finding| shown(finding, stale)).collect(),
            disagreement: (!stale).then_some(found.disagreement),
            seen: orders.as_ref().map(|orders| orders.seen.clone()).unwrap_or_default(),
            notable: orders.map(|orders| orders.notable).unwrap_or_default(),
        }
    }

    /// One process, and what it used since it was last seen.
    fn process(&mut self, now: &ProcessNow, since: Duration) -> Process {
        let before = self.cpu.insert(now.name.clone(), (now.pid, now.cpu_ms));
        let used = match before {
            Some((pid, cpu_ms)) if pid == now.pid => Some(now.cpu_ms.saturating_sub(cpu_ms)),
            _ => None,
        };
        self.counters.cpu_ms += used.unwrap_or_default();
        Process {
            name: now.name.clone(),
            service: now.service.clone(),
            ready: now.ready,
            restarts: now.restarts,
            cpu_percent: used.map(|ms| rounded(ms as f64 / since.as_secs_f64() / 10.0)),
            memory_mb: rounded(now.memory_mb),
        }
    }

    fn count(&mut self, live: Option<&ShopNow>, seen: &Seen) {
        let decided = seen.orders.as_ref().and_then(|orders| orders.decided).unwrap_or_default();
        self.counters.decided += decided;
        self.counters.messages = seen.messages;
        self.counters.transactions = seen.transactions;
        self.counters.bytes = live.and_then(|now| now.bytes);
    }
}

impl ShopTick {
    /// Nothing was sent to this shop.
    fn nothing(driver: Driver) -> ShopTick {
        ShopTick { driver, sent: 0, errors: BTreeMap::new(), in_flight: 0, taken: Vec::new() }
    }
}

fn outcomes(decided: &[Decided]) -> (u64, BTreeMap<String, u64>) {
    let mut refused: BTreeMap<String, u64> = BTreeMap::new();
    for code in decided.iter().filter_map(|decided| decided.refusal.as_ref()) {
        *refused.entry(code.clone()).or_default() += 1;
    }
    (decided.iter().filter(|decided| decided.refusal.is_none()).count() as u64, refused)
}

fn latency(mut of: Vec<f64>) -> Latency {
    of.sort_by(f64::total_cmp);
    let at = |quantile| percentile(&of, quantile).map(rounded);
    Latency { count: of.len() as u64, p50_ms: at(0.5), p99_ms: at(0.99), max_ms: at(1.0) }
}

fn fault(shop: Driver, record: &Record) -> Fault {
    let target = match &record.fault.target {
        Target::Link(link) => Some(link.to_string()),
        Target::Process(name) => Some(name.clone()),
        Target::Messages(service) => Some((*service).to_owned()),
        Target::Database | Target::Broker => None,
    };
    Fault {
        id: record.id,
        shop,
        kind: record.fault.kind.name.to_owned(),
        target,
        name: record.fault.to_string(),
        from: record.started,
        until: record.ended.unwrap_or(record.started + record.fault.time_to_live),
        active: record.ended.is_none(),
        hits: record.hits,
        problem: record.problem.clone(),
    }
}

fn events(now: &ShopNow) -> Vec<Event> {
    let event = |entry: &crate::supervisor::Entry| Event {
        at: entry.timestamp,
        shop: now.shop,
        process: entry.process.clone(),
        warning: entry.level != "INFO",
        message: entry.message.clone(),
    };
    now.journal.iter().map(event).collect()
}

/// What the audit found. What it found long ago is no evidence of now.
fn shown(finding: &audit::live::Finding, stale: bool) -> Finding {
    Finding {
        invariant: finding.invariant.to_owned(),
        verdict: if stale { Verdict::NoEvidence } else { finding.verdict },
        anomalies: finding.anomalies,
        example: finding.example.clone(),
        order_id: finding.example.as_deref().and_then(|example| example.parse().ok()),
    }
}

/// To hundredths: more digits only make recordings longer.
fn rounded(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}
