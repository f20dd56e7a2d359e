//! The audit while the shop runs: what does not hold just now, and for how long the modules' databases disagree.
//!
//! The audit at rest reads everything once. This one reads once a second, and only what changed since it last looked:
//! an order's id tells when it was made, so the primary keys lead to the newest rows, and of those the server gives
//! back the versions that the last look could not see. What is cheap is bought with this: it sees orders that were
//! placed while it looked on, for as long as something is open about them and a few seconds more. The rest, the wallets
//! against the whole ledger and the sagas' histories are for the audit at rest.
//!
//! **Disagreement.** A business transaction that several databases carry out one after the other leaves a *window of
//! inconsistency*: what one says of an order is not yet what another says (W. Vogels, *Eventually Consistent*, 2008, has
//! the word for replicas; a saga's steps leave the same between modules). It opens with the commit by which the first
//! module besides the orders holds something for the order, and it closes with the commit after which all of them say
//! the same: all of it is held and the order confirmed, or nothing is and it is cancelled. Each of these moments is the
//! commit's own (`pg_xact_commit_timestamp`), not that of a look, so a window is as exact as the server's clock. It is
//! measured of every order that at least one other module holds something for, in every mode: between the branches of a
//! two-phase commit, the orders' own among them, as between services. Where all is one transaction all rows have one
//! commit, and the window is zero because it was found to be. Disagreement is not a violation; to have no end is.

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
use watch::Watch;

/// Looks that a recording holds, at most: a day of them.
const RECORDED: usize = 86_400;

/// The invariants that can be looked at while the shop runs. I9 is about the load, and known at its end.
pub const INVARIANTS: [&str; 8] = ["I1", "I2", "I3", "I4", "I5", "I6", "I7", "I8"];

/// How it looks.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// From one look to the next.
    pub every: Duration,
    /// What is open for longer than this is wrong, and not only under way: an order without a decision, modules that
    /// disagree, a message in an outbox, a transaction.
    pub late: Duration,
}

impl Default for Settings {
    /// Once a second; and late is what takes longer than the 30 s after which an orchestrator asks again, and a while.
    fn default() -> Settings {
        Settings { every: Duration::from_secs(1), late: Duration::from_secs(35) }
    }
}

/// What the last look found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Snapshot {
    /// When that look began. Older than a few seconds: the databases cannot be read.
    pub at: DateTime<Utc>,
    /// One for each of [`INVARIANTS`], in their order.
    pub findings: Vec<Finding>,
    /// How the databases disagree, and did.
    pub disagreement: Disagreement,
}

/// One invariant at this moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Finding {
    /// `I1` to `I8`.
    pub invariant: &'static str,
    /// Violated while there is an anomaly; no evidence before the first order.
    pub verdict: Verdict,
    /// How many things are wrong now.
    pub anomalies: u64,
    /// The id of an order that is wrong, or, where it is not about one, words.
    pub example: Option<String>,
}

/// How long what one module's database said of an order was not what another's said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Disagreement {
    /// Orders that they disagree about now.
    pub orders_now: u64,
    /// Orders that several modules have something to say about, and agree on.
    pub resolved: u64,
    /// Half of those took no longer; null if there are none. Percentiles are exact to three digits.
    pub p50_ms: Option<f64>,
    /// 99 in 100 took no longer.
    pub p99_ms: Option<f64>,
    /// The longest.
    pub longest_ms: Option<f64>,
}

/// What was found from the first look to the last.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recording {
    /// When it began to look.
    pub started_at: DateTime<Utc>,
    /// Which clock the windows are measured by.
    pub dated_by: DatedBy,
    /// Seconds after which something open is wrong.
    pub late_s: f64,
    /// Look by look. While the databases could not be read there is none.
    pub series: Vec<Point>,
    /// The windows, all together.
    pub disagreement: Disagreement,
}

impl Recording {
    /// The same, with seconds counted from this moment on.
    pub fn since(mut self, moment: DateTime<Utc>) -> Recording {
        let later = (moment - self.started_at).as_seconds_f64();
        self.series.iter_mut().for_each(|point| point.second -= later);
        self.series.retain(|point| point.second >= 0.0);
        self.started_at = moment;
        self
    }
}

/// What one look found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Seconds since it began to look.
    pub second: f64,
    /// Anomalies by invariant; those without are left out.
    pub anomalies: BTreeMap<String, u64>,
    /// Orders that the databases disagreed about.
    pub disagreeing: u64,
}

/// What a row's moment is taken from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DatedBy {
    /// The commit of the transaction that wrote it.
    Commit,
    /// Its own timestamp, a little earlier: the server keeps no commit timestamps.
    Row,
}

/// A live audit of one shop. Dropping it ends it.
#[derive(Debug)]
pub struct Live {
    snapshot: channel::Receiver<Snapshot>,
    poison: Arc<AtomicU64>,
    stop: oneshot::Sender<()>,
    looking: JoinHandle<(Snapshot, Recording)>,
}

impl Live {
    /// Begins to look, on the runtime that this is called on. It lives through a server that is away.
    pub fn start(subject: Subject, settings: Settings) -> Live {
        let (tell, snapshot) = channel::channel(Watch::new(&subject, settings.late).snapshot(Utc::now()));
        let (stop, stopped) = oneshot::channel();
        let poison = Arc::new(AtomicU64::new(subject.expected.poison));
        let looking = tokio::spawn(look_on(subject, settings, poison.clone(), tell, stopped));
        Live { snapshot, poison, stop, looking }
    }

    /// So many messages that nobody can read were put in by now: they are no lost ones (I6).
    pub fn expect_poison(&self, messages: u64) {
        self.poison.store(messages, Ordering::Relaxed);
    }

    /// What the last look found.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot.borrow().clone()
    }

    /// Looks once more, and ends. Answers what was found last, and all that was.
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
    settings: Settings,
    poison: Arc<AtomicU64>,
    tell: channel::Sender<Snapshot>,
    mut stopped: oneshot::Receiver<()>,
) -> (Snapshot, Recording) {
    let (started_at, started) = (Utc::now(), Instant::now());
    let mut watch = Watch::new(&subject, settings.late);
    let mut eyes = Eyes::new(&subject.shop.databases, settings.late);
    let mut letters = Letters::new(&subject);
    let mut series = Vec::new();
    let mut ticks = tokio::time::interval(settings.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last = false;
    while !last {
        // Whoever lets go of the other end has ended this task anyway.
        last = tokio::select! { _ = &mut stopped => true, _ = ticks.tick() => false };
        let second = started.elapsed().as_secs_f64();
        let at = Utc::now();
        watch.expect_poison(poison.load(Ordering::Relaxed));
        let complete = look(&mut watch, &mut eyes, &mut letters, at).await;
        // A look that could not read everything says nothing new of the whole.
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
        late_s: settings.late.as_secs_f64(),
        series,
        disagreement: watch.disagreement(),
    };
    (watch.snapshot(Utc::now()), recording)
}

/// One look: what is new, and then the ledger of what is ripe to be judged. Answers whether all could be read.
async fn look(watch: &mut Watch, eyes: &mut Eyes, letters: &mut Letters, at: DateTime<Utc>) -> bool {
    let open = watch.open();
    let (news, dead) = tokio::join!(eyes.look(at, &open), letters.count());
    // Without its broker a shop disagrees the more, and that is to be seen. What it last said of dead letters stands.
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
    /// The findings taken together.
    pub fn verdict(&self) -> Verdict {
        Verdict::of_all(self.findings.iter().map(|finding| finding.verdict))
    }
}
