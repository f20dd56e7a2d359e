//! The plan of the faults, determined by a seed.

use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::Xoshiro256PlusPlus;
use rand::seq::{IndexedRandom, SliceRandom};
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use crate::words;
use faults::{FaultSpec, Kind, Link, On, POINTS};
use topology::{Driver, Mode, SERVICES};

/// The kinds of a chaos monkey. Some are left out: `slow_close` ends nothing and delays nothing that matters, so it
/// would only take the place of another, and those that keep a server away for their whole duration are for scenarios.
const KINDS: [&str; 19] = [
    "latency",
    "bandwidth",
    "timeout",
    "reset_peer",
    "slicer",
    "limit_data",
    "down",
    "kill",
    "pause",
    "clock_skew",
    "crash_point",
    "restart_database",
    "restart_broker",
    "broker_memory_alarm",
    "duplicate",
    "delay",
    "reorder",
    "drop_before_confirm",
    "poison",
];

/// A target is not disturbed again for this many faults.
const REST: usize = 4;
/// The duration of a fault, in milliseconds.
const LASTS: std::ops::RangeInclusive<u64> = 1000..=2000;
/// The same for a fault that waits for traffic to act on.
const WAITS: std::ops::RangeInclusive<u64> = 2200..=2800;

/// The error of a clock, in milliseconds.
const SKEWS: [i64; 4] = [-60_000, -5_000, 5_000, 60_000];

/// A planned fault.
#[derive(Debug, Clone, PartialEq)]
pub struct Planned {
    /// The time from the start.
    pub at: Duration,
    /// The fault.
    pub fault: FaultSpec,
}

/// This many faults for a shop with this driver, one per interval. Each kind occurs once before any occurs again.
pub fn plan(seed: u64, driver: Driver, faults: usize, every: Duration) -> Result<Vec<Planned>> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut kinds = Vec::new();
    while kinds.len() < faults {
        kinds.extend(round(driver, &mut random)?);
    }
    let mut planned: Vec<Planned> = Vec::new();
    let mut place = 1;
    for kind in kinds.into_iter().take(faults) {
        let disturbed: Vec<String> =
            planned.iter().rev().map(|planned| planned.fault.target.to_string()).collect();
        let target = target(kind, driver, &disturbed, &mut random);
        let fault = fault(kind, driver, &target, &mut random)?;
        planned.push(Planned { at: every * place, fault });
        place += places(kind);
    }
    Ok(planned)
}

/// One more fault of this kind; the number selects its target.
pub fn one_more(seed: u64, number: u64, driver: Driver, kind: &Kind) -> Result<FaultSpec> {
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed.wrapping_add(number));
    let target = target(kind, driver, &[], &mut random);
    fault(kind, driver, &target, &mut random)
}

/// The kinds that exist for this driver.
pub fn kinds(driver: Driver) -> Result<Vec<&'static Kind>> {
    let all = KINDS.into_iter().map(Kind::find).collect::<Result<Vec<_>>>()?;
    let has = |kind: &&Kind| driver.has_messages() || kind.missing_in_monolith().is_none();
    Ok(all.into_iter().filter(has).collect())
}

/// Every kind once, in random order, with those of servers at equal distances.
fn round(driver: Driver, random: &mut Xoshiro256PlusPlus) -> Result<Vec<&'static Kind>> {
    let (mut servers, mut others): (Vec<_>, Vec<_>) =
        kinds(driver)?.into_iter().partition(|kind| is_of_servers(kind));
    servers.shuffle(random);
    others.shuffle(random);
    let apart = others.len() / servers.len();
    for (n, server) in servers.into_iter().enumerate() {
        others.insert(n * (apart + 1) + apart / 2, server);
    }
    Ok(others)
}

/// The number of places in the plan that a fault takes. A server fault affects much, and the shop should recover from
/// it before the next fault: on a busy machine RabbitMQ needs about ten seconds to come back.
fn places(kind: &Kind) -> u32 {
    match kind.on {
        On::Broker => 4,
        On::Database => 2,
        On::Link | On::Process | On::Messages => 1,
    }
}

/// Whether it acts on a server, which all shops on it share.
pub(super) fn is_of_servers(kind: &Kind) -> bool {
    matches!(kind.on, On::Database | On::Broker)
}

/// One of the targets that were not disturbed recently; if all were, the one that was disturbed first.
fn target(kind: &Kind, driver: Driver, disturbed: &[String], random: &mut Xoshiro256PlusPlus) -> String {
    let mut all = targets(kind, driver);
    all.shuffle(random);
    let rested =
        |target: &String| disturbed.iter().position(|other| other == target).unwrap_or(usize::MAX).min(REST);
    // The last of equals, so the order stays random.
    all.into_iter().max_by_key(rested).unwrap_or_default()
}

/// The targets on which a kind of fault has an effect while customers browse, order, pay and track.
fn targets(kind: &Kind, driver: Driver) -> Vec<String> {
    let programs: &[&str] = &driver.services();
    // Modules at home receive no messages. In a hybrid those to the monolith are replies to orders.
    let messages: Vec<&str> = match driver.mode() {
        Mode::Hybrid => driver.away().into_iter().chain(["orders"]).collect(),
        Mode::Split | Mode::Monolith => SERVICES.to_vec(),
    };
    let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    match kind.on {
        // The gateway receives no requests for stock or shipments.
        On::Link => {
            let idle = |link: &Link| matches!(link, Link::Gateway("inventory" | "shipping"));
            let links = Link::all(driver).into_iter();
            links.filter(|link| !idle(link)).map(|link| link.to_string()).collect()
        }
        On::Process if matches!(kind.name, "kill" | "pause") => {
            named(&[programs, &["gateway", "registry"]].concat())
        }
        On::Process => named(programs),
        On::Messages => named(&messages),
        On::Database | On::Broker => named(&[kind.on.name()]),
    }
}

fn fault(kind: &Kind, driver: Driver, target: &str, random: &mut Xoshiro256PlusPlus) -> Result<FaultSpec> {
    let attributes = match kind.name {
        "latency" => json!({ "latency": random.random_range(50..400), "jitter": 50 }),
        "bandwidth" => json!({ "rate": random.random_range(5..50) }),
        "timeout" => json!({ "timeout": random.random_range(200..1000) }),
        "reset_peer" => json!({ "timeout": random.random_range(0..200) }),
        "slicer" => {
            json!({ "average_size": random.random_range(16..256), "size_variation": 8, "delay": 500 })
        }
        "limit_data" => json!({ "bytes": random.random_range(100..2000) }),
        "clock_skew" => json!({ "skew": SKEWS.choose(random) }),
        "crash_point" => {
            json!({ "point": crash_point(driver, target, random), "pass": random.random_range(1..=5) })
        }
        "reorder" => json!({ "wait": 500 }),
        "delay" => json!({ "delay": random.random_range(100..1000) }),
        _ => json!({}),
    };
    let has_to_wait = kind.on == On::Messages || kind.name == "crash_point";
    let lasts = random.random_range(if has_to_wait { WAITS } else { LASTS });
    let fault: Value = json!({
        "kind": kind.name,
        "target": target,
        "attributes": attributes,
        "for": format!("{lasts}ms"),
    });
    serde_json::from_value(fault).with_context(|| words::while_planning(kind.name, target))
}

/// A point that the process passes with every order. Compensations are too rare.
fn crash_point(driver: Driver, process: &str, random: &mut Xoshiro256PlusPlus) -> Option<&'static str> {
    let passed = POINTS.iter().filter(|point| point.processes(driver).contains(&process));
    let often: Vec<_> =
        passed.map(|point| point.name).filter(|name| !name.contains("compensation")).collect();
    often.choose(random).copied()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const EVERY: Duration = Duration::from_secs(3);

    fn planned(seed: u64, driver: Driver) -> Vec<Planned> {
        plan(seed, driver, 76, EVERY).unwrap()
    }

    #[test]
    fn a_seed_determines_all_of_it() {
        for driver in Driver::CORRECT {
            assert_eq!(planned(1, driver), planned(1, driver));
            assert_ne!(planned(1, driver), planned(2, driver));
        }
    }

    #[test]
    fn every_kind_comes_often_enough() {
        for driver in Driver::CORRECT {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for Planned { fault, .. } in planned(7, driver) {
                *counts.entry(fault.kind.name).or_default() += 1;
            }
            assert!(counts.len() >= 12, "{driver}: {counts:?}");
            assert!(counts.values().all(|count| *count >= 3), "{driver}: {counts:?}");
        }
    }

    #[test]
    fn every_fault_can_be_made_and_none_meets_another() {
        for (driver, seed) in Driver::CORRECT.into_iter().flat_map(|driver| (1..20).map(move |n| (driver, n)))
        {
            let planned = planned(seed, driver);
            for one in &planned {
                one.fault.in_shop(driver).unwrap();
                assert!(one.fault.time_to_live < EVERY);
            }
            for pair in planned.windows(2) {
                assert!(pair[0].at < pair[1].at);
                // The monolith is one process, so each fault on it follows an earlier one, which is over by then.
                let one_process = driver.mode() == Mode::Monolith;
                assert!(
                    one_process || !pair[0].fault.clashes_with(&pair[1].fault),
                    "{driver} {seed}: {pair:?}"
                );
            }
            let servers: Vec<_> = planned.iter().filter(|one| is_of_servers(one.fault.kind)).collect();
            for pair in servers.windows(2) {
                assert!(pair[1].at - pair[0].at >= EVERY * 4, "{driver} {seed}: {pair:?}");
            }
        }
    }
}
