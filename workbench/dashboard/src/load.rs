//! The load that the page or `cleave up --rate` requested, and the process that sends it.

use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, Command};

use super::clock::{self, Plan, ShopTick, Tick};
use super::sample::{FlashSale, Load};
use crate::words;
use load::mix::Intended;
use servers::guard::executable;
use topology::Driver;

/// The requested load.
#[derive(Debug, Clone)]
pub struct WantedLoad {
    /// Orders per second, to each shop.
    pub rate_per_s: f64,
    /// Outcomes and their shares in per mille.
    pub per_mille: BTreeMap<String, u32>,
    /// The current flash sale, or the last one.
    pub sale: Option<FlashSale>,
}

impl WantedLoad {
    /// The usual mix at this rate.
    pub fn new(rate_per_s: f64) -> WantedLoad {
        let per_mille = Intended::SHARES.into_iter().map(|(of, share)| (of.as_str().to_owned(), share));
        WantedLoad { rate_per_s, per_mille: per_mille.collect(), sale: None }
    }

    /// The sale, if it is active at this moment.
    pub fn sale_at(&self, now: DateTime<Utc>) -> Option<&FlashSale> {
        self.sale.as_ref().filter(|sale| sale.until > now)
    }

    /// The plan for the clock and these shops.
    pub fn plan(&self, now: DateTime<Utc>, shops: Vec<(Driver, String)>) -> Plan {
        Plan {
            rate_per_s: self.rate_per_s,
            per_mille: self.per_mille.clone(),
            on_sale: self.sale_at(now).map_or(0, |sale| sale.products as usize),
            shops,
        }
    }

    /// The load as the page shows it.
    pub fn shown(&self, now: DateTime<Utc>, late_p99_ms: Option<f64>) -> Load {
        Load {
            rate_per_s: self.rate_per_s,
            mix: self.per_mille.iter().map(|(of, share)| (of.clone(), f64::from(*share) / 1000.0)).collect(),
            flash_sale: self.sale_at(now).cloned(),
            late_p99_ms,
        }
    }
}

/// The process of the [`clock`]. It is killed on drop.
pub struct LoadProcess {
    child: Child,
    input: ChildStdin,
    told: Arc<Mutex<Vec<Tick>>>,
    plan: Option<Plan>,
}

impl LoadProcess {
    /// Starts it without a load.
    pub fn start() -> Result<LoadProcess> {
        let mut child = Command::new(executable()?)
            .arg(clock::COMMAND)
            .envs([terminal::language::passed_on()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // Ctrl-C at a terminal is for the dashboard, which then ends the load.
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .with_context(words::cannot_start_load)?;
        let input = child.stdin.take().context("the pipe was requested above")?;
        let output = child.stdout.take().context("the pipe was requested above")?;
        let told = Arc::new(Mutex::new(Vec::new()));
        let heard = told.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(output).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Ok(tick) = serde_json::from_str(&line) {
                    locked(&heard).push(tick);
                }
            }
        });
        Ok(LoadProcess { child, input, told, plan: None })
    }

    /// Whether this plan differs from the last one.
    pub fn changes(&self, plan: &Plan) -> bool {
        self.plan.as_ref() != Some(plan)
    }

    /// Sends the plan to the process, to take effect from its next second. Restarts the process if it was killed; it
    /// never ends by itself.
    pub async fn follow(&mut self, plan: Plan) -> Result<()> {
        if !matches!(self.child.try_wait(), Ok(None)) {
            *self = LoadProcess::start()?;
        }
        if !self.changes(&plan) {
            return Ok(());
        }
        let line = serde_json::to_string(&plan)? + "\n";
        self.input.write_all(line.as_bytes()).await.with_context(words::load_ended)?;
        self.plan = Some(plan);
        Ok(())
    }

    /// All reports since the last call, merged; `None` if there were none.
    pub fn take(&self) -> Option<Tick> {
        std::mem::take(&mut *locked(&self.told)).into_iter().reduce(merged)
    }
}

fn merged(mut all: Tick, next: Tick) -> Tick {
    all.late_p99_ms = all.late_p99_ms.into_iter().chain(next.late_p99_ms).reduce(f64::max);
    for shop in next.shops {
        match all.shops.iter_mut().find(|known| known.driver == shop.driver) {
            Some(known) => {
                let ShopTick { sent, errors, in_flight, taken, .. } = shop;
                known.sent += sent;
                known.in_flight = in_flight;
                known.taken.extend(taken);
                for (reason, count) in errors {
                    *known.errors.entry(reason).or_default() += count;
                }
            }
            None => all.shops.push(shop),
        }
    }
    all
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    fn tick(sent: u64, reason: &str) -> Tick {
        let errors = BTreeMap::from([(reason.to_owned(), 1)]);
        let shop = ShopTick { driver: Driver::Local, sent, errors, in_flight: sent, taken: Vec::new() };
        Tick { late_p99_ms: Some(sent as f64), shops: vec![shop] }
    }

    #[test]
    fn two_seconds_in_one_piece() {
        let both = merged(merged(tick(3, "HTTP 503"), tick(9, "timed out")), tick(2, "timed out"));
        let shop = &both.shops[0];
        assert_eq!((both.shops.len(), shop.sent, shop.in_flight, both.late_p99_ms), (1, 14, 2, Some(9.0)));
        assert_eq!(shop.errors, BTreeMap::from([("HTTP 503".into(), 1), ("timed out".into(), 2)]));
    }

    #[test]
    fn a_sale_ends_by_itself() {
        let now = Utc::now();
        let mut wanted = WantedLoad::new(5.0);
        wanted.sale = Some(FlashSale { products: 3, quota: 10, until: now + TimeDelta::seconds(5) });
        assert_eq!(wanted.plan(now, Vec::new()).on_sale, 3);
        let later = now + TimeDelta::seconds(6);
        assert_eq!((wanted.plan(later, Vec::new()).on_sale, wanted.shown(later, None).flash_sale), (0, None));
        let shares: f64 = wanted.shown(now, None).mix.values().sum();
        assert!((shares - 1.0).abs() < 1e-9);
    }
}
