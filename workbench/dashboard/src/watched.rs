//! One shop, second by second: its sample, the live audit, and the costs of its orders.

use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

use chrono::{TimeDelta, Utc};

use super::clock::ShopTick;
use super::cost::{Costs, Counters};
use super::look::{Decided, Look, Seen};
use super::sample::{Finding, Latency, Process, Shop};
use crate::sample::rounded;
use audit::live::Live;
use audit::{Subject, Verdict};
use control::live::{ProcessNow, ShopNow};
use faults::Record;
use report::stats::percentile;
use terminal::text::Text;
use topology::{Driver, ShopHandle};

/// If the audit's last look is older, it cannot read the databases.
const STALE: TimeDelta = TimeDelta::seconds(5);

/// A shop that is sampled.
pub(super) struct Watched {
    pub(super) look: Look,
    audit: Live,
    pub(super) costs: Costs,
    counters: Counters,
    /// The last processor time of each process, with its process id.
    cpu: HashMap<String, (u32, u64)>,
    /// The time of that reading.
    seen: Instant,
    /// Poison messages that were put in on purpose, by the number of the fault.
    poison: BTreeMap<u64, u64>,
}

impl Watched {
    /// Starts to sample this shop.
    pub(super) fn new(shop: ShopHandle) -> Watched {
        let subject = Subject::of(shop.clone());
        Watched {
            audit: Live::start(subject, audit::live::Pace::default()),
            costs: Costs::new(shop.driver),
            look: Look::new(shop),
            counters: Counters::default(),
            cpu: HashMap::new(),
            seen: Instant::now(),
            poison: BTreeMap::new(),
        }
    }

    /// The shop's data for this second: from the state that `cleave up` reports, or the reason why there is none; from
    /// the results of the load; and from a sample.
    pub(super) async fn now(
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
        // Unknown if one process cannot be read.
        let memory: Option<f64> = processes.iter().map(|process| process.memory_mb).sum();
        let memory = memory.filter(|_| !processes.is_empty());
        let cpu: Option<f64> = processes.iter().map(|process| process.cpu_percent).sum();
        self.count(known.copied(), &seen);
        self.expect(known.copied());
        let readable = known.is_some_and(|now| now.processes.iter().all(|process| process.cpu_ms.is_some()));
        let complete = readable && seen.problems.is_empty();
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
            cpu_percent: cpu.filter(|_| !processes.is_empty()).map(rounded),
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

    /// One process, with its usage since the last sample.
    fn process(&mut self, now: &ProcessNow, since: Duration) -> Process {
        let before = match now.cpu_ms {
            Some(cpu_ms) => self.cpu.insert(now.name.clone(), (now.pid, cpu_ms)),
            None => self.cpu.remove(&now.name),
        };
        let used = match (before, now.cpu_ms) {
            (Some((pid, before)), Some(cpu_ms)) if pid == now.pid => Some(cpu_ms.saturating_sub(before)),
            _ => None,
        };
        self.counters.cpu_ms += used.unwrap_or_default();
        Process {
            name: now.name.clone(),
            service: now.service.clone(),
            ready: now.ready,
            waits: now.waits.clone(),
            restarts: now.restarts,
            cpu_percent: used.map(|ms| rounded(ms as f64 / since.as_secs_f64() / 10.0)),
            memory_mb: now.memory_mb.map(rounded),
        }
    }

    /// Reports poison messages that were put in on purpose to the audit.
    fn expect(&mut self, live: Option<&ShopNow>) {
        let poison = |record: &&Record| record.fault.kind.name == "poison";
        let put_in = live.iter().flat_map(|now| now.faults.iter().filter(poison));
        self.poison.extend(put_in.map(|record| (record.id, record.hits)));
        self.audit.expect_poison(self.poison.values().sum());
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

/// A finding of the audit. If it is stale, it is no evidence of the current state.
fn shown(finding: &audit::live::Finding, stale: bool) -> Finding {
    let example = finding.example.as_ref().map(Text::english);
    Finding {
        invariant: finding.invariant.to_owned(),
        verdict: if stale { Verdict::NoEvidence } else { finding.verdict },
        anomalies: finding.anomalies,
        example: example.map(str::to_owned),
        order_id: example.and_then(|example| example.parse().ok()),
    }
}
