//! `cleave status`: the running shops and their processes.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use comfy_table::{Table, presets};
use control::{ProcessState, ShopState, UpState, client_of};
use futures_util::future::join_all;
use report::warnings;
use serde::Serialize;
use servers::busy::{self, Busy};
use servers::{Readiness, Waits};
use terminal::output;
use topology::{Driver, Mode};

use crate::words;

/// The time limit for a readiness check.
const PATIENCE: Duration = Duration::from_secs(2);

/// The JSON of `status`. It has no URLs of databases, because they contain passwords.
#[derive(Serialize)]
struct Status {
    schema: &'static str,
    running: bool,
    /// Rules that every shop leaves out on purpose.
    flaws: Vec<String>,
    /// Evidence that the machine is overloaded; null if there is none.
    busy: Option<Busy>,
    shops: Vec<ShopStatus>,
}

#[derive(Serialize)]
struct ShopStatus {
    mode: Mode,
    driver: Driver,
    broken_on_purpose: bool,
    address: String,
    ready: bool,
    processes: Vec<ProcessState>,
}

/// Prints the running shops. Returns the exit status: 0 if something is up, 2 otherwise.
pub async fn status(folder: &Path, json: Option<&str>) -> Result<u8> {
    let state = UpState::read(folder)?;
    let running = state.is_some();
    let now = match &state {
        Some(state) => client_of(state)?.get::<Vec<ShopState>>("/state").await?,
        None => Vec::new(),
    };
    let (flaws, shops) = state.map(|state| (state.flaws, state.shops)).unwrap_or_default();
    let shops = shops.into_iter().zip(now).map(async |(shop, now)| ShopStatus {
        ready: Readiness::of(&shop.address, PATIENCE).await.ready,
        mode: shop.driver.mode(),
        driver: shop.driver,
        broken_on_purpose: shop.driver.is_broken_on_purpose(),
        address: shop.address,
        processes: now.processes,
    });
    let status =
        Status { schema: "cleave.status/1", running, flaws, busy: busy::now(), shops: join_all(shops).await };
    match json {
        Some(target) => output::json(target, &status)?,
        None if running => {
            let drivers = status.shops.iter().map(|shop| shop.driver);
            terminal::say_part!("{}", warnings(drivers, &status.flaws));
            terminal::say!("{}", status.table());
            for (shop, process, waits) in status.waits() {
                terminal::say!("{shop} {process}: {waits}");
            }
            if let Some(busy) = &status.busy {
                terminal::say!("{}", words::slowed_by_machine(busy));
            }
        }
        None => terminal::say!("{}", words::nothing_is_up()),
    }
    Ok(if running { 0 } else { 2 })
}

/// Returns the exit status of a health check: 0 if the shops that are up are ready, or the program at this address is,
/// and 1 if not.
pub async fn health(folder: &Path, address: Option<&str>) -> Result<u8> {
    let addresses = match address {
        Some(address) => vec![address.trim_end_matches('/').to_owned()],
        None => UpState::read(folder)?
            .into_iter()
            .flat_map(|state| state.shops)
            .map(|shop| shop.address)
            .collect(),
    };
    let ready = addresses.iter().map(async |address| Readiness::of(address, PATIENCE).await.ready);
    let ready = join_all(ready).await;
    Ok(u8::from(ready.is_empty() || ready.contains(&false)))
}

impl Status {
    /// What the processes wait for, with the names of shop and process.
    fn waits(&self) -> impl Iterator<Item = (Driver, &str, &Waits)> {
        let processes =
            self.shops.iter().flat_map(|shop| shop.processes.iter().map(|one| (shop.driver, one)));
        processes.flat_map(|(driver, process)| {
            process.waits.iter().map(move |waits| (driver, process.name.as_str(), waits))
        })
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header([
            words::mode(),
            words::process(),
            words::ready(),
            words::pid(),
            words::restarts(),
            words::cpu_s(),
            words::memory_mb(),
        ]);
        let yes_or_no = |yes| if yes { words::yes() } else { words::no() };
        for shop in &self.shops {
            table.add_row([shop.driver.to_string(), shop.address.clone(), yes_or_no(shop.ready)]);
            for process in &shop.processes {
                table.add_row([
                    String::new(),
                    process.name.clone(),
                    yes_or_no(process.ready),
                    process.pid.to_string(),
                    process.restarts.to_string(),
                    figure(process.cpu_ms.map(|ms| format!("{:.1}", ms as f64 / 1000.0))),
                    figure(process.memory_mb.map(|mb| format!("{mb:.0}"))),
                ]);
            }
        }
        table
    }
}

/// A figure that cannot be read is shown as a dash, not as zero: rule 62 (no zero).
fn figure(read: Option<String>) -> String {
    read.unwrap_or_else(|| "–".to_owned())
}
