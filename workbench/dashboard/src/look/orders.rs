//! The orders of a shop: how many are decided and pending, and the outcomes of those of the load.

use std::collections::{BTreeMap, VecDeque};

use anyhow::Result;
use chrono::{DateTime, TimeDelta, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use uuid::Uuid;

use super::{Session, ms_between};
use crate::clock::Taken;
use crate::sample::{Notable, NotableOrder, Seen};
use topology::{Driver, ShopHandle};

/// The most orders of the load to follow at once.
const FOLLOWED: usize = 5_000;
/// How much older than its row an id may be: it is created before the transaction that writes the row.
const MARGIN: TimeDelta = TimeDelta::seconds(30);
/// How long a slow order is remembered.
const SLOW: TimeDelta = TimeDelta::seconds(60);
/// After this time a pending order counts as stuck.
const STUCK_MS: f64 = 2_000.0;
/// The number of orders to show individually.
const SHOWN: usize = 20;

/// Ids are ordered by time (UUID version 7), so the primary key finds the recent orders. Among them are all that are
/// pending, that were pending at the last look, or that were decided since.
///
/// Decisions are counted up to a moment ago: a decision of this instant may not be committed yet, and no later look
/// would count it.
const RECENT: &str = "SELECT now, until,
        count(*) FILTER (WHERE status = 'pending') AS pending,
        count(*) FILTER (WHERE decided_at > $2 AND decided_at <= until) AS decided,
        min(order_id::text) FILTER (WHERE status = 'pending') AS oldest
    FROM (SELECT clock_timestamp() AS now, clock_timestamp() - interval '250 ms' AS until OFFSET 0) AS moment
    LEFT JOIN orders.orders ON order_id >= $1
    GROUP BY now, until";

const TRACKED: &str = "SELECT current_setting('track_commit_timestamp')::bool AS value";

/// Reads the orders of a shop.
pub(super) struct Orders {
    url: String,
    driver: Driver,
    session: Session,
    /// The time of a decision: its commit timestamp if the server keeps them, or else the row's own, a little earlier.
    moment: Option<&'static str>,
    /// Orders with a smaller id are decided and have been counted.
    bound: Uuid,
    /// Decisions up to this time have been counted.
    counted: Option<DateTime<Utc>>,
    /// Orders of the load that are not decided yet, with their intended moments of sending.
    followed: BTreeMap<Uuid, DateTime<Utc>>,
    /// Orders whose response contained the decision.
    by_answer: Vec<Decided>,
    notable: Notable,
    slow: VecDeque<(DateTime<Utc>, NotableOrder)>,
    shown: VecDeque<Uuid>,
}

/// The orders of one sample.
pub struct OrdersNow {
    /// Decided orders per second from all clients; `None` at the first look.
    pub throughput_per_s: Option<f64>,
    /// Orders decided since the last look; `None` at the first look.
    pub decided: Option<u64>,
    /// Orders that are pending.
    pub pending: u64,
    /// Orders of the load that were decided since the last look.
    pub of_load: Vec<Decided>,
    /// Orders worth looking at.
    pub notable: Notable,
    /// The latest orders, individually.
    pub seen: Vec<Seen>,
}

/// A decided order of the load.
#[derive(Debug, Clone)]
pub struct Decided {
    /// Its id.
    pub order_id: Uuid,
    /// The code of the refusal; `None` if the order is confirmed.
    pub refusal: Option<String>,
    /// From the intended moment of sending to the decision.
    pub ms: f64,
}

#[derive(QueryableByName)]
struct Recent {
    #[diesel(sql_type = Timestamptz)]
    now: DateTime<Utc>,
    #[diesel(sql_type = Timestamptz)]
    until: DateTime<Utc>,
    #[diesel(sql_type = BigInt)]
    pending: i64,
    #[diesel(sql_type = BigInt)]
    decided: i64,
    #[diesel(sql_type = Nullable<Text>)]
    oldest: Option<String>,
}

#[derive(QueryableByName)]
struct Flag {
    #[diesel(sql_type = Bool)]
    value: bool,
}

#[derive(QueryableByName)]
struct DecidedRow {
    #[diesel(sql_type = SqlUuid)]
    order_id: Uuid,
    #[diesel(sql_type = Nullable<Text>)]
    refusal_code: Option<String>,
    #[diesel(sql_type = Timestamptz)]
    moment: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct ShownRow {
    #[diesel(sql_type = SqlUuid)]
    order_id: Uuid,
    #[diesel(sql_type = Text)]
    status: String,
    #[diesel(sql_type = Nullable<Text>)]
    refusal_code: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    last_event: Option<String>,
}

impl Orders {
    pub(super) fn new(shop: &ShopHandle) -> Orders {
        Orders {
            url: shop.databases.orders.clone(),
            driver: shop.driver,
            session: Session::default(),
            moment: None,
            // The first look counts every order.
            bound: Uuid::nil(),
            counted: None,
            followed: BTreeMap::new(),
            by_answer: Vec::new(),
            notable: Notable::default(),
            slow: VecDeque::new(),
            shown: VecDeque::new(),
        }
    }

    pub(super) fn follow(&mut self, taken: Vec<Taken>) {
        for Taken { order_id, intended, answered_ms, decided } in taken {
            self.shown.push_back(order_id);
            match decided {
                Some(word) => {
                    let refusal = (word != "confirmed").then_some(word);
                    self.by_answer.push(Decided { order_id, refusal, ms: answered_ms });
                }
                None if self.followed.len() < FOLLOWED => {
                    self.followed.insert(order_id, intended);
                }
                None => {}
            }
        }
        self.shown.drain(..self.shown.len().saturating_sub(SHOWN));
    }

    pub(super) async fn now(&mut self, watched: bool) -> Result<OrdersNow> {
        let mut of_load = std::mem::take(&mut self.by_answer);
        let waiting: Vec<Uuid> = self.followed.keys().copied().collect();
        let shown: Vec<Uuid> = if watched { self.shown.iter().copied().collect() } else { Vec::new() };
        let (bound, driver, known) = (self.bound, self.driver, self.moment);
        let since = self.counted.unwrap_or_default();
        let looked = self.session.run(&self.url, async |connection| {
            let moment = match known {
                Some(moment) => moment,
                None => moment_of_decision(connection).await?,
            };
            let recent = diesel::sql_query(RECENT).bind::<SqlUuid, _>(bound).bind::<Timestamptz, _>(since);
            let recent: Recent = recent.get_result(connection).await?;
            let decided = decided(connection, moment, &waiting).await?;
            let shown = one_by_one(connection, driver, &shown).await?;
            Ok((moment, recent, decided, shown))
        });
        let (moment, recent, decided, seen) = looked.await?;
        self.moment = Some(moment);
        for row in decided {
            let Some(intended) = self.followed.remove(&row.order_id) else { continue };
            let ms = ms_between(intended, row.moment).max(0.0);
            of_load.push(Decided { order_id: row.order_id, refusal: row.refusal_code, ms });
        }
        self.bound = self.next_bound(&recent);
        let took_ms = self.counted.replace(recent.until).map(|before| ms_between(before, recent.until));
        self.remember(&of_load, recent.now);
        Ok(OrdersNow {
            throughput_per_s: took_ms.map(|ms| recent.decided as f64 * 1000.0 / ms.max(1.0)),
            decided: took_ms.map(|_| recent.decided.unsigned_abs()),
            pending: recent.pending.unsigned_abs(),
            of_load,
            notable: self.notable.clone(),
            seen,
        })
    }

    fn next_bound(&self, recent: &Recent) -> Uuid {
        let old = recent.now - MARGIN;
        let by_time = Uuid::from_u128((old.timestamp_millis().unsigned_abs() as u128) << 80);
        let oldest = recent.oldest.as_deref().and_then(|oldest| oldest.parse().ok());
        oldest.map_or(by_time, |oldest: Uuid| oldest.min(by_time))
    }

    fn remember(&mut self, decided: &[Decided], now: DateTime<Utc>) {
        let order = |decided: &Decided| NotableOrder {
            order_id: decided.order_id,
            ms: decided.ms,
            refusal: decided.refusal.clone(),
        };
        if let Some(last) = decided.last() {
            self.notable.last = Some(order(last));
        }
        if let Some(refused) = decided.iter().rev().find(|decided| decided.refusal.is_some()) {
            self.notable.last_refused = Some(order(refused));
        }
        // The slowest order of each look is enough.
        self.slow
            .extend(decided.iter().max_by(|a, b| a.ms.total_cmp(&b.ms)).map(|slowest| (now, order(slowest))));
        self.slow.retain(|(at, _)| now - *at < SLOW);
        let slowest = self.slow.iter().max_by(|(_, a), (_, b)| a.ms.total_cmp(&b.ms));
        self.notable.slowest = slowest.map(|(_, slowest)| slowest.clone());
        let oldest = self.followed.iter().min_by_key(|(_, intended)| **intended);
        self.notable.stuck = oldest
            .map(|(order_id, intended)| NotableOrder {
                order_id: *order_id,
                ms: ms_between(*intended, now),
                refusal: None,
            })
            .filter(|oldest| oldest.ms > STUCK_MS);
    }
}

async fn moment_of_decision(connection: &mut AsyncPgConnection) -> Result<&'static str> {
    let tracked: Flag = diesel::sql_query(TRACKED).get_result(connection).await?;
    Ok(if tracked.value { "coalesce(pg_xact_commit_timestamp(xmin), decided_at)" } else { "decided_at" })
}

/// The orders of the load that are decided now.
async fn decided(
    connection: &mut AsyncPgConnection,
    moment: &str,
    orders: &[Uuid],
) -> Result<Vec<DecidedRow>> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    let query = format!(
        "SELECT order_id, refusal_code, {moment} AS moment FROM orders.orders
         WHERE order_id = ANY($1) AND status <> 'pending'"
    );
    Ok(diesel::sql_query(query).bind::<Array<SqlUuid>, _>(orders).load(connection).await?)
}

/// The current place of each order.
async fn one_by_one(
    connection: &mut AsyncPgConnection,
    driver: Driver,
    orders: &[Uuid],
) -> Result<Vec<Seen>> {
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    // Only drivers with a central saga store the place of an order in one row.
    let last_event = if driver.has_sagas() {
        "(SELECT state -> 'history' ->> -1 FROM checkout.sagas WHERE sagas.order_id = orders.order_id)"
    } else {
        "NULL"
    };
    let query = format!(
        "SELECT order_id, status, refusal_code, {last_event} AS last_event FROM orders.orders
         WHERE order_id = ANY($1) ORDER BY order_id"
    );
    let rows: Vec<ShownRow> =
        diesel::sql_query(query).bind::<Array<SqlUuid>, _>(orders).load(connection).await?;
    let seen = |row: ShownRow| Seen { at: row.place(driver), order_id: row.order_id, status: row.status };
    Ok(rows.into_iter().map(seen).collect())
}

impl ShownRow {
    /// The process that has the order, or had it last.
    fn place(&self, driver: Driver) -> String {
        let place = match (self.refusal_code.as_deref(), self.status.as_str()) {
            (Some("unknown_product" | "price_changed" | "sale_sold_out"), _) => "catalog",
            (Some("out_of_stock"), _) => "inventory",
            (Some("insufficient_funds"), _) => "payments",
            (Some("region_not_served"), _) => "shipping",
            (_, "pending") => next_after(self.last_event.as_deref()),
            _ => "orders",
        };
        driver.service_of(place).to_owned()
    }
}

/// The module that acts after this event, in the order of the checkout's plan.
fn next_after(event: Option<&str>) -> &'static str {
    match event.and_then(|event| event.split('.').next()) {
        None => "catalog",
        Some("catalog") => "inventory",
        Some("inventory") => "payments",
        Some("payments") => "shipping",
        Some(_) => "orders",
    }
}
