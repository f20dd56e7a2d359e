//! The cost of a shop under load: processor time, memory, database transactions, log bytes, messages.
//!
//! In a comparison only one shop runs at a time, so everything that the servers use is counted as its cost.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use diesel::QueryableByName;
use diesel::sql_types::{Array, BigInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl};
use futures_util::future::try_join_all;

use crate::run::{Cost, Memory};
use crate::words;
use servers::Infrastructure;
use shop::Shop;
use topology::{Driver, Mode};

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod system;
#[cfg(not(target_os = "linux"))]
#[path = "elsewhere.rs"]
mod system;

use system::Snapshot;

/// The interval between memory samples: short enough to catch a peak, and long enough not to add load.
const MEMORY_TICK: Duration = Duration::from_secs(1);

/// The name of a process, and the id of the root of its process tree.
type Roots = Vec<(String, u32)>;

/// Reads what a shop and its servers have used so far.
pub struct Meter {
    shop: Roots,
    servers: Roots,
    /// Whether the processes of every server are visible from here.
    servers_seen: bool,
    names: Vec<String>,
    connections: Vec<AsyncPgConnection>,
    messages: Messages,
    own_statements: i64,
}

/// How messages can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Messages {
    /// There are no messages.
    None,
    /// By the rows of the inboxes.
    InInboxes,
    /// They cannot be counted: there is no list of them.
    Uncounted,
}

impl Messages {
    fn of(shop: &Shop) -> Messages {
        match shop.driver.mode() {
            Mode::Monolith => Messages::None,
            Mode::Split if shop.driver == Driver::Naive => Messages::Uncounted,
            _ if shop.flaws.iter().any(|flaw| flaw == "no-inbox") => Messages::Uncounted,
            Mode::Split | Mode::Hybrid => Messages::InInboxes,
        }
    }
}

/// Usage up to a moment. Only the difference of two readings is meaningful.
#[derive(Debug, Clone, Copy)]
struct Reading {
    cpu_shop: Option<Duration>,
    cpu_servers: Option<Duration>,
    transactions: i64,
    wal_bytes: i64,
    messages: Option<i64>,
}

/// Usage between two moments.
#[derive(Debug, Clone)]
pub struct Usage {
    before: Reading,
    after: Reading,
    /// Peak memory in between.
    pub memory: Memory,
}

impl Meter {
    /// A meter for a shop that runs on these servers.
    pub async fn new(shop: &Shop, infra: &Infrastructure) -> Result<Meter> {
        let databases = shop.databases.distinct();
        let connecting = databases.iter().map(|(_, url)| servers::connect(url));
        let connections = try_join_all(connecting).await.with_context(words::cannot_measure)?;
        let mut servers: Roots =
            infra.postgres.pids().into_iter().map(|pid| ("PostgreSQL".to_owned(), pid)).collect();
        let mut servers_seen = !servers.is_empty();
        if let (true, Some(broker)) = (shop.driver.has_messages(), &infra.rabbitmq) {
            servers_seen &= !broker.pids().is_empty();
            servers.extend(broker.pids().into_iter().map(|pid| ("RabbitMQ".to_owned(), pid)));
        }
        Ok(Meter {
            shop: shop.processes().into_iter().map(|(name, pid)| (name.to_owned(), pid)).collect(),
            servers,
            servers_seen,
            names: databases.iter().map(|(_, url)| database_name(url)).collect(),
            connections,
            messages: Messages::of(shop),
            own_statements: 0,
        })
    }

    /// Measures from one moment to another; both may be in the future.
    pub async fn between(&mut self, from: Instant, to: Instant) -> Result<Usage> {
        tokio::time::sleep_until(from.into()).await;
        let before = self.read().await?;
        let mut memory = Memory::default();
        let roots: Roots = self.shop.iter().chain(&self.servers).cloned().collect();
        tokio::select! {
            () = tokio::time::sleep_until(to.into()) => {}
            () = watch_memory(roots, &mut memory) => {}
        }
        Ok(Usage { before, after: self.read().await?, memory })
    }

    async fn read(&mut self) -> Result<Reading> {
        let snapshot = Snapshot::take();
        let cpu = |roots: &Roots| snapshot.cpu(roots.iter().map(|(_, pid)| *pid));
        let (cpu_shop, cpu_servers) = (cpu(&self.shop), cpu(&self.servers).filter(|_| self.servers_seen));
        let mut messages = (self.messages != Messages::Uncounted).then_some(0);
        if self.messages == Messages::InInboxes {
            for connection in &mut self.connections {
                let query = diesel::sql_query("SELECT count(*) AS value FROM chassis.inbox");
                let handled = query.get_result::<Number>(connection).await?.value;
                messages = messages.map(|messages| messages + handled);
            }
        }
        let connection = self.connections.first_mut().context("every shop has a database")?;
        let transactions = diesel::sql_query(
            "SELECT sum(xact_commit + xact_rollback)::bigint AS value FROM pg_stat_database WHERE datname = ANY($1)",
        )
        .bind::<Array<Text>, _>(&self.names)
        .get_result::<Number>(connection)
        .await?
        .value;
        let wal = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint AS value";
        let wal_bytes = diesel::sql_query(wal).get_result::<Number>(connection).await?.value;
        let reading = Reading {
            cpu_shop,
            cpu_servers,
            transactions: transactions - self.own_statements,
            wal_bytes,
            messages,
        };
        // Each statement outside a transaction counts as one, and our own must not be charged to the shop.
        let counted = self.messages == Messages::InInboxes;
        self.own_statements += 2 + if counted { self.connections.len() as i64 } else { 0 };
        Ok(reading)
    }
}

impl Usage {
    /// The figures that are missing, and why.
    pub fn not_measured(&self, decided: u64) -> BTreeMap<String, terminal::text::Text> {
        let mut missing = BTreeMap::new();
        let mut say = |figure: &str, why| drop(missing.insert(figure.to_owned(), why));
        if decided == 0 {
            say("costs per order", words::none_decided());
            return missing;
        }
        let cost = self.per_1000(decided);
        if cost.cpu_s_shop.is_none() {
            say("processor time of the shop", words::unreadable());
        }
        if cost.cpu_s_servers.is_none() {
            let ours = cost.cpu_s_shop.is_none();
            let why = if ours { words::unreadable() } else { words::not_on_this_machine() };
            say("processor time of the servers", why);
        }
        if cost.messages.is_none() {
            say("messages", words::no_inbox_counts());
        }
        if self.memory.total.is_none() {
            say("peak memory", words::unreadable());
        }
        missing
    }

    /// The cost of 1,000 orders, if `orders` were decided in this time. All figures are missing if none was.
    pub fn per_1000(&self, orders: u64) -> Cost {
        if orders == 0 {
            return Cost::default();
        }
        let share = |total: f64| total * 1000.0 / orders as f64;
        let seconds = |of: fn(&Reading) -> Option<Duration>| {
            Some(share(of(&self.after)?.saturating_sub(of(&self.before)?).as_secs_f64()))
        };
        let messages = self.after.messages.zip(self.before.messages);
        let count = |of: fn(&Reading) -> i64| Some(share((of(&self.after) - of(&self.before)) as f64));
        let (cpu_s_shop, cpu_s_servers) = (seconds(|r| r.cpu_shop), seconds(|r| r.cpu_servers));
        Cost {
            cpu_s: cpu_s_shop.zip(cpu_s_servers).map(|(shop, servers)| shop + servers),
            cpu_s_shop,
            cpu_s_servers,
            db_transactions: count(|r| r.transactions),
            wal_bytes: count(|r| r.wal_bytes),
            messages: messages.map(|(after, before)| share((after - before) as f64)),
        }
    }
}

/// Records the peaks until it is dropped.
async fn watch_memory(roots: Roots, peak: &mut Memory) {
    loop {
        let sampled = roots.clone();
        // Reading /proc blocks, and the load generator shares this runtime.
        let now = tokio::task::spawn_blocking(move || memory(&sampled)).await.unwrap_or_default();
        // If one process is missing, there is no total.
        let total: Option<f64> = now.values().copied().sum();
        peak.total = total.into_iter().chain(peak.total).max_by(f64::total_cmp);
        for (name, mb) in now.into_iter().filter_map(|(name, mb)| Some((name, mb?))) {
            let known = peak.processes.entry(name).or_default();
            *known = known.max(mb);
        }
        tokio::time::sleep(MEMORY_TICK).await;
    }
}

/// Memory of each process with its descendants, in MB.
fn memory(roots: &Roots) -> BTreeMap<String, Option<f64>> {
    let snapshot = Snapshot::take();
    let mut by_name = BTreeMap::new();
    for (name, root) in roots {
        let mb = snapshot.memory(*root).map(|bytes| bytes as f64 / 1e6);
        let known = by_name.entry(name.clone()).or_insert(Some(0.0));
        *known = known.zip(mb).map(|(known, mb)| known + mb);
    }
    by_name
}

fn database_name(url: &str) -> String {
    let path = url.split('?').next().unwrap_or_default();
    path.rsplit('/').next().unwrap_or_default().to_owned()
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cost_is_a_difference_per_thousand() {
        let reading = |seconds, transactions| Reading {
            cpu_shop: Some(Duration::from_secs(seconds)),
            cpu_servers: None,
            transactions,
            wal_bytes: 0,
            messages: None,
        };
        let usage = Usage { before: reading(3, 100), after: reading(5, 600), memory: Memory::default() };
        let cost = usage.per_1000(500);
        assert_eq!((cost.cpu_s_shop, cost.db_transactions), (Some(4.0), Some(1000.0)));
        assert_eq!(cost.cpu_s, None, "half of it is not known");
        assert_eq!(cost.messages, None, "a figure that is not counted is not zero");
        assert_eq!(usage.per_1000(0), Cost::default());
    }

    #[test]
    fn a_busy_child_is_seen_with_its_parent() {
        // The shell itself only waits. Its child is busy for as long as the shell lives.
        let mut shell = std::process::Command::new("/bin/sh")
            .args(["-c", "(while kill -0 $$ 2>/dev/null; do :; done) & wait"])
            .spawn()
            .unwrap();
        let busy = Duration::from_millis(200);
        // A guard against hanging.
        let deadline = Instant::now() + Duration::from_secs(120);
        let (mut cpu, mut memory) = (None, None);
        while cpu.is_none_or(|cpu| cpu < busy) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(50));
            let snapshot = Snapshot::take();
            (cpu, memory) = (snapshot.cpu([shell.id()].into_iter()), snapshot.memory(shell.id()));
        }
        shell.kill().unwrap();
        shell.wait().unwrap();
        assert!(cpu >= Some(busy), "{cpu:?}");
        assert!(memory.is_some_and(|memory| (50_000..50_000_000).contains(&memory)), "{memory:?} bytes");
        let snapshot = Snapshot::take();
        let unknown = snapshot.cpu([u32::MAX].into_iter());
        assert_eq!(unknown, None, "what cannot be seen has used an unknown time");
        assert_eq!(snapshot.memory(u32::MAX), None);
    }
}
