//! Who is there and what is set, as plain values: time is handed in.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use platform::registry::{Instance, Snapshot};
use platform::settings::Settings;
use serde_json::Value;

/// The *service registry* (Richardson, "Microservices Patterns"). An entry is a lease: it ends unless it is renewed.
#[derive(Debug)]
pub struct Directory {
    time_to_live: Duration,
    version: u64,
    instances: BTreeMap<Name, Lease>,
    settings: Settings,
}

/// Service and instance.
type Name = (String, String);

#[derive(Debug)]
struct Lease {
    address: String,
    ends: Instant,
}

impl Directory {
    /// Nobody is there yet, and nothing is set. Versions count from this one, which should be above those of an earlier
    /// life, so that whoever knew that one asks in vain for none.
    pub fn new(time_to_live: Duration, version: u64) -> Directory {
        Directory { time_to_live, version, instances: BTreeMap::new(), settings: Settings::default() }
    }

    /// How long an instance is believed to be there without a word.
    pub fn time_to_live(&self) -> Duration {
        self.time_to_live
    }

    /// Changes with everything that is known.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// An instance says that it is there, or still there. Says whether that is news.
    pub fn register(&mut self, service: &str, instance: &str, address: &str, now: Instant) -> bool {
        let lease = Lease { address: address.to_owned(), ends: now + self.time_to_live };
        let earlier = self.instances.insert((service.to_owned(), instance.to_owned()), lease);
        self.changed(earlier.is_none_or(|earlier| earlier.address != address))
    }

    /// An instance takes its leave. With an address only the one that is there: a successor may have its name. Says
    /// whether anybody left.
    pub fn deregister(&mut self, service: &str, instance: &str, address: Option<&str>) -> bool {
        let name = (service.to_owned(), instance.to_owned());
        let is_it =
            self.instances.get(&name).is_some_and(|lease| address.is_none_or(|it| it == lease.address));
        if is_it {
            self.instances.remove(&name);
        }
        self.changed(is_it)
    }

    /// Forgets those who have been silent for too long, and says whom.
    pub fn expire(&mut self, now: Instant) -> Vec<Name> {
        let silent: Vec<Name> =
            self.instances.extract_if(.., |_, lease| lease.ends <= now).map(|(name, _)| name).collect();
        self.changed(!silent.is_empty());
        silent
    }

    /// When the next instance is forgotten, unless it says something.
    pub fn next_end(&self) -> Option<Instant> {
        self.instances.values().map(|lease| lease.ends).min()
    }

    /// Gives everybody a whole time to live from now: for when the registry itself was away, and heard nobody.
    pub fn forgive(&mut self, now: Instant) {
        self.instances.values_mut().for_each(|lease| lease.ends = now + self.time_to_live);
    }

    /// Sets a setting. The error names what is allowed.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let earlier = self.settings.clone();
        self.settings.set(name, value)?;
        self.changed(earlier != self.settings);
        Ok(())
    }

    /// What is set.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All of it.
    pub fn snapshot(&self) -> Snapshot {
        let instances = self.instances.iter().map(|((service, instance), Lease { address, .. })| Instance {
            service: service.clone(),
            instance: instance.clone(),
            address: address.clone(),
        });
        Snapshot { version: self.version, instances: instances.collect(), settings: self.settings.clone() }
    }

    fn changed(&mut self, changed: bool) -> bool {
        self.version += u64::from(changed);
        changed
    }
}
