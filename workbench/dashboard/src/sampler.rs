//! Takes a [`Sample`] of everything once per second.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use chrono::{DateTime, SecondsFormat, Utc};
use futures_util::future::join_all;
use tokio::time::MissedTickBehavior;

use super::Dashboard;
use super::clock::{ShopTick, Tick};
use super::cost::{Costs, WINDOW, compare};
use super::feed::Told;
use super::load::LoadProcess;
use super::own::Own;
use super::recording::Recorder;
use super::sample::{Event, Fault, Sample};
use super::watched::Watched;
use crate::sample::rounded;
use crate::words;
use control::live::ShopNow;
use control::{Client, UpState};
use faults::{Record, Target};
use report::run::Comparison;
use servers::busy::{Busy, Gauge};
use terminal::language::{self, Language};
use topology::{Driver, ShopHandle};

/// The interval between samples.
const TICK: Duration = Duration::from_secs(1);
/// The time limit for the state of the processes from `cleave up`.
const LIMIT: Duration = Duration::from_millis(900);
/// Up to this rate orders are shown individually.
const WATCHED_RATE: f64 = 20.0;
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
    gauge: Gauge,
    flawed: bool,
    /// Journal entries up to this time have been read.
    since: DateTime<Utc>,
    /// The last load and its targets: a change of either disturbs the window.
    sent_to: Vec<(Driver, String)>,
    undisturbed: bool,
    window: Instant,
    /// The comparison after the last window, and its number of windows.
    comparison: (Vec<Comparison>, u64),
}

impl Sampler {
    /// Samples the shops that run in this folder.
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
            gauge: Gauge::default(),
            flawed: false,
            since: Utc::now(),
            sent_to: Vec::new(),
            undisturbed: false,
            window: now,
            comparison: Default::default(),
        })
    }

    /// Takes a sample per second, until nothing runs any more.
    pub async fn run(mut self) -> Result<()> {
        let mut clock = tokio::time::interval(TICK);
        // A second for which there was no time is skipped; catching up would delay the next ones.
        clock.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            let late = clock.tick().await.elapsed();
            let Some(state) = UpState::read(&self.folder)? else { return Ok(()) };
            let sample = self.sample(state, late).await?;
            let json = serde_json::to_string(&sample)?;
            if let Some(recorder) = &mut self.recorder {
                recorder.write(&json);
            }
            self.dashboard.feed.tell(Told { second: sample.second, json });
        }
    }

    async fn sample(&mut self, state: UpState, own_late: Duration) -> Result<Sample> {
        let now = Utc::now();
        self.flawed = !state.flaws.is_empty();
        self.watch(&state.shops);
        let access = state.control.with_context(words::up_is_older)?;
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
                Ok(live) => live.iter().find(|now| now.shop == driver).ok_or_else(words::being_replaced),
                Err(why) => Err(words::processes_unread(format!("{why:#}"))),
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
        // The elapsed time, rounded, because ticks deviate by less than half a second; and always ascending.
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
            busy: self.busy(late, own_late),
            dashboard: self.own.now(self.dashboard.feed.pages()),
            recording: self.recorder.as_ref().map(|recorder| recorder.told().clone()).unwrap_or_default(),
        })
    }

    /// Whether the machine is overloaded: by its own figures, and by the delays of the load's clock and of this one,
    /// which have nothing else to do.
    fn busy(&mut self, load_late_ms: Option<f64>, own_late: Duration) -> Option<Busy> {
        let load_late = load_late_ms.map(|ms| Duration::from_secs_f64(ms.max(0.0) / 1000.0));
        self.gauge.look(load_late.into_iter().chain([own_late]).max())
    }

    fn close_window(&mut self) {
        for shop in &mut self.shops {
            shop.costs.close(self.second, self.undisturbed);
        }
        (self.undisturbed, self.window) = (true, Instant::now());
        let costs: Vec<&Costs> = self.shops.iter().map(|shop| &shop.costs).collect();
        self.comparison = compare(&costs);
    }

    /// Starts to sample these shops, and continues with those that are known.
    fn watch(&mut self, running: &[ShopHandle]) {
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
        let path = live_path(self.since);
        let asking = client.get(&path);
        tokio::time::timeout(LIMIT, asking)
            .await
            .map_err(|_| anyhow!(words::no_answer(language::seconds(LIMIT))))?
    }

    /// Directs the load to the running shops: one that is being replaced gets none.
    async fn direct(&mut self, live: &[ShopNow]) -> Result<()> {
        let there = self.shops.iter().map(|shop| shop.look.shop());
        let there = there.filter(|shop| live.iter().any(|now| now.shop == shop.driver));
        let shops: Vec<(Driver, String)> = there.map(|shop| (shop.driver, shop.address.clone())).collect();
        let plan = self.dashboard.wanted().plan(Utc::now(), shops.clone());
        self.undisturbed &= self.sent_to == shops && !self.load.changes(&plan);
        self.sent_to = shops;
        self.load.follow(plan).await
    }
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
        name: language::with(Language::English, || record.fault.to_string()),
        from: record.started,
        until: record.ended.unwrap_or(record.started + record.fault.time_to_live),
        active: record.ended.is_none(),
        hits: record.hits,
        problem: record.problem.clone(),
    }
}

fn events(now: &ShopNow) -> Vec<Event> {
    let event = |entry: &shop::supervisor::Entry| Event {
        at: entry.timestamp,
        shop: now.shop,
        process: entry.process.clone(),
        warning: entry.level != "INFO",
        message: entry.message.clone(),
    };
    now.journal.iter().map(event).collect()
}

/// The request for everything after a moment. With all digits: a moment that is cut off lies before the last event, which
/// would then be in every sample.
fn live_path(since: DateTime<Utc>) -> String {
    format!("/live?since={}", since.to_rfc3339_opts(SecondsFormat::Nanos, true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_event_is_not_asked_for_again() {
        let last = DateTime::from_timestamp(1, 63_128_468).unwrap();
        let path = live_path(last);
        let asked: DateTime<Utc> = path.strip_prefix("/live?since=").unwrap().parse().unwrap();
        assert_eq!(asked, last);
    }
}
