//! A *chaos monkey* (Netflix, "The Netflix Simian Army", 2011): it breaks one thing after the other in what is running, to
//! see whether the shop lives through it. Unlike theirs it has a seed, and does the same again when told the same.

mod plan;

use std::path::Path;
use std::time::Duration;

use anyhow::Result;

use crate::words;
use control::{AddFault, Added, Client, FaultLog, Heal, ShopState};
pub use plan::{Planned, kinds, one_more, plan};
use topology::{Driver, Mode};

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted {
    /// Where all randomness comes from.
    pub seed: u64,
    /// From one fault to the next.
    pub every: Duration,
    /// How long it goes on.
    pub length: Duration,
    /// Only in this shop; in all that are up if `None`.
    pub shop: Option<Driver>,
}

/// A fault that was made in a shop.
type Made = (Driver, u64);

/// Breaks what `cleave up` has running until the time is over or `stop` is done; then heals everything. Returns what
/// became of each fault that it made, shop by shop.
pub async fn run(folder: &Path, wanted: &Wanted, stop: impl Future<Output = ()>) -> Result<Vec<FaultLog>> {
    let client = control::client(folder)?;
    let shops: Vec<ShopState> = client.get("/state").await?;
    let up = shops.iter().map(|state| state.shop).filter(|shop| wanted.shop.is_none_or(|only| only == *shop));
    let up: Vec<Driver> = up.collect();
    // In the split shop there is more to break; the monolith gets what it has a counterpart for.
    let by_parts = up.iter().find(|driver| driver.mode() == Mode::Split).or(up.first());
    let Some(&driver) = by_parts else {
        let names: Vec<String> = shops.iter().map(|state| state.shop.to_string()).collect();
        anyhow::bail!("there is no such shop up; there are {}", names.join(", "));
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

/// Makes each fault when its time has come. Whatever cannot be made is told, and the next one comes all the same.
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
        // All shops that are up share the servers: once is enough.
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
    // The last one has its time, too.
    if let Some(last) = planned.last() {
        tokio::time::sleep(last.fault.time_to_live).await;
    }
}
