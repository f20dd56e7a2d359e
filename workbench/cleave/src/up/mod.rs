//! `cleave up`, and the commands that read or stop what it runs.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::Utc;
use comfy_table::{ContentArrangement, Table, presets};
use futures_util::future::join_all;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde::Serialize;
use tokio::sync::RwLock;

use audit::Subject;
use control::{Claim, Control, LOGS, ProcessState, SEED, ShopState, Stage, State, Wanted, client_of};

use servers::busy::{self, Busy};
use servers::guard::Guard;

use crate::{logs, words};
use audit::{Audit, Verdict};
use report::{verdict_words, warnings};
use servers::process_tree::start_time;
use shop::last_owner::last_owner;
use shop::seed::{Goods, customer, sku};
use shop::{Shop, drain};
use terminal::language::seconds;
use terminal::output;
use topology::{Driver, Mode};

mod load;
mod page;

use page::Page;

/// How long `audit` waits for orders in progress.
const SETTLE: Duration = Duration::from_secs(10);
/// The width of a table if the output is not a terminal.
const WIDTH: u16 = 110;
/// How long `down` waits for `up` to end.
const DOWN: Duration = Duration::from_secs(60);

/// The source of the load.
pub enum Load {
    /// No load: only the user sends orders.
    None,
    /// `cleave up` itself, at this rate to each shop.
    Own { rate_per_s: f64 },
    /// The dashboard.
    Page(dashboard::Options),
}

/// Starts the shops and stays until `stop` is done.
pub async fn run(folder: &Path, wanted: &Wanted, load: &Load, stop: impl Future<Output = ()>) -> Result<()> {
    let Wanted { drivers, flaws, .. } = wanted;
    let claim = Claim::take(folder)?;
    let guard = Guard::start()?;
    tokio::pin!(stop);
    let starting = start(&guard, folder, wanted);
    let (stage, shops) = tokio::select! {
        started = starting => started?,
        // The other branch is dropped, which ends everything that it started.
        () = &mut stop => {
            terminal::note!("{}", words::interrupted());
            return Ok(());
        }
    };
    let mut state = State {
        started_at: Utc::now(),
        pid: std::process::id(),
        pid_started: start_time(std::process::id()).unwrap_or_default(),
        flaws: flaws.clone(),
        shops: shops.iter().map(Shop::handle).collect(),
        control: None,
    };
    let told: Vec<String> = shops.iter().map(what_to_try).collect();
    let mut supervised = Vec::new();
    for shop in shops {
        supervised.push((shop.driver, stage.supervise(shop).await?));
    }
    let (stage, shops) = (Arc::new(stage), Arc::new(RwLock::new(supervised)));
    let control = control::serve(Control { shops: shops.clone(), stage: stage.clone() })?;
    state.control = Some(control.access.clone());
    stage.publish(claim, state)?;
    terminal::say_part!("{}", warnings(drivers.iter().copied(), flaws));
    for what in told {
        terminal::say!("{what}");
    }
    terminal::note!("{}", words::ctrl_c_stops());
    match load {
        Load::None => stop.await,
        Load::Own { rate_per_s } => load::send(folder, *rate_per_s, stop).await,
        Load::Page(options) => {
            let page = Page::start(folder, options)?;
            stop.await;
            page.end().await;
        }
    }
    terminal::note!("{}", words::stopping());
    stage.withdraw();
    control.close().await;
    let mut released = Vec::new();
    let shops = last_owner(shops).await.with_context(|| words::still_in_use(words::shop()))?;
    for (_, supervisor) in shops.into_inner() {
        released.push(supervisor.release().await?);
    }
    let stage = last_owner(stage).await.with_context(|| words::still_in_use(words::shop()))?;
    let infra = last_owner(stage.infra)
        .await
        .with_context(|| words::still_in_use("PostgreSQL, RabbitMQ"))?
        .into_inner();
    for shop in released {
        shop.stop(&infra).await?;
    }
    infra.stop().await
}

async fn start(guard: &Guard, folder: &Path, wanted: &Wanted) -> Result<(Stage, Vec<Shop>)> {
    let stage = Stage::set(guard, folder, wanted).await?;
    let mut shops = Vec::new();
    for driver in &wanted.drivers {
        shops.push(stage.start(*driver).await?);
    }
    Ok((stage, shops))
}

/// The addresses, and an example of an order.
fn what_to_try(shop: &Shop) -> String {
    let Shop { driver, address, ready_ms, .. } = shop;
    let (customer, sku, price) = (customer(0), sku(0), Goods::new(SEED).price(0));
    let answer = match driver.mode() {
        Mode::Monolith => words::decided_at_once(),
        Mode::Split => words::decided_later(),
    };
    format!(
        "{}
  curl -i {address}/products/{sku}
  curl -i {address}/wallets/{customer}
  curl -i {address}/orders -H 'content-type: application/json' -H \"idempotency-key: $(date +%s%N)\" \\
    -d '{{\"customer_id\":\"{customer}\",\"region\":\"seoul\",\"lines\":[{{\"sku\":\"{sku}\",\"quantity\":1,\"unit_price\":{price}}}]}}'
    ({answer})
",
        words::shop_is_at(driver, address, format_args!("{:.1}", ready_ms / 1000.0))
    )
}

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
    let state = State::read(folder)?;
    let running = state.is_some();
    let now = match &state {
        Some(state) => client_of(state)?.get::<Vec<ShopState>>("/state").await?,
        None => Vec::new(),
    };
    let (flaws, shops) = state.map(|state| (state.flaws, state.shops)).unwrap_or_default();
    let shops = shops.into_iter().zip(now).map(async |(shop, now)| ShopStatus {
        ready: is_ready(&shop.address).await,
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
            if let Some(busy) = &status.busy {
                terminal::say!("{}", words::slowed_by_machine(busy));
            }
        }
        None => terminal::say!("{}", words::nothing_is_up()),
    }
    Ok(if running { 0 } else { 2 })
}

impl Status {
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

/// Prints the logs of the running shops, or of the last ones.
pub async fn logs(folder: &Path, wanted: &logs::Wanted) -> Result<()> {
    logs::run(&folder.join(LOGS), wanted).await
}

/// Stops the running shops, and waits until they have stopped.
pub async fn down(folder: &Path) -> Result<u8> {
    let Some(state) = State::read(folder)? else {
        terminal::say!("{}", words::nothing_to_stop());
        return Ok(0);
    };
    // The state identifies the process by id and start time, so this is not another process that got the same id.
    kill(Pid::from_raw(state.pid.cast_signed()), Signal::SIGTERM)
        .with_context(|| words::cannot_stop(state.pid))?;
    let deadline = Instant::now() + DOWN;
    while state.lives() {
        if Instant::now() > deadline {
            bail!(words::does_not_end(state.pid, seconds(DOWN)));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    terminal::say!("{}", words::stopped());
    Ok(0)
}

/// The running shops, for the audit.
pub fn subjects(folder: &Path) -> Result<Vec<Subject>> {
    let state = control::running(folder)?;
    Ok(state.shops.into_iter().map(Subject::of).collect())
}

/// The JSON of `audit`.
#[derive(Serialize)]
struct Audited {
    schema: &'static str,
    verdict: Verdict,
    shops: Vec<AuditedShop>,
}

#[derive(Serialize)]
struct AuditedShop {
    mode: Mode,
    driver: Driver,
    audit: Vec<Audit>,
}

/// Audits the running shops once they have come to rest.
pub async fn audit(folder: &Path, json: Option<&str>) -> Result<Verdict> {
    let state = control::running(folder)?;
    let mut shops = Vec::new();
    for shop in &state.shops {
        if let Err(error) = drain(&shop.databases, shop.driver, SETTLE).await {
            terminal::note!("{error}");
        }
        let audit = audit::audit(&Subject::of(shop.clone())).await;
        let audit = audit.with_context(|| words::cannot_audit(shop.driver))?;
        shops.push(AuditedShop { mode: shop.driver.mode(), driver: shop.driver, audit });
    }
    let verdict = Verdict::of_all(shops.iter().flat_map(|shop| &shop.audit).map(|audit| audit.verdict));
    let audited = Audited { schema: "cleave.audit/1", verdict, shops };
    match json {
        Some(target) => output::json(target, &audited)?,
        None => {
            terminal::say_part!("{}", warnings(state.shops.iter().map(|shop| shop.driver), &state.flaws));
            terminal::say_part!("{}", audited.tables());
        }
    }
    Ok(verdict)
}

impl Audited {
    /// One table per shop, under its driver.
    fn tables(&self) -> String {
        self.shops.iter().map(|shop| format!("{}\n{}\n\n", shop.driver, shop.table())).collect()
    }
}

impl AuditedShop {
    fn table(&self) -> Table {
        let mut table = Table::new();
        table
            .load_style(presets::UTF8_HORIZONTAL_ONLY)
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_header([words::invariant(), words::verdict(), words::evidence()]);
        let width = table.width().unwrap_or(WIDTH);
        table.set_width(width);
        for audit in &self.audit {
            table.add_row([
                format!("{} {}", audit.invariant, audit.title),
                verdict_words(audit.verdict),
                audit.evidence.to_string(),
            ]);
        }
        table
    }
}

/// Whether the shop's entrance responds that it is ready.
async fn is_ready(address: &str) -> bool {
    let Ok(client) = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build() else {
        return false;
    };
    let answer = client.get(format!("{address}/health/ready")).send().await;
    answer.is_ok_and(|response| response.status().is_success())
}
