//! The state of one order, as seen in all modules.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::TimeDelta;
use uuid::Uuid;

use super::super::records::prices::Prices;
use super::super::records::{Commitment, Entry, Moment, Pieces, Records, pieces};
use super::super::vote;
use super::news::{HoldVersion, OrderVersion, PaymentVersion, ShipmentVersion, Version};
use crate::Verdict;
use topology::{Driver, Mode};

/// The newest versions of an order's rows.
#[derive(Debug, Default)]
pub(super) struct Trace {
    order: Option<OrderVersion>,
    claim: Option<HoldVersion>,
    reservation: Option<HoldVersion>,
    payment: Option<PaymentVersion>,
    shipment: Option<ShipmentVersion>,
    /// When the first module other than orders held something for it.
    began: Option<Moment>,
    /// Its standing, if it was computed since the last change.
    standing: Option<Standing>,
    /// Whether it was judged since the last change.
    judged: bool,
}

/// The standing of an order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Standing {
    /// Decided, and all modules agree.
    Agreed,
    /// Pending, and no other module has data about it.
    Untouched,
    /// The modules disagree.
    Disagreed,
}

impl Trace {
    /// Adds a newer version of the order's own row.
    pub fn order(&mut self, version: OrderVersion) {
        if is_new(self.order.as_ref(), &version) {
            self.order = Some(version);
            self.touch();
        }
    }

    /// Adds a newer version of its claim of a sale. Returns what it held before.
    pub fn claim(&mut self, version: HoldVersion) -> Option<Pieces> {
        let was = held(self.claim.as_ref());
        self.say(|trace| &mut trace.claim, version).then_some(was)
    }

    /// Adds a newer version of its reservation. Returns what it held before.
    pub fn reservation(&mut self, version: HoldVersion) -> Option<Pieces> {
        let was = held(self.reservation.as_ref());
        self.say(|trace| &mut trace.reservation, version).then_some(was)
    }

    /// Adds a newer version of its payment.
    pub fn payment(&mut self, version: PaymentVersion) {
        self.say(|trace| &mut trace.payment, version);
    }

    /// Adds its shipment.
    pub fn shipment(&mut self, version: ShipmentVersion) {
        self.say(|trace| &mut trace.shipment, version);
    }

    /// Adds a version from a module other than orders. Returns `false` if this version was already known.
    fn say<V: Version>(&mut self, of: impl Fn(&mut Trace) -> &mut Option<V>, version: V) -> bool {
        if !is_new(of(self).as_ref(), &version) {
            return false;
        }
        let reopened = self.standing == Some(Standing::Agreed);
        // The time recorded for an earlier version is more exact than what a later version remembers of it.
        let began = match of(self) {
            _ if !version.says_something() => None,
            _ if reopened => version.dating().seen_at(),
            None => version.dating().first_seen_at(),
            Some(_) => None,
        };
        *of(self) = Some(version);
        self.touch();
        if let Some(began) = began {
            self.began = Some(self.began.map_or(began, |before| before.min(began)));
        }
        true
    }

    /// Marks a change. If all modules agreed before, a new disagreement begins.
    fn touch(&mut self) {
        if self.standing == Some(Standing::Agreed) {
            self.began = None;
        }
        (self.standing, self.judged) = (None, false);
    }

    /// Its standing, by the rule of the audit at rest: wholly confirmed or wholly compensated.
    pub fn standing(&mut self, driver: Driver) -> Standing {
        if let Some(standing) = self.standing {
            return standing;
        }
        // Without prices, which do not affect the standing: what an order paid no longer changes.
        let records = self.records(Vec::new(), &Arc::default());
        let contradicted = match &self.order {
            Some(order) => vote::contradiction(&records, driver, &order.record).is_some(),
            None => vote::all_or_nothing(&records, driver).verdict == Verdict::Violated,
        };
        let standing = match &self.order {
            _ if contradicted => Standing::Disagreed,
            Some(order) if !order.record.is_terminal() => Standing::Untouched,
            // This includes an order that does not exist and for which there are only tombstones.
            _ => Standing::Agreed,
        };
        *self.standing.insert(standing)
    }

    /// From the first commit in another module to the last commit of all; `None` if only orders has data. Call this
    /// only if all modules agree.
    pub fn window(&self, driver: Driver) -> Option<TimeDelta> {
        let order = self.order.as_ref().and_then(|version| version.dating().seen_at());
        let others = [last(&self.claim), last(&self.reservation), last(&self.payment), last(&self.shipment)];
        let end = others.into_iter().flatten().chain(order).max()?;
        let began = self.began?;
        // In a monolith the order's row appears with its decision. If its branch is committed first, it is ahead of
        // the others.
        let ahead = order.filter(|_| driver.mode() == Mode::Monolith);
        Some(end - ahead.map_or(began, |ahead| began.min(ahead)))
    }

    /// When it was placed, decided, or first seen in another module.
    pub fn open_since(&self) -> Option<Moment> {
        let order = self.order.as_ref().map(|version| &version.record);
        order.map(|order| order.decided_at.unwrap_or(order.placed_at)).or(self.began)
    }

    pub fn is_decided(&self) -> bool {
        self.order.as_ref().is_some_and(|version| version.record.is_terminal())
    }

    pub fn is_placed(&self) -> bool {
        self.order.is_some()
    }

    /// Whether it was judged since the last change.
    pub fn is_judged(&self) -> bool {
        self.judged
    }

    /// Marks it as judged until the next change.
    pub fn judged(&mut self) {
        self.judged = true;
    }

    /// The records of this order alone, for the judges of the audit at rest.
    pub fn records(&self, entries: Vec<Entry>, prices: &Arc<Prices>) -> Records {
        let mut records = Records { entries, prices: prices.clone(), ..Records::default() };
        records.orders.extend(self.order.as_ref().map(|version| version.record.clone()));
        let hold = |version: &Option<HoldVersion>| {
            HashMap::from_iter(version.as_ref().map(|version| (version.order(), version.record.clone())))
        };
        (records.claims, records.reservations) = (hold(&self.claim), hold(&self.reservation));
        let committed = |version: &HoldVersion| -> Option<(Uuid, Commitment)> {
            let committed_at = Some(version.confirmed_at?);
            Some((version.order(), Commitment { order_id: version.order(), committed_at }))
        };
        records.commitments = self.reservation.iter().filter_map(committed).collect();
        records.payments =
            self.payment.iter().map(|version| (version.order(), version.record.clone())).collect();
        records.shipments =
            self.shipment.iter().map(|version| (version.order(), version.record.clone())).collect();
        records
    }
}

fn is_new<V: Version>(known: Option<&V>, version: &V) -> bool {
    known.is_none_or(|known| known.dating().version != version.dating().version)
}

/// When a module's latest version became visible.
fn last<V: Version>(version: &Option<V>) -> Option<Moment> {
    version.as_ref().filter(|version| version.says_something())?.dating().seen_at()
}

/// The reserved units.
fn held(version: Option<&HoldVersion>) -> Pieces {
    version
        .filter(|version| version.record.is_held())
        .map(|version| pieces(&version.record.lines))
        .unwrap_or_default()
}
