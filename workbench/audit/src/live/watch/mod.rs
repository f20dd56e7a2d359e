//! The state of a watched shop, and its anomalies. This module reads nothing: it receives changes and returns
//! findings.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use uuid::Uuid;

use super::super::records::prices::Prices;
use super::super::records::{Entry, Moment, Pieces, pieces};
use super::super::{Subject, money, timeline, vote};
use super::anomalies::Anomalies;
use super::news::{ExactLevel, HoldVersion, News, Sessions, Version};
use super::read::{ExactShelves, Suspects};
use super::shelves::Shelves;
use super::trace::{Standing, Trace};
use super::windows::Windows;
use super::{Disagreement, Finding, INVARIANTS, Snapshot};
use crate::{Verdict, words};
use terminal::text::Text;
use topology::Driver;

/// The maximum number of orders to follow. If more are open, the oldest are dropped and counted as undecided.
const FOLLOWED: usize = 20_000;
/// The maximum number of products per full check.
const SUSPECTS: usize = 20;
/// Number of looks between full checks, each of which reads a table that grows with the run.
const BETWEEN_SUSPICIONS: u64 = 5;

/// A watched shop.
pub(super) struct Watch {
    driver: Driver,
    late: TimeDelta,
    /// Expected number of dead letters.
    poison: u64,
    traces: BTreeMap<Uuid, Trace>,
    prices: Arc<Prices>,
    stock: Shelves,
    sales: Shelves,
    windows: Windows,
    wrong: BTreeMap<&'static str, Anomalies>,
    /// Number of checked items, by invariant.
    looked: BTreeMap<&'static str, u64>,
    /// Late messages, by the module of the outbox.
    outboxes: BTreeMap<&'static str, u64>,
    letters: u64,
    deadlocks: Option<i64>,
    given_up: u64,
    looks: u64,
}

impl Watch {
    pub fn new(subject: &Subject, late: Duration) -> Watch {
        let wrong = INVARIANTS.into_iter().map(|invariant| (invariant, Anomalies::default()));
        Watch {
            driver: subject.shop.driver,
            late: TimeDelta::from_std(late).unwrap_or(TimeDelta::MAX),
            poison: subject.expected.poison,
            traces: BTreeMap::new(),
            prices: Arc::default(),
            stock: Shelves::default(),
            sales: Shelves::default(),
            windows: Windows::new(),
            wrong: wrong.collect(),
            looked: BTreeMap::new(),
            outboxes: BTreeMap::new(),
            letters: 0,
            deadlocks: None,
            given_up: 0,
            looks: 0,
        }
    }

    /// Sets the number of poison messages sent so far.
    pub fn expect_poison(&mut self, messages: u64) {
        self.poison = messages;
    }

    /// Adds the changes of one database.
    pub fn take(&mut self, news: News) {
        for version in news.orders {
            let trace = self.traces.entry(version.order()).or_default();
            if !trace.is_placed() {
                *self.looked.entry("I1").or_default() += 1;
            }
            trace.order(version);
        }
        for version in news.payments {
            self.traces.entry(version.order()).or_default().payment(version);
        }
        for version in news.shipments {
            self.traces.entry(version.order()).or_default().shipment(version);
        }
        for version in news.claims {
            let (id, is) = (version.order(), held(&version));
            if let Some(was) = self.traces.entry(id).or_default().claim(version) {
                self.sales.hold(&was, &is);
            }
        }
        for version in news.reservations {
            let (id, is) = (version.order(), held(&version));
            if let Some(was) = self.traces.entry(id).or_default().reservation(version) {
                *self.looked.entry("I2").or_default() += 1;
                self.stock.hold(&was, &is);
            }
        }
        for level in news.levels {
            self.stock.give_out(&level.sku, level.received - level.on_hand);
            self.flag("I2", words::live_on_hand(&level.sku), level.on_hand < 0);
        }
        Arc::make_mut(&mut self.prices).extend(news.prices);
        for sale in news.sales {
            self.sales.give_out(&sale.sku, sale.claimed);
            self.flag("I2", words::live_quota(&sale.sku), !(0..=sale.quota).contains(&sale.claimed));
        }
        for sku in self.stock.settle() {
            self.flag("I2", words::live_stock(sku), false);
        }
        for sku in self.sales.settle() {
            self.flag("I2", words::live_sale(sku), false);
        }
        self.outboxes.extend(news.outbox);
        if let Some(sessions) = news.sessions {
            self.sessions(&sessions);
        }
        self.messages();
    }

    /// Adds the broker's count of dead letters, if it responded.
    pub fn letters(&mut self, counted: Option<u64>) {
        self.letters = counted.unwrap_or(self.letters);
        self.messages();
    }

    fn messages(&mut self) {
        let late: u64 = self.outboxes.values().sum();
        // If there are fewer than were sent, the rest are still in progress.
        let dead = self.letters.saturating_sub(self.poison);
        self.anomalies("I6").count(late + dead, || words::live_messages(late, dead));
    }

    fn sessions(&mut self, sessions: &Sessions) {
        // A server that has crashed counts from zero again.
        let before = *self.deadlocks.get_or_insert(sessions.deadlocks);
        self.deadlocks = Some(before.min(sessions.deadlocks));
        let deadlocks = sessions.deadlocks.saturating_sub(before).max(0);
        let Sessions { prepared, open, .. } = sessions;
        let words = || words::live_sessions(prepared, open, deadlocks);
        self.anomalies("I7").count((prepared + open + deadlocks).unsigned_abs(), words);
    }

    /// Orders that are still open.
    pub fn open(&mut self) -> Vec<Uuid> {
        let driver = self.driver;
        let open = |trace: &mut Trace| trace.standing(driver) != Standing::Agreed;
        self.traces.iter_mut().filter_map(|(id, trace)| open(trace).then_some(*id)).collect()
    }

    /// Orders that can be judged now: all modules agree on them, or should by now.
    pub fn ripe(&mut self, at: Moment) -> Vec<Uuid> {
        let (driver, since) = (self.driver, at - self.late);
        let ripe = |trace: &mut Trace| {
            let late = trace.open_since().is_some_and(|open| open < since);
            !trace.is_judged() && (late || trace.standing(driver) == Standing::Agreed)
        };
        self.traces.iter_mut().filter_map(|(id, trace)| ripe(trace).then_some(*id)).collect()
    }

    /// Judges these orders, with their ledger entries.
    pub fn judge(&mut self, ripe: Vec<Uuid>, entries: Vec<Entry>) {
        let mut ledger: HashMap<Uuid, Vec<Entry>> = HashMap::new();
        for entry in entries {
            ledger.entry(entry.reference).or_default().push(entry);
        }
        for id in ripe {
            let entries = ledger.remove(&id).unwrap_or_default();
            self.judge_one(id, entries);
        }
    }

    /// Applies the rules of the audit at rest. An order that is not decided can only be late.
    fn judge_one(&mut self, id: Uuid, entries: Vec<Entry>) {
        let driver = self.driver;
        let Some(trace) = self.traces.get_mut(&id) else { return };
        trace.judged();
        let agreed = trace.standing(driver) == Standing::Agreed;
        if agreed && let Some(window) = trace.window(driver) {
            self.windows.add(window);
        }
        let (placed, decided) = (trace.is_placed(), trace.is_decided());
        let records = trace.records(entries, &self.prices);
        let broken = |verdict: Verdict| verdict == Verdict::Violated;
        let unbalanced = money::movements(&records.entries).values().any(|sum| *sum != 0);
        let mut found = vec![
            ("I1", placed && !decided),
            ("I4", unbalanced),
            ("I5", broken(vote::all_or_nothing(&records, driver).verdict)),
        ];
        if decided {
            found.push(("I3", broken(money::each_order_is_paid_once(&records).verdict)));
            found.push(("I8", broken(timeline::events_are_in_order(&records, driver).verdict)));
        }
        for (invariant, wrong) in found {
            let looked = match invariant {
                // Counted when the order was placed.
                "I1" => false,
                "I4" => !records.entries.is_empty(),
                _ => true,
            };
            *self.looked.entry(invariant).or_default() += u64::from(looked);
            self.flag(invariant, id.to_string().into(), wrong);
        }
    }

    /// Products that do not match what orders hold, if a full check is due.
    pub fn suspects(&mut self) -> Option<Suspects> {
        self.looks += 1;
        let some = |shelves: &Shelves| shelves.suspects().into_iter().take(SUSPECTS).collect::<Vec<_>>();
        let suspects = Suspects { stock: some(&self.stock), sales: some(&self.sales) };
        let any = !suspects.stock.is_empty() || !suspects.sales.is_empty();
        (any && self.looks.is_multiple_of(BETWEEN_SUSPICIONS)).then_some(suspects)
    }

    /// Evaluates a full check.
    pub fn confirm(&mut self, exact: ExactShelves) {
        let confirmed = |shelves: &mut Shelves, levels: Vec<ExactLevel>| -> Vec<(String, bool)> {
            levels.into_iter().map(|level| (level.sku.clone(), shelves.confirm(&level))).collect()
        };
        let stock = confirmed(&mut self.stock, exact.stock);
        let sales = confirmed(&mut self.sales, exact.sales);
        stock.into_iter().for_each(|(sku, wrong)| self.flag("I2", words::live_stock(sku), wrong));
        sales.into_iter().for_each(|(sku, wrong)| self.flag("I2", words::live_sale(sku), wrong));
    }

    /// Drops the orders that are settled and that no later look can return.
    pub fn forget(&mut self, oldest: Option<Uuid>) {
        let Some(oldest) = oldest else { return };
        let driver = self.driver;
        self.traces.retain(|id, trace| {
            *id >= oldest || !trace.is_judged() || trace.standing(driver) != Standing::Agreed
        });
        while self.traces.len() > FOLLOWED {
            self.traces.pop_first();
            self.given_up += 1;
        }
    }

    /// Current and past disagreements of the databases.
    pub fn disagreement(&mut self) -> Disagreement {
        let driver = self.driver;
        let disagrees = |trace: &mut Trace| trace.standing(driver) == Standing::Disagreed;
        let open: u64 = self.traces.values_mut().map(|trace| u64::from(disagrees(trace))).sum();
        self.windows.disagreement(open)
    }

    /// The current findings.
    pub fn snapshot(&mut self, at: Moment) -> Snapshot {
        let given_up = self.given_up;
        self.anomalies("I1").count(given_up, || words::live_given_up(given_up));
        let of = |(invariant, anomalies): (&&'static str, &Anomalies)| {
            // Sessions and messages can always be checked, but without an order that proves nothing.
            let of_all = matches!(*invariant, "I6" | "I7");
            let looked = self.looked.get(if of_all { "I1" } else { invariant }).copied().unwrap_or_default();
            Finding {
                invariant,
                verdict: match (anomalies.number(), looked) {
                    (0, 0) => Verdict::NoEvidence,
                    (0, _) => Verdict::Held,
                    _ => Verdict::Violated,
                },
                anomalies: anomalies.number(),
                example: anomalies.example(),
            }
        };
        let findings = self.wrong.iter().map(of).collect();
        Snapshot { at, findings, disagreement: self.disagreement() }
    }

    fn anomalies(&mut self, invariant: &'static str) -> &mut Anomalies {
        self.wrong.entry(invariant).or_default()
    }

    fn flag(&mut self, invariant: &'static str, thing: Text, wrong: bool) {
        match wrong {
            true => self.anomalies(invariant).add(thing),
            false => self.anomalies(invariant).remove(&thing),
        }
    }
}

fn held(version: &HoldVersion) -> Pieces {
    if version.record.is_held() { pieces(&version.record.lines) } else { Pieces::new() }
}

#[cfg(test)]
mod tests;
