//! The live audit: which invariants are violated while the shop runs, and how long the modules' databases disagree.
//!
//! The audit at rest reads everything once. The live audit reads once per second, and only what has changed since its
//! last look. An order's id contains its time, so the primary keys lead to the newest rows. Of these, the server
//! returns the versions that the last look could not see. The low cost has a price: the live audit follows only
//! orders that were placed while it was running, until they are settled and a few seconds more. Comparing the wallets
//! with the whole ledger and checking the sagas' histories is left to the audit at rest.
//!
//! **Disagreement.** When several databases carry out a business transaction one after the other, there is a *window
//! of inconsistency*: for a while one database says something else about an order than another. (The term is from W.
//! Vogels, *Eventually Consistent*, 2008, where it is about replicas. The steps of a saga have the same effect
//! between modules.) The window opens with the commit by which the first module other than orders holds something for
//! the order. It closes with the commit after which all of them agree: everything is held and the order is confirmed,
//! or nothing is held and it is cancelled. Both times are commit timestamps (`pg_xact_commit_timestamp`), not the
//! times of looks, so a window is as exact as the server's clock. In every mode, windows are measured for each order
//! for which at least one other module holds something: between services, and also between the branches of a
//! two-phase commit, including that of the orders. With a single transaction all rows have the same commit, so the
//! measured window is zero. A disagreement is not a violation, unless it does not end.

mod anomalies;
mod letters;
mod news;
mod read;
mod shelves;
mod statements;
mod trace;
mod watch;
mod windows;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::{oneshot, watch as channel};
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::Subject;
use crate::Verdict;
use letters::Letters;
use read::Eyes;
use terminal::text::Text;
use watch::Watch;

/// The maximum number of looks in a recording: one day.
const RECORDED: usize = 86_400;

/// The invariants that can be checked while the shop runs. I9 is about the load, and is known only at its end.
pub const INVARIANTS: [&str; 8] = ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8"];

/// How often a live audit looks, and when it counts something as late.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// The interval between looks.
    pub every: Duration,
    /// Anything open for longer than this is an anomaly: an order without a decision, a disagreement, a message in an
    /// outbox, a transaction.
    pub late: Duration,
}

impl Default for Pace {
    /// Once per second. The limit is longer than the 30 s after which an orchestrator asks again.
    fn default() -> Pace {
        Pace { every: Duration::from_secs(1), late: Duration::from_secs(35) }
    }
}

/// The findings of the last look.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    /// When that look began. If this is more than a few seconds ago, the databases cannot be read.
    pub at: DateTime<Utc>,
    /// One per invariant, in the order of [`INVARIANTS`].
    pub findings: Vec<Finding>,
    /// Current and past disagreements of the databases.
    pub disagreement: Disagreement,
}

/// The current state of one invariant.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// `I1` to `I8`.
    pub invariant: &'static str,
    /// Violated while there is an anomaly; no evidence before the first order.
    pub verdict: Verdict,
    /// Number of current anomalies.
    pub anomalies: u64,
    /// The id of an affected order, or a description if the anomaly is not about an order.
    pub example: Option<Text>,
}

/// Disagreements between the modules' databases about orders, and how long they lasted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Disagreement {
    /// Orders about which they currently disagree.
    pub orders_now: u64,
    /// Orders that involve several modules, which now agree.
    pub resolved: u64,
    /// Median length of those windows; null if there are none. Percentiles are exact to three digits.
    pub p50_ms: Option<f64>,
    /// Their 99th percentile, in milliseconds; null if there are none.
    pub p99_ms: Option<f64>,
    /// The longest of them, in milliseconds; null if there are none.
    pub longest_ms: Option<f64>,
}

/// The findings of all looks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// When the first look began.
    pub started_at: DateTime<Utc>,
    /// The clock that dates the windows.
    pub dated_by: DatedBy,
    /// Seconds after which something open is an anomaly.
    pub late_s: f64,
    /// One point per look. There is none while the databases cannot be read.
    pub series: Vec<Point>,
    /// Summary of all windows.
    pub disagreement: Disagreement,
}

impl Recording {
    /// The same recording, with seconds counted from this moment.
    pub fn since(mut self, moment: DateTime<Utc>) -> Recording {
        let later = (moment - self.started_at).as_seconds_f64();
        self.series.iter_mut().for_each(|point| point.second -= later);
        self.series.retain(|point| point.second >= 0.0);
        self.started_at = moment;
        self
    }
}

/// The findings of one look.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Seconds since the first look.
    pub second: f64,
    /// Number of anomalies by invariant; invariants without any are left out.
    pub anomalies: BTreeMap<String, u64>,
    /// Orders about which the databases disagreed.
    pub disagreeing: u64,
}

/// The source of a row's time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatedBy {
    /// The commit timestamp of the transaction that wrote it.
    Commit,
    /// The row's own timestamp, a little earlier. Used if the server keeps no commit timestamps.
    Row,
}

/// A live audit of one shop. Dropping it stops it.
#[derive(Debug)]
pub struct Live {
    snapshot: channel::Receiver<Snapshot>,
    poison: Arc<AtomicU64>,
    stop: oneshot::Sender<()>,
    looking: JoinHandle<(Snapshot, Recording)>,
}

impl Live {
    /// Starts a live audit on the current runtime. It continues through outages of the servers.
    pub fn start(subject: Subject, pace: Pace) -> Live {
        let (tell, snapshot) = channel::channel(Watch::new(&subject, pace.late).snapshot(Utc::now()));
        let (stop, stopped) = oneshot::channel();
        let poison = Arc::new(AtomicU64::new(subject.expected.poison));
        let looking = tokio::spawn(look_on(subject, pace, poison.clone(), tell, stopped));
        Live { snapshot, poison, stop, looking }
    }

    /// Sets the number of poison messages sent so far, which do not count as lost messages (I6).
    pub fn expect_poison(&self, messages: u64) {
        self.poison.store(messages, Ordering::Relaxed);
    }

    /// The findings of the last look.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.borrow().clone()
    }

    /// Takes a last look and stops. Returns its findings, and the recording of all looks.
    pub async fn finish(mut self) -> anyhow::Result<(Snapshot, Recording)> {
        let (unused, _) = oneshot::channel();
        let _ = std::mem::replace(&mut self.stop, unused).send(());
        Ok((&mut self.looking).await?)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

async fn look_on(
    subject: Subject,
    pace: Pace,
    poison: Arc<AtomicU64>,
    tell: channel::Sender<Snapshot>,
    mut stopped: oneshot::Receiver<()>,
) -> (Snapshot, Recording) {
    let (started_at, started) = (Utc::now(), Instant::now());
    let mut watch = Watch::new(&subject, pace.late);
    let mut eyes = Eyes::new(&subject.shop.databases, pace.late);
    let mut letters = Letters::new(&subject);
    let mut series = Vec::new();
    let mut ticks = tokio::time::interval(pace.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = false;
    while !last {
        // If the other end is dropped, this task is aborted anyway.
        last = tokio::select! { _ = &mut stopped => true, _ = ticks.tick() => false };
        let second = started.elapsed().as_secs_f64();
        let at = Utc::now();
        watch.expect_poison(poison.load(Ordering::Relaxed));
        let complete = look(&mut watch, &mut eyes, &mut letters, at).await;
        // An incomplete look is not recorded.
        if complete {
            let snapshot = watch.snapshot(at);
            if series.len() < RECORDED {
                series.push(Point::of(second, &snapshot));
            }
            let _ = tell.send(snapshot);
        }
    }
    let recording = Recording {
        started_at,
        dated_by: if eyes.read_commits() { DatedBy::Commit } else { DatedBy::Row },
        late_s: pace.late.as_secs_f64(),
        series,
        disagreement: watch.disagreement(),
    };
    (watch.snapshot(Utc::now()), recording)
}

/// Takes a look: reads what is new, then the ledger entries of the orders that can be judged. Returns whether
/// everything could be read.
async fn look(watch: &mut Watch, eyes: &mut Eyes, letters: &mut Letters, at: DateTime<Utc>) -> bool {
    let open = watch.open();
    let (news, dead) = tokio::join!(eyes.look(at, &open), letters.count());
    // Looks continue without the broker, because disagreements grow while it is down. Its last count of dead letters
    // stays valid.
    watch.letters(dead);
    let mut complete = true;
    for news in news {
        match news {
            Some(news) => watch.take(news),
            None => complete = false,
        }
    }
    let ripe = watch.ripe(at);
    match eyes.entries(&ripe).await {
        Some(entries) => watch.judge(ripe, entries),
        None => complete = false,
    }
    if let Some(suspects) = watch.suspects() {
        match eyes.shelves(&suspects).await {
            Some(exact) => watch.confirm(exact),
            None => complete = false,
        }
    }
    watch.forget(eyes.oldest());
    complete
}

impl Point {
    fn of(second: f64, snapshot: &Snapshot) -> Point {
        let anomalies = snapshot.findings.iter().filter(|finding| finding.anomalies > 0);
        Point {
            second,
            anomalies: anomalies.map(|finding| (finding.invariant.to_owned(), finding.anomalies)).collect(),
            disagreeing: snapshot.disagreement.orders_now,
        }
    }
}

impl Snapshot {
    /// The verdict over all findings.
    pub fn verdict(&self) -> Verdict {
        Verdict::of_all(self.findings.iter().map(|finding| finding.verdict))
    }
}
