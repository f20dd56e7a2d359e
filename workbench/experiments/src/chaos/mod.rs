//! A *chaos monkey* (Netflix, "The Netflix Simian Army", 2011): it breaks one thing after another in the running shops,
//! to see whether they survive. Unlike theirs it has a seed, and the same seed repeats the same faults.

mod plan;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::words;
use control::{AddFault, Added, Client, FaultLog, Heal, ShopState};
pub use plan::{Planned, kinds, one_more, plan};
use topology::Driver;

/// The options.
#[derive(Debug, Clone, Copy)]
pub struct ChaosOptions {
    /// The seed of all randomness.
    pub seed: u64,
    /// The interval between faults.
    pub every: Duration,
    /// The duration.
    pub length: Duration,
    /// Only this shop; all running shops if `None`.
    pub shop: Option<Driver>,
}

/// A fault that was added to a shop, with its number.
type Made = (Driver, u64);

/// Breaks the shops of `cleave up` until the time is over or `stop` is done, and then heals everything. Returns the
/// record of each fault that it added, shop by shop.
pub async fn run(
    folder: &Path,
    wanted: &ChaosOptions,
    stop: impl Future<Output = ()>,
) -> Result<Vec<FaultLog>> {
    let client = control::client(folder)?;
    let shops: Vec<ShopState> = client.get("/state").await?;
    let up = shops.iter().map(|state| state.shop).filter(|shop| wanted.shop.is_none_or(|only| only == *shop));
    let up: Vec<Driver> = up.collect();
    // The split shop has more to break; the monolith gets the faults that it has a counterpart for.
    let by_parts = up.iter().max_by_key(|driver| driver.services().len()).or(up.first());
    let Some(&driver) = by_parts else {
        let names: Vec<String> = shops.iter().map(|state| state.shop.to_string()).collect();
        anyhow::bail!(words::is_not_up(names.join(", ")));
    };
    let faults = (wanted.length.as_secs_f64() / wanted.every.as_secs_f64()) as usize;
    let mut planned = plan(wanted.seed, driver, faults, wanted.every)?;
    planned.retain(|planned| planned.at <= wanted.length);
    terminal::say!("{}", words::faults_in(planned.len(), format!("{:?}", wanted.length), wanted.seed));

    let mut made = Vec::new();
    tokio::select! {
        () = follow(&client, driver, wanted.shop, &planned, &mut made) => {}
        () = stop => terminal::say!("{}", words::stopped()),
    }
    let _: Vec<FaultLog> = client.post("/heal", &Heal { id: None, shop: wanted.shop }).await?;
    let mut logs: Vec<FaultLog> = client.get("/faults").await?;
    for log in &mut logs {
        log.faults.retain(|record| made.contains(&(log.shop, record.id)));
    }
    Ok(logs)
}

/// Adds each fault at its time. If that fails, the reason is printed, and the next fault follows as planned.
async fn follow(
    client: &Client,
    driver: Driver,
    shop: Option<Driver>,
    planned: &[Planned],
    made: &mut Vec<Made>,
) {
    let started = tokio::time::Instant::now();
    for Planned { at, fault } in planned {
        tokio::time::sleep_until(started + *at).await;
        // All running shops share the servers, so one fault is enough.
        let shop = if plan::is_of_servers(fault.kind) { Some(driver) } else { shop };
        if !terminal::say::is_heard() {
            return;
        }
        let seconds = format!("{:>5.0}", at.as_secs_f64());
        match client.post::<Vec<Added>>("/faults", &AddFault { fault: fault.clone(), shop }).await {
            Ok(all) => {
                for Added { shop, id, why_not } in all {
                    match id {
                        Some(id) => {
                            let lasts = format!("{:?}", fault.time_to_live);
                            terminal::say!("{}", words::fault_made(&seconds, shop, id, fault, lasts));
                            made.push((shop, id));
                        }
                        None => {
                            let why = why_not.unwrap_or_default();
                            terminal::say!("{}", words::fault_refused(&seconds, shop, why));
                        }
                    }
                }
            }
            Err(why) => terminal::say!("{}", words::fault_refused(&seconds, fault, format!("{why:#}"))),
        }
    }
    // The last fault also gets its full time.
    if let Some(last) = planned.last() {
        tokio::time::sleep(last.fault.time_to_live).await;
    }
}
