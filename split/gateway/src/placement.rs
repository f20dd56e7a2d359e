//! Where the modules are behind this gateway, and what waits while one of them moves.
//!
//! In a hybrid, modules leave the monolith and come back while the shop runs (`cleave extract`, `cleave merge`). The
//! registry's settings say where they are. While a module moves, its writes wait here, and so do all orders, which write
//! everywhere. Reads go on. This keeps requests from failing; what keeps a module from being written in two places is
//! its gate (rule 61, one owner).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use platform::registry::Snapshot;
use platform::settings::{Setting, Settings};
use registry::settings::{PLACEMENT_AWAY, PLACEMENT_COMPARED, PLACEMENT_HELD};
use serde::Serialize;
use tokio::sync::watch;

use crate::routes::Routes;

/// The modules that can leave a monolith. Module n has the value 2ⁿ in the settings.
pub const MOVABLE: [&str; 4] = ["catalog", "inventory", "payments", "shipping"];

/// A module that has left the monolith behind this gateway.
pub fn movable(name: &str) -> Result<&'static str, String> {
    let module = MOVABLE.into_iter().find(|module| *module == name);
    module.ok_or_else(|| format!("{name:?} cannot have left a monolith; {} can", MOVABLE.join(", ")))
}

/// The placement of the modules.
#[derive(Debug)]
pub struct Placement {
    routes: Routes,
    /// The modules that had left when the gateway was started.
    away: Vec<&'static str>,
    heard: watch::Receiver<Snapshot>,
    writes: Arc<AtomicU64>,
    same: AtomicU64,
    different: AtomicU64,
}

/// A write in progress.
#[derive(Debug)]
pub struct Write(Arc<AtomicU64>);

impl Drop for Write {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// `GET /health/placement`.
#[derive(Debug, Serialize)]
pub struct Report {
    /// Modules that have left.
    away: Vec<&'static str>,
    /// Modules whose writes wait.
    held: Vec<&'static str>,
    /// Writes that were let through and are not answered yet.
    writes: u64,
    /// Reads that were answered twice in the same way.
    same: u64,
    /// Reads that were answered in two ways, also when asked again.
    different: u64,
}

impl Placement {
    /// What this gateway was started with, and what it hears from the registry.
    pub fn new(routes: Routes, away: Vec<&'static str>, heard: watch::Receiver<Snapshot>) -> Placement {
        let counts = || AtomicU64::new(0);
        Placement { routes, away, heard, writes: Arc::default(), same: counts(), different: counts() }
    }

    /// The service that handles a module's requests now.
    pub fn service_of(&self, module: &'static str) -> &'static str {
        match self.routes {
            Routes::Monolith if !self.is_away(module) => "monolith",
            Routes::Monolith | Routes::Split => module,
        }
    }

    /// The services that requests can lead to now, each once.
    pub fn services(&self) -> Vec<&'static str> {
        let mut services = Vec::new();
        for service in crate::routes::PREFIXES.map(|(_, module)| self.service_of(module)) {
            if !services.contains(&service) {
                services.push(service);
            }
        }
        services
    }

    fn is_away(&self, module: &str) -> bool {
        match self.heard.borrow().settings.value(&PLACEMENT_AWAY) {
            Some(away) => has(away, module),
            None => self.away.contains(&module),
        }
    }

    /// Waits while writes to this module are held, at most this long. After that the request is let through: the gate
    /// decides.
    pub async fn write(&self, module: &str, at_most: Duration) -> Write {
        let mut heard = self.heard.clone();
        let free = heard.wait_for(|snapshot| !is_held(&snapshot.settings, module));
        let _ = tokio::time::timeout(at_most, free).await;
        self.writes.fetch_add(1, Ordering::Relaxed);
        Write(self.writes.clone())
    }

    /// Whether reads of this module are to be compared.
    pub fn compares(&self, module: &str) -> bool {
        has(self.heard.borrow().settings.get(&PLACEMENT_COMPARED), module)
    }

    /// Counts a comparison.
    pub fn compared(&self, same: bool) {
        let count = if same { &self.same } else { &self.different };
        count.fetch_add(1, Ordering::Relaxed);
    }

    /// The report for `GET /health/placement`.
    pub fn report(&self) -> Report {
        let listed = |setting: &Setting| {
            let sum = self.heard.borrow().settings.get(setting);
            MOVABLE.into_iter().filter(|module| has(sum, module)).collect()
        };
        Report {
            away: MOVABLE.into_iter().filter(|module| self.is_away(module)).collect(),
            held: listed(&PLACEMENT_HELD),
            writes: self.writes.load(Ordering::Relaxed),
            same: self.same.load(Ordering::Relaxed),
            different: self.different.load(Ordering::Relaxed),
        }
    }
}

fn is_held(settings: &Settings, module: &str) -> bool {
    let held = settings.get(&PLACEMENT_HELD);
    has(held, module) || (module == "orders" && held > 0)
}

fn has(sum: u64, module: &str) -> bool {
    MOVABLE.iter().position(|movable| *movable == module).is_some_and(|n| sum >> n & 1 == 1)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn placed(routes: Routes, away: &[&'static str]) -> (watch::Sender<Snapshot>, Placement) {
        let (word, heard) = watch::channel(Snapshot::default());
        (word, Placement::new(routes, away.to_vec(), heard))
    }

    #[test]
    fn what_the_registry_says_counts_more_than_the_start() {
        let all = vec!["catalog", "inventory", "orders", "payments", "shipping"];
        assert_eq!(placed(Routes::Split, &[]).1.services(), all);
        assert_eq!(placed(Routes::Monolith, &[]).1.services(), ["monolith"]);
        let (word, placement) = placed(Routes::Monolith, &["payments"]);
        assert_eq!(placement.services(), ["monolith", "payments"]);
        word.send_modify(|snapshot| snapshot.settings.set(&PLACEMENT_AWAY, &json!(2)).unwrap());
        assert_eq!(placement.services(), ["monolith", "inventory"]);
        word.send_modify(|snapshot| snapshot.settings.set(&PLACEMENT_AWAY, &json!(0)).unwrap());
        assert_eq!(placement.services(), ["monolith"]);
    }

    #[tokio::test]
    async fn writes_wait_while_their_module_moves_and_orders_wait_for_all() {
        let (word, placement) = placed(Routes::Monolith, &[]);
        word.send_modify(|snapshot| snapshot.settings.set(&PLACEMENT_HELD, &json!(4)).unwrap());
        let long = Duration::from_secs(60);
        for (module, waits) in [("payments", true), ("orders", true), ("catalog", false)] {
            let write = placement.write(module, long);
            let over = tokio::time::timeout(Duration::from_millis(20), write).await;
            assert_eq!(over.is_err(), waits, "{module}");
        }
        assert_eq!(placement.report().writes, 0, "none is left in progress");
        let (write, ()) = tokio::join!(placement.write("payments", long), async {
            word.send_modify(|snapshot| snapshot.settings.set(&PLACEMENT_HELD, &json!(0)).unwrap());
        });
        assert_eq!(placement.report().writes, 1);
        drop(write);
    }

    #[test]
    fn orders_stays_at_home() {
        assert_eq!(movable("payments"), Ok("payments"));
        assert!(movable("orders").is_err() && movable("billing").is_err());
    }
}
