//! The faults of a running shop. Each one heals by itself at its end, and leaves a record of what it hit.

use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use anyhow::{Context, Result, bail, ensure};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use super::act::{Hit, Request};
use super::effect::{Effect, Proxies};
use super::place::Place;
use super::spec::{FaultSpec, Target};
use super::{Link, Proxy};
use crate::words;
use terminal::text::Text;
use topology::Driver;

/// The record of a fault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Record {
    /// Its number, starting at 1, by which it is healed.
    pub id: u64,
    /// The requested fault, in terms of this architecture.
    pub fault: FaultSpec,
    /// When it started.
    pub started: DateTime<Utc>,
    /// When it ended; `None` while it is active.
    pub ended: Option<DateTime<Utc>>,
    /// Number of hits: pieces of data, connections, messages or processes. 0 means that it was active but met none.
    pub hits: u64,
    /// A description of what it hit.
    pub hit: Text,
    /// Why it could not be healed, if that failed. It is then still active.
    pub problem: Option<String>,
}

/// The faults of one shop. All clones share the same state. Dropping the last one does not heal active faults.
#[derive(Debug, Clone)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    place: Mutex<Place>,
    owner: mpsc::Sender<Request>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    proxies: Proxies,
    /// All faults so far, by number.
    faults: BTreeMap<u64, Fault>,
}

#[derive(Debug)]
struct Fault {
    record: Record,
    /// What to undo. Locked while the fault starts or heals, so that the two cannot overlap.
    effect: Arc<tokio::sync::Mutex<Option<Effect>>>,
}

impl Faults {
    /// Creates the faults of a shop, with none active. The owner of the shop must handle the requests from the
    /// receiver.
    pub fn new(place: Place) -> (Faults, mpsc::Receiver<Request>) {
        let (owner, requests) = mpsc::channel(16);
        (Faults(Arc::new(Inner { place: Mutex::new(place), owner, state: Mutex::default() })), requests)
    }

    /// The shop has changed: a module has left the monolith or come home.
    pub fn now_in(&self, driver: Driver, broker: Option<(String, String)>) {
        let mut place = self.0.place.lock();
        (place.driver, place.broker) = (driver, broker);
    }

    /// Adds a proxy to a link. Faults that are active in the link apply to it too.
    pub async fn attach(&self, link: Link, proxy: Arc<Proxy>) -> Result<()> {
        let effects: Vec<_> = {
            let mut state = self.state();
            state.proxies.entry(link).or_default().push(proxy.clone());
            let on_link =
                |fault: &&Fault| fault.record.fault.target == Target::Link(link) && fault.is_there();
            state.faults.values().filter(on_link).map(|fault| fault.effect.clone()).collect()
        };
        for effect in effects {
            if let Some(effect) = &mut *effect.lock().await {
                effect.reach(&proxy).await?;
            }
        }
        Ok(())
    }

    /// Removes the proxy of this name from a link.
    pub fn detach(&self, link: Link, name: &str) {
        if let Some(proxies) = self.state().proxies.get_mut(&link) {
            proxies.retain(|proxy| proxy.name() != name);
        }
    }

    /// Starts a fault and returns its number. It heals by itself when its time is over. After an error nothing has
    /// changed.
    pub async fn add(&self, spec: &FaultSpec) -> Result<u64> {
        let place = self.0.place.lock().clone();
        let spec = spec.in_shop(place.driver)?;
        spec.check_crash_point(place.driver)?;
        let effect = Arc::new(tokio::sync::Mutex::new(None));
        let mut starting = effect.clone().lock_owned().await;
        let (id, proxies) = self.enter(&spec, effect)?;
        let started = Effect::start(&spec, id, &place, &proxies, &self.0.owner).await;
        let mut state = self.state();
        let (effect, hit) = match started {
            Ok(started) => started,
            Err(error) => {
                state.faults.remove(&id);
                return Err(error.context(spec.to_string()));
            }
        };
        let record = &mut state.faults.get_mut(&id).context("it was entered above")?.record;
        record.started = Utc::now();
        record.hits = hit.count;
        record.hit = hit.what;
        if effect.is_over() {
            record.ended = Some(record.started);
            return Ok(id);
        }
        *starting = Some(effect);
        let faults = Arc::downgrade(&self.0);
        tokio::spawn(async move {
            tokio::time::sleep(spec.time_to_live).await;
            // If healing fails, the record says so.
            if let Some(faults) = Weak::upgrade(&faults) {
                let _ = Faults(faults).heal(id).await;
            }
        });
        Ok(id)
    }

    /// Ends a fault early, and returns its record. It is not an error if the fault is already over.
    pub async fn heal(&self, id: u64) -> Result<Record> {
        let effect = self.state().find(id)?.effect.clone();
        let mut effect = effect.lock().await;
        let Some(healing) = &mut *effect else { return Ok(self.state().find(id)?.record.clone()) };
        let healed = healing.end(&self.0.owner).await;
        let mut state = self.state();
        let record = &mut state.find(id)?.record;
        match healed {
            Ok(hit) => {
                *effect = None;
                let hit = Hit { count: record.hits, what: std::mem::take(&mut record.hit) }.and(hit);
                (record.hits, record.hit, record.problem) = (hit.count, hit.what, None);
                record.ended = Some(Utc::now());
                Ok(record.clone())
            }
            Err(error) => {
                record.problem = Some(format!("{error:#}"));
                Err(error.context(words::cannot_heal(id, &record.fault)))
            }
        }
    }

    /// Ends all faults, and returns their records. If one cannot be healed, the others still are.
    pub async fn heal_all(&self) -> Result<Vec<Record>> {
        let there: Vec<u64> = self.list().into_iter().map(|record| record.id).collect();
        let healed = futures_util::future::join_all(there.into_iter().map(|id| self.heal(id))).await;
        healed.into_iter().collect()
    }

    /// The active faults, with what they have hit so far.
    pub fn list(&self) -> Vec<Record> {
        self.log().into_iter().filter(|record| record.ended.is_none()).collect()
    }

    /// All faults so far, including those that are over.
    pub fn log(&self) -> Vec<Record> {
        let state = self.state();
        let record = |fault: &Fault| {
            let mut record = fault.record.clone();
            // If it is locked, the task that starts or heals it will update the record.
            if let Ok(effect) = fault.effect.try_lock() {
                record.hits += effect.as_ref().map_or(0, Effect::hits);
            }
            record
        };
        state.faults.values().map(record).collect()
    }

    /// Records a new fault, unless it conflicts with an active one. Returns its number and the proxies in its link.
    fn enter(
        &self,
        spec: &FaultSpec,
        effect: Arc<tokio::sync::Mutex<Option<Effect>>>,
    ) -> Result<(u64, Vec<Arc<Proxy>>)> {
        let mut state = self.state();
        let there = state.faults.values().filter(|fault| fault.is_there());
        if let Some(other) = there.map(|fault| &fault.record).find(|other| other.fault.clashes_with(spec)) {
            bail!(words::active_already(&other.fault, other.id));
        }
        let proxies = match spec.target {
            Target::Link(link) => {
                let proxies = state.proxies.get(&link).cloned().unwrap_or_default();
                ensure!(!proxies.is_empty(), words::no_proxy(link));
                proxies
            }
            _ => Vec::new(),
        };
        let id = state.faults.keys().last().copied().unwrap_or_default() + 1;
        let record = Record {
            id,
            fault: spec.clone(),
            started: Utc::now(),
            ended: None,
            hits: 0,
            hit: Text::default(),
            problem: None,
        };
        state.faults.insert(id, Fault { record, effect });
        Ok((id, proxies))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock()
    }
}

impl State {
    fn find(&mut self, id: u64) -> Result<&mut Fault> {
        self.faults.get_mut(&id).with_context(|| words::no_such_number(id))
    }
}

impl Fault {
    fn is_there(&self) -> bool {
        self.record.ended.is_none()
    }
}

impl FaultSpec {
    /// Whether the two cannot be active at once. Several toxics can share a link. But two faults of the same process
    /// or server, or of the same messages, would be undone together when the first one ends.
    pub fn clashes_with(&self, other: &FaultSpec) -> bool {
        let either_is_toxic = self.kind.is_toxic() || other.kind.is_toxic();
        self.target == other.target && self.word("key") == other.word("key") && !either_is_toxic
    }
}
