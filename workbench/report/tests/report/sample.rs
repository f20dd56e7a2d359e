//! Made-up runs for the tests.

use audit::{Audit, Verdict};
use load::Arrivals;
use rand::SeedableRng;
use rand::rngs::StdRng;
use rand_distr::{Distribution, LogNormal};
use report::run::{
    Cost, Histograms, Latency, Load, Memory, ModeRun, Orders, Run, SCHEMA, ScheduleError, Second, Trial,
};
use report::stats::compare;
use servers::record::{Found, Machine, Server, Servers};
use story::tax::{Part, Tax};
use terminal::text::Text;
use topology::Driver;

/// Log-normal noise, mostly within 10 %.
pub struct Noise(StdRng, LogNormal<f64>);

impl Noise {
    pub fn new(seed: u64) -> Self {
        Noise(StdRng::seed_from_u64(seed), LogNormal::new(0.0, 0.10).expect("a positive deviation"))
    }

    fn on(&mut self, value: f64) -> f64 {
        value * self.1.sample(&mut self.0)
    }
}

/// Trials of a mode; `slowness` multiplies latency and cost.
pub fn mode(driver: Driver, label: &str, slowness: f64, trials: u64, noise: &mut Noise) -> ModeRun {
    let trials = (1..=trials).map(|number| trial(number, slowness, noise)).collect();
    ModeRun { trials, ..ModeRun::new(driver, label.to_owned()) }
}

fn trial(number: u64, slowness: f64, noise: &mut Noise) -> Trial {
    let answered = latency(3.0 * slowness, noise);
    let decided = latency(4.0 * slowness, noise);
    Trial {
        trial: number,
        orders: Orders {
            sent: 2000,
            accepted: 1995,
            confirmed: 1795,
            refused: [("OUT_OF_STOCK", 80), ("INSUFFICIENT_FUNDS", 60), ("PRICE_CHANGED", 60)]
                .map(|(code, count)| (code.to_owned(), count))
                .into(),
            unknown: 0,
            failed: [("503".to_owned(), 5)].into(),
        },
        throughput_per_s: noise.on(200.0 / slowness),
        answered_ms: Some(answered),
        decided_ms: Some(decided),
        histogram: Histograms { answered: buckets(answered.p50), decided: buckets(decided.p50) },
        timeline: (0..20)
            .map(|second| Second {
                second,
                sent: 100,
                answered: noise.on(100.0) as u64,
                decided: noise.on(95.0) as u64,
            })
            .collect(),
        schedule_error_ms: Some(ScheduleError { p50: 0.1, p99: 0.6, max: 2.3 }),
        hindered: [].into(),
        not_measured: [].into(),
        cost_per_1000_orders: Cost {
            cpu_s: Some(noise.on(1.4 * slowness)),
            cpu_s_shop: Some(noise.on(0.6 * slowness)),
            cpu_s_servers: Some(noise.on(0.8 * slowness)),
            db_transactions: Some(noise.on(1000.0 * slowness)),
            wal_bytes: Some(noise.on(6.0e6 * slowness)),
            messages: Some(if slowness > 1.0 { 9000.0 } else { 0.0 }),
        },
        memory_mb: Memory {
            total: Some(noise.on(120.0 * slowness)),
            processes: [("postgres".to_owned(), 80.0), ("shop".to_owned(), 40.0)].into(),
        },
        ready_ms: noise.on(900.0 * slowness),
        tax: Some(tax(4.0 * slowness)),
        audit: [
            ("I1", "every accepted order exists and is decided", "접수된 주문은 모두 존재하고 결정된다"),
            ("I2", "stock is never below zero and adds up", "재고는 0보다 작아지지 않고 수가 맞는다"),
            ("I4", "money is constant", "돈의 총액은 일정하다"),
        ]
        .map(|(invariant, english, korean)| Audit {
            invariant: invariant.to_owned(),
            title: Text::new(|| english.to_owned(), || korean.to_owned()),
            verdict: Verdict::Held,
            checked: 1995,
            evidence: Text::new(|| "1,995 orders, all decided".to_owned(), || "주문 1,995건".to_owned()),
        })
        .into(),
        live: None,
    }
}

/// A tax whose parts all take the same time.
fn tax(whole_ms: f64) -> Tax {
    let parts_ms = Part::ALL.map(|part| (part, whole_ms / Part::ALL.len() as f64)).into();
    Tax { orders: 500, of: 1995, whole_ms, parts_ms }
}

fn latency(median: f64, noise: &mut Noise) -> Latency {
    let p50 = noise.on(median);
    Latency { p50, p90: p50 * 1.8, p99: noise.on(median * 4.0), max: p50 * 9.0, mean: p50 * 1.1, count: 1995 }
}

/// A distribution of one hump and a long tail around the median.
fn buckets(median: f64) -> Vec<(f64, u64)> {
    let height = |step: i32| 400.0 / (1.0 + (f64::from(step) / 4.0).powi(2)).powf(1.6);
    (-12..40).map(|step| (median * 1.06_f64.powi(step), height(step) as u64)).collect()
}

/// A run with a comparison of these modes.
pub fn run(modes: Vec<ModeRun>) -> Run {
    let server = |version: &str, durability: &str| {
        Some(Server { version: version.to_owned(), found: Found::Private, durability: durability.to_owned() })
    };
    Run {
        schema: SCHEMA.to_owned(),
        started_at: "2026-11-20T09:30:00Z".parse().expect("a moment"),
        commit: Some("0123abc-dirty".to_owned()),
        cleave_version: "0.1.0".to_owned(),
        seed: 42,
        machine: Machine {
            os: "Linux 6.1".to_owned(),
            cpu: "A CPU".to_owned(),
            cores: Some(2),
            memory_mb: Some(24_000),
        },
        load: Load {
            arrivals: Arrivals::Open { rate_per_s: 100.0 },
            duration_s: 20.0,
            warm_up_s: 3.0,
            products: 1000,
            customers: 10_000,
            mix: [("confirmed".to_owned(), 0.9), ("OUT_OF_STOCK".to_owned(), 0.1)].into(),
        },
        flaws: Vec::new(),
        servers: Servers {
            postgresql: server("15.9", "fsync on, synchronous_commit on"),
            rabbitmq: server("3.10.8", "quorum queues, persistent messages, publisher confirms"),
        },
        comparison: compare(&modes),
        ladder: Vec::new(),
        verdict: Verdict::of_all(
            modes
                .iter()
                .flat_map(|mode| &mode.trials)
                .flat_map(|trial| &trial.audit)
                .map(|audit| audit.verdict),
        ),
        modes,
    }
}

/// The usual case: a monolith, and a split shop that costs several times as much.
pub fn monolith_and_split() -> Run {
    let mut noise = Noise::new(1);
    run(vec![
        mode(Driver::Local, "monolith:local", 1.0, 3, &mut noise),
        mode(Driver::Orchestrated, "split:orchestrated", 6.0, 3, &mut noise),
    ])
}

/// From the monolith to the split shop, each stage a little slower than the one before.
pub fn ladder() -> Run {
    let mut noise = Noise::new(3);
    let slower = |place: usize| 1.0 + 0.7 * place as f64;
    let modes = Driver::LADDER.into_iter().enumerate();
    let modes = modes.map(|(n, driver)| mode(driver, &driver.to_string(), slower(n), 3, &mut noise));
    let mut run = run(modes.collect());
    run.ladder = report::ladder::stages(&run.modes);
    run
}

/// Every driver, each a little slower than the one before.
pub fn every_driver() -> Run {
    let mut noise = Noise::new(2);
    let slower = |place: usize| 1.0 + 0.7 * place as f64;
    let modes = Driver::ALL.into_iter().enumerate();
    run(modes.map(|(n, driver)| mode(driver, &driver.to_string(), slower(n), 3, &mut noise)).collect())
}
