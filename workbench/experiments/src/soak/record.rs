//! The record of a soak. docs/soak.schema.json describes it for programs.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use chrono::{DateTime, Utc};
use comfy_table::{Table, presets};
use serde::{Deserialize, Serialize};

use crate::chaos::Planned;
use crate::scenario::Orders;
use crate::words;
use audit::{Audit, Verdict};
use faults::Record;
use report::verdict_words;
use servers::record::Machine;
use topology::Driver;

/// The format's name and version.
pub const SCHEMA: &str = "cleave.soak/1";
/// The share of the wanted orders that must be decided in the end.
const DECIDED: f64 = 0.95;
/// A kind of fault has shown something if it had an effect at least so often.
pub(super) const OFTEN: u64 = 3;

/// A soak of one shop after the other.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Soak {
    /// Always [`SCHEMA`].
    pub schema: String,
    /// When it began.
    pub started_at: DateTime<Utc>,
    /// The git commit that was run, with `-dirty` appended if files were modified; null outside git.
    pub commit: Option<String>,
    /// The version of the program `cleave`.
    pub cleave_version: String,
    /// The machine it ran on.
    pub machine: Machine,
    /// The seed of all randomness.
    pub seed: u64,
    /// The result of each shop.
    pub shops: Vec<Soaked>,
    /// All verdicts taken together.
    pub verdict: Verdict,
}

/// The result of one shop.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Soaked {
    /// The driver.
    pub driver: Driver,
    /// Seconds in all, from the start of its servers to the end of the audit.
    pub took_s: f64,
    /// The outcomes of the orders.
    pub orders: Orders,
    /// The share of the wanted orders that were decided.
    pub decided: f64,
    /// The faults by their kinds.
    pub kinds: BTreeMap<String, Fired>,
    /// Each fault that was added, with what it really hit.
    pub faults: Vec<Record>,
    /// The faults that could not be added, and why.
    pub not_made: Vec<String>,
    /// How often each process was restarted after it had ended.
    pub restarts: BTreeMap<String, u64>,
    /// The audit after everything had come to rest.
    pub audit: Vec<Audit>,
    /// `violated` if the audit found something, an order was lost or doubled, or too few were decided; `no_evidence` if
    /// a kind of fault fired too seldom, or part of the load could not be sent.
    pub verdict: Verdict,
}

/// The faults of one kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fired {
    /// Faults that were planned.
    pub planned: u64,
    /// Faults with hits.
    pub fired: u64,
    /// Their hits: pieces of data, connections, messages, processes.
    pub hits: u64,
}

impl Soaked {
    #[allow(clippy::too_many_arguments, reason = "all that was seen, put together in one place")]
    pub(super) fn new(
        driver: Driver,
        took: Duration,
        orders: Orders,
        planned: &[Planned],
        faults: Vec<Record>,
        not_made: Vec<String>,
        restarts: BTreeMap<String, u64>,
        audit: Vec<Audit>,
    ) -> Soaked {
        let mut kinds: BTreeMap<String, Fired> = BTreeMap::new();
        for planned in planned {
            kinds.entry(planned.fault.kind.name.to_owned()).or_default().planned += 1;
        }
        for record in &faults {
            let of_kind = kinds.entry(record.fault.kind.name.to_owned()).or_default();
            of_kind.fired += u64::from(record.hits > 0);
            of_kind.hits += record.hits;
        }
        let decided = orders.decided as f64 / orders.wanted.max(1) as f64;
        let audited = Verdict::of_all(audit.iter().map(|audit| audit.verdict));
        let often = if kinds.values().all(|of_kind| of_kind.fired >= OFTEN) {
            Verdict::Held
        } else {
            Verdict::NoEvidence
        };
        let kept = if orders.lost + orders.doubled == 0 && decided >= DECIDED {
            Verdict::Held
        } else {
            Verdict::Violated
        };
        let verdict = Verdict::of_all([audited, often, kept, orders.sent()]);
        let took_s = took.as_secs_f64();
        Soaked { driver, took_s, orders, decided, kinds, faults, not_made, restarts, audit, verdict }
    }
}

/// For people.
pub fn table(soak: &Soak) -> String {
    let mut text = String::new();
    for shop in &soak.shops {
        describe(shop, &mut text);
    }
    let _ = write!(text, "{}", words::verdict(verdict_words(soak.verdict)));
    text
}

fn describe(shop: &Soaked, text: &mut String) {
    let Soaked { driver, took_s, orders, decided, kinds, faults, not_made, restarts, audit, verdict } = shop;
    let (wanted, accepted, share) = (orders.wanted, orders.accepted, decided * 100.0);
    let _ = writeln!(text, "{}\n", words::soaked(driver, format!("{took_s:.0}"), verdict_words(*verdict)));
    let slowest =
        orders.slowest_s.map_or_else(words::none, |seconds| words::slowest_after(format!("{seconds:.1}")));
    let became = words::soak_orders(
        wanted,
        accepted,
        orders.decided,
        format!("{share:.1}"),
        DECIDED * 100.0,
        orders.lost,
        orders.doubled,
        orders.decided_within_2_s,
        orders.delayed,
        slowest,
    );
    let _ = writeln!(text, "{became}");
    for line in orders.hindrances() {
        let _ = writeln!(text, "{line}");
    }
    let mut table = Table::new();
    let header = [words::head_fault(), words::head_planned(), words::head_fired(), words::head_hits()];
    table.load_style(presets::UTF8_HORIZONTAL_ONLY).set_header(header);
    for (kind, of_kind) in kinds {
        let Fired { planned, fired, hits } = of_kind;
        table.add_row([kind.clone(), planned.to_string(), fired.to_string(), hits.to_string()]);
    }
    let _ = writeln!(text, "{table}");
    for record in faults.iter().filter(|record| record.hits == 0) {
        let _ = writeln!(text, "{}", words::soak_hit_nothing(&record.fault));
    }
    for fault in not_made {
        // What a process wrote before it ended is in the JSON.
        let _ = writeln!(text, "{}", words::not_made(fault.lines().next().unwrap_or_default()));
    }
    let restarts: Vec<String> = restarts.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let _ = writeln!(text, "{}", words::restarts(restarts.join(", ")));
    for audit in audit {
        let _ = writeln!(
            text,
            "{} {}: {} ({})",
            audit.invariant,
            verdict_words(audit.verdict),
            audit.title,
            audit.evidence
        );
    }
    let _ = writeln!(text);
}

#[cfg(test)]
mod tests {
    use super::*;
    use faults::FaultSpec;

    /// A soak with these orders, this many kills with hits, and an audit that held.
    fn soaked(orders: Orders, fired: u64) -> Soaked {
        let fault = FaultSpec::new("kill", Some("orders")).unwrap();
        let record = |id| Record {
            id,
            fault: fault.clone(),
            started: Utc::now(),
            ended: Some(Utc::now()),
            hits: u64::from(id <= fired),
            hit: Default::default(),
            problem: None,
        };
        let audit = Audit {
            invariant: "I1".into(),
            title: Default::default(),
            verdict: Verdict::Held,
            checked: 1,
            evidence: Default::default(),
        };
        let planned = vec![Planned { at: Duration::ZERO, fault: fault.clone() }; 4];
        let faults = (1..=4).map(record).collect();
        let (driver, took) = (Driver::Orchestrated, Duration::ZERO);
        Soaked::new(driver, took, orders, &planned, faults, Vec::new(), BTreeMap::new(), vec![audit])
    }

    #[test]
    fn a_lost_order_is_a_violation_and_a_rare_fault_no_evidence() {
        let good = || Orders { wanted: 100, accepted: 100, decided: 95, ..Orders::default() };
        let verdict = |orders, fired| soaked(orders, fired).verdict;
        assert_eq!(verdict(good(), 3), Verdict::Held);
        assert_eq!(verdict(good(), 2), Verdict::NoEvidence);
        assert_eq!(verdict(Orders { lost: 1, ..good() }, 3), Verdict::Violated);
        assert_eq!(verdict(Orders { doubled: 1, ..good() }, 2), Verdict::Violated);
        assert_eq!(verdict(Orders { decided: 94, ..good() }, 3), Verdict::Violated);
        let hindered = [("too many open files".to_owned(), 7)].into();
        let soaked_in_part = soaked(Orders { hindered, ..good() }, 3);
        assert_eq!(soaked_in_part.verdict, Verdict::NoEvidence);
        let mut text = String::new();
        describe(&soaked_in_part, &mut text);
        assert!(text.contains("7 requests could not be sent: too many open files"), "{text}");
        let soaked = soaked(good(), 3);
        assert_eq!(soaked.kinds["kill"], Fired { planned: 4, fired: 3, hits: 3 });
        let mut text = String::new();
        describe(&soaked, &mut text);
        assert!(text.contains("hit nothing: kill on orders"), "{text}");
    }
}
