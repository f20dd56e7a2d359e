//! The registry's instances and settings, as plain values. The caller passes the time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use platform::registry::{Instance, Snapshot};
use platform::settings::Settings;
use serde_json::Value;

use crate::settings;

/// The *service registry* (Richardson, "Microservices Patterns"). An entry is a lease that ends unless it is renewed.
/// An instance whose lease has ended is *silent*; it is removed only once it is known to be gone. See
/// rule 55 (silence).
#[derive(Debug)]
pub struct Directory {
    time_to_live: Duration,
    version: u64,
    instances: BTreeMap<Name, Lease>,
    settings: Settings,
}

type Name = (String, String);

#[derive(Debug)]
struct Lease {
    address: String,
    /// When the lease ends or, once it has ended, when the instance is checked again.
    ends: Instant,
    /// The lease has ended, but the instance is not known to be gone.
    silent: bool,
}

impl Directory {
    /// An empty directory. Versions count up from `version`, which should be above those of an earlier run, so that
    /// clients that know one of those notice the change.
    pub fn new(time_to_live: Duration, version: u64, settings: Settings) -> Directory {
        Directory { time_to_live, version, instances: BTreeMap::new(), settings }
    }

    /// How long an instance stays listed without a heartbeat.
    pub fn time_to_live(&self) -> Duration {
        self.time_to_live
    }

    /// Changes with every change of the content.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A heartbeat of an instance. Returns whether it changes anything.
    pub fn register(&mut self, service: &str, instance: &str, address: &str, now: Instant) -> bool {
        let lease = Lease { address: address.to_owned(), ends: now + self.time_to_live, silent: false };
        let earlier = self.instances.insert((service.to_owned(), instance.to_owned()), lease);
        self.changed(earlier.is_none_or(|earlier| earlier.silent || earlier.address != address))
    }

    /// An instance deregisters. If an address is given, it must match: a successor may have the same name. Returns
    /// whether an entry was removed.
    pub fn deregister(&mut self, service: &str, instance: &str, address: Option<&str>) -> bool {
        let name = (service.to_owned(), instance.to_owned());
        let is_it =
            self.instances.get(&name).is_some_and(|lease| address.is_none_or(|it| it == lease.address));
        if is_it {
            self.instances.remove(&name);
        }
        self.changed(is_it)
    }

    /// Marks instances without a recent heartbeat as silent. Returns those whose address must be checked now, and again
    /// after each time to live, each with whether it is newly silent.
    pub fn expire(&mut self, now: Instant) -> Vec<(Instance, bool)> {
        let mut overdue = Vec::new();
        for (name, lease) in self.instances.iter_mut().filter(|(_, lease)| lease.ends <= now) {
            let is_news = !std::mem::replace(&mut lease.silent, true);
            lease.ends = now + self.time_to_live;
            overdue.push((instance(name, lease), is_news));
        }
        self.changed(overdue.iter().any(|(_, is_news)| *is_news));
        overdue
    }

    /// When the next lease ends if there is no further heartbeat.
    pub fn next_end(&self) -> Option<Instant> {
        self.instances.values().map(|lease| lease.ends).min()
    }

    /// Extends every lease by a full time to live, for use after the registry itself was suspended and missed
    /// heartbeats.
    pub fn forgive(&mut self, now: Instant) {
        self.instances.values_mut().for_each(|lease| lease.ends = now + self.time_to_live);
    }

    /// Changes a setting. Fails with the allowed names or values.
    pub fn set(&mut self, name: &str, value: &Value) -> Result<(), String> {
        let earlier = self.settings.clone();
        settings::set(&mut self.settings, name, value)?;
        self.changed(earlier != self.settings);
        Ok(())
    }

    /// The settings that have been set; all others have their defaults.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The complete state at this version, as watchers receive it.
    pub fn snapshot(&self) -> Snapshot {
        let those = |silent: bool| {
            let those = self.instances.iter().filter(move |(_, lease)| lease.silent == silent);
            those.map(|(name, lease)| instance(name, lease)).collect()
        };
        let settings = self.settings.clone();
        Snapshot { version: self.version, instances: those(false), silent: those(true), settings }
    }

    fn changed(&mut self, changed: bool) -> bool {
        self.version += u64::from(changed);
        changed
    }
}

fn instance((service, instance): &Name, lease: &Lease) -> Instance {
    Instance { service: service.clone(), instance: instance.clone(), address: lease.address.clone() }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const TIME_TO_LIVE: Duration = Duration::from_millis(100);

    fn names(directory: &Directory) -> Vec<String> {
        directory.snapshot().instances.into_iter().map(|instance| instance.instance).collect()
    }

    #[test]
    fn a_lease_ends_unless_it_is_renewed() {
        let (mut directory, now) = (Directory::new(TIME_TO_LIVE, 7, Settings::default()), Instant::now());
        assert!(directory.register("orders", "orders", "http://a", now));
        assert!(directory.register("orders", "orders-2", "http://b", now));
        assert!(!directory.register("orders", "orders", "http://a", now + TIME_TO_LIVE / 2));
        assert_eq!((directory.version(), directory.next_end()), (9, Some(now + TIME_TO_LIVE)));
        let overdue = directory.expire(now + TIME_TO_LIVE);
        assert_eq!((overdue.len(), overdue[0].0.instance.as_str()), (1, "orders-2"));
        assert_eq!((names(&directory), directory.version()), (vec!["orders".to_owned()], 10));
        directory.forgive(now + TIME_TO_LIVE);
        assert!(directory.expire(now + TIME_TO_LIVE * 3 / 2).is_empty());
    }

    #[test]
    fn the_silent_stay_listed_until_they_are_known_to_be_gone() {
        let (mut directory, now) = (Directory::new(TIME_TO_LIVE, 0, Settings::default()), Instant::now());
        directory.register("orders", "orders", "http://a", now);
        for times in 1..4 {
            assert_eq!(directory.expire(now + TIME_TO_LIVE * times).len(), 1, "it is checked each time");
            let Snapshot { instances, silent, version, .. } = directory.snapshot();
            assert_eq!((instances.len(), silent.len(), version), (0, 1, 2), "but is newly silent only once");
        }
        assert!(directory.register("orders", "orders", "http://a", now), "one heartbeat restores it");
        assert_eq!((names(&directory).len(), directory.snapshot().silent.len()), (1, 0));
        directory.expire(now + TIME_TO_LIVE);
        assert!(
            directory.deregister("orders", "orders", Some("http://a")),
            "it is removed when known to be gone"
        );
        assert_eq!(directory.next_end(), None);
    }

    #[test]
    fn an_instance_that_leaves_does_not_remove_its_successor() {
        let (mut directory, now) = (Directory::new(TIME_TO_LIVE, 0, Settings::default()), Instant::now());
        directory.register("orders", "orders", "http://old", now);
        assert!(directory.register("orders", "orders", "http://new", now), "a new address is a change");
        assert!(!directory.deregister("orders", "orders", Some("http://old")));
        assert_eq!(names(&directory), ["orders"]);
        assert!(directory.deregister("orders", "orders", None));
        assert!(!directory.deregister("orders", "orders", None));
    }

    #[test]
    fn a_setting_that_is_what_it_was_is_no_news() {
        let mut directory = Directory::new(TIME_TO_LIVE, 0, Settings::default());
        for (value, version) in [(500, 1), (500, 1), (600, 2)] {
            directory.set("gateway.timeout_ms", &json!(value)).unwrap();
            assert_eq!(directory.version(), version);
        }
        directory.set("gateway.timeout_ms", &json!("soon")).unwrap_err();
        assert_eq!(directory.version(), 2);
    }

    proptest! {
        /// For any sequence of steps: an instance is silent exactly if its time to live is over, none is removed
        /// without deregistering, and the version changes exactly when the content does.
        #[test]
        fn the_silent_are_those_without_a_recent_heartbeat(steps in prop::collection::vec((0..3u8, 0..4usize, 0..60u64), 1..200)) {
            let mut now = Instant::now();
            let mut directory = Directory::new(TIME_TO_LIVE, 0, Settings::default());
            let mut heard: BTreeMap<String, Instant> = BTreeMap::new();
            let mut silent: BTreeSet<String> = BTreeSet::new();
            for (what, who, milliseconds) in steps {
                now += Duration::from_millis(milliseconds);
                let (name, before) = (format!("orders-{who}"), directory.snapshot());
                match what {
                    0 => {
                        directory.register("orders", &name, "http://a", now);
                        silent.remove(&name);
                        heard.insert(name, now);
                    }
                    1 => {
                        directory.deregister("orders", &name, None);
                        silent.remove(&name);
                        heard.remove(&name);
                    }
                    _ => {
                        directory.expire(now);
                        for (name, last) in heard.iter_mut().filter(|(_, last)| now >= **last + TIME_TO_LIVE) {
                            silent.insert(name.clone());
                            *last = now;
                        }
                    }
                }
                let there = heard.keys().filter(|name| !silent.contains(*name));
                prop_assert_eq!(names(&directory), there.cloned().collect::<Vec<_>>());
                prop_assert_eq!(directory.next_end(), heard.values().min().map(|last| *last + TIME_TO_LIVE));
                let after = directory.snapshot();
                let same = before.instances == after.instances && before.silent == after.silent;
                prop_assert_eq!(before.version == after.version, same);
                prop_assert_eq!(after.silent.len(), silent.len());
            }
        }
    }
}
