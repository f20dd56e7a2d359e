//! Who is there and what is set, as plain values: time is handed in.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use platform::registry::{Instance, Snapshot};
use platform::settings::Settings;
use serde_json::Value;

use crate::settings;

/// The *service registry* (Richardson, "Microservices Patterns"). An entry is a lease: it ends unless it is renewed.
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
    ends: Instant,
}

impl Directory {
    /// Nobody is there yet. Versions count from this one, which should be above those of an earlier
    /// life, so that whoever knew that one asks in vain for none.
    pub fn new(time_to_live: Duration, version: u64, settings: Settings) -> Directory {
        Directory { time_to_live, version, instances: BTreeMap::new(), settings }
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
        settings::set(&mut self.settings, name, value)?;
        self.changed(earlier != self.settings);
        Ok(())
    }

    /// What somebody has set; the other settings have their defaults.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Everything at this version, as those who watch are told.
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

#[cfg(test)]
mod tests {
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
        assert_eq!(directory.expire(now + TIME_TO_LIVE), [("orders".to_owned(), "orders-2".to_owned())]);
        assert_eq!((names(&directory), directory.version()), (vec!["orders".to_owned()], 10));
        directory.forgive(now + TIME_TO_LIVE);
        assert!(directory.expire(now + TIME_TO_LIVE * 3 / 2).is_empty());
    }

    #[test]
    fn who_leaves_does_not_take_a_successor_along() {
        let (mut directory, now) = (Directory::new(TIME_TO_LIVE, 0, Settings::default()), Instant::now());
        directory.register("orders", "orders", "http://old", now);
        assert!(directory.register("orders", "orders", "http://new", now), "another address is news");
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
        /// Whatever comes and goes: nobody is known beyond the time to live, nobody within it is forgotten unless they
        /// left, and the version changes exactly when what is known does.
        #[test]
        fn it_knows_whom_it_heard_of(steps in prop::collection::vec((0..3u8, 0..4usize, 0..60u64), 1..200)) {
            let mut now = Instant::now();
            let mut directory = Directory::new(TIME_TO_LIVE, 0, Settings::default());
            let mut heard: BTreeMap<String, Instant> = BTreeMap::new();
            for (what, who, milliseconds) in steps {
                now += Duration::from_millis(milliseconds);
                let (name, before) = (format!("orders-{who}"), directory.snapshot());
                match what {
                    0 => {
                        directory.register("orders", &name, "http://a", now);
                        heard.insert(name, now);
                    }
                    1 => {
                        directory.deregister("orders", &name, None);
                        heard.remove(&name);
                    }
                    _ => {
                        directory.expire(now);
                        heard.retain(|_, last| now < *last + TIME_TO_LIVE);
                    }
                }
                prop_assert_eq!(names(&directory), heard.keys().cloned().collect::<Vec<_>>());
                prop_assert_eq!(directory.next_end(), heard.values().min().map(|last| *last + TIME_TO_LIVE));
                let after = directory.snapshot();
                prop_assert_eq!(before.version == after.version, before.instances == after.instances);
            }
        }
    }
}
