//! `cleave up`: a shop to play with, and what the other commands do with one that is up.

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

use audit::{Expected, Subject};
use control::{Claim, Control, LOGS, ProcessState, SEED, ShopState, Stage, State, Wanted, client_of};

use servers::busy::{self, Busy};
use servers::guard::Guard;

use crate::logs;
use audit::{Audit, Verdict};
use report::{verdict_words, warnings};
use servers::process_tree::start_time;
use shop::last_owner::last_owner;
use shop::seed::{Goods, customer, sku};
use shop::{Shop, drain};
use terminal::output;
use topology::{Driver, Mode, ShopHandle};

mod page;

use page::Page;

/// How long `audit` waits for orders that are on their way.
const SETTLE: Duration = Duration::from_secs(10);
/// The width of a table where the output is not a terminal.
const WIDTH: u16 = 110;
/// How long `down` waits for `up` to end.
const DOWN: Duration = Duration::from_secs(60);

/// Starts the shops and stays until `stop` is done.
///
/// With `page` they are shown in a web page too.
pub async fn run(
    folder: &Path,
    wanted: &Wanted,
    page: Option<&dashboard::Options>,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let Wanted { drivers, flaws, .. } = wanted;
    let claim = Claim::take(folder)?;
    let guard = Guard::start()?;
    tokio::pin!(stop);
    let starting = start(&guard, folder, wanted);
    let (stage, shops) = tokio::select! {
        started = starting => started?,
        // What was started by then is dropped with the other branch, and dropping ends it.
        () = &mut stop => {
            terminal::note!("interrupted; stopping everything");
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
    terminal::note!("Ctrl-C stops everything, and so does `cleave down` from elsewhere.");
    let page = page.map(|options| Page::start(folder, options)).transpose()?;
    stop.await;
    terminal::note!("Stopping");
    if let Some(page) = page {
        page.end().await;
    }
    stage.withdraw();
    control.close().await;
    let mut released = Vec::new();
    for (_, supervisor) in last_owner(shops).await.context("something still works on the shops")?.into_inner()
    {
        released.push(supervisor.release().await?);
    }
    let stage = last_owner(stage).await.context("a shop is still being replaced")?;
    let infra = last_owner(stage.infra).await.context("something still works on the servers")?.into_inner();
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

/// Addresses, and an order that works.
fn what_to_try(shop: &Shop) -> String {
    let Shop { driver, address, ready_ms, .. } = shop;
    let (customer, sku, price) = (customer(0), sku(0), Goods::new(SEED).price(0));
    let answer = match driver.mode() {
        Mode::Monolith => "201: the decision is in the answer",
        Mode::Split => "202: pending; ask again at its Location, or add  -H 'prefer: wait=5'",
    };
    format!(
        "{driver} is at {address} (ready in {:.1} s); its API: {address}/docs/
  curl -i {address}/products/{sku}
  curl -i {address}/wallets/{customer}
  curl -i {address}/orders -H 'content-type: application/json' -H \"idempotency-key: $(date +%s%N)\" \\
    -d '{{\"customer_id\":\"{customer}\",\"region\":\"seoul\",\"lines\":[{{\"sku\":\"{sku}\",\"quantity\":1,\"unit_price\":{price}}}]}}'
    ({answer})
",
        ready_ms / 1000.0
    )
}

/// What `status` prints. No URLs of databases: they hold passwords.
#[derive(Serialize)]
struct Status {
    schema: &'static str,
    running: bool,
    /// Rules that every shop leaves out on purpose.
    flaws: Vec<String>,
    /// What says that the machine has more to do than it can; null where nothing does.
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

/// Tells what is up. Answers the exit status: 0 something is, 2 nothing is.
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
                terminal::say!("{busy}; what is slow now may be the machine and not the shop");
            }
        }
        None => terminal::say!("nothing is running; start a shop with `cleave up`"),
    }
    Ok(if running { 0 } else { 2 })
}

impl Status {
    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_HORIZONTAL_ONLY);
        table.set_header(["mode", "process", "ready", "pid", "restarts", "CPU, s", "memory, MB"]);
        for shop in &self.shops {
            let ready = if shop.ready { "yes" } else { "no" };
            table.add_row([&shop.driver.to_string(), &shop.address, ready]);
            for process in &shop.processes {
                table.add_row([
                    String::new(),
                    process.name.clone(),
                    if process.ready { "yes" } else { "no" }.to_owned(),
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

/// What cannot be read is no zero.
fn figure(read: Option<String>) -> String {
    read.unwrap_or_else(|| "–".to_owned())
}

/// Prints the logs of what is up, or of what was up last.
pub async fn logs(folder: &Path, wanted: &logs::Wanted) -> Result<()> {
    logs::run(&folder.join(LOGS), wanted).await
}

/// Stops what is up, and waits until it has stopped.
pub async fn down(folder: &Path) -> Result<u8> {
    let Some(state) = State::read(folder)? else {
        terminal::say!("nothing is running");
        return Ok(0);
    };
    // The state names a process by its id and its start, so this is no stranger that got the id since.
    kill(Pid::from_raw(state.pid.cast_signed()), Signal::SIGTERM)
        .with_context(|| format!("cannot stop `cleave up`, which is process {}", state.pid))?;
    let deadline = Instant::now() + DOWN;
    while state.lives() {
        if Instant::now() > deadline {
            bail!("`cleave up`, process {}, has not ended after {DOWN:?}", state.pid);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    terminal::say!("stopped");
    Ok(0)
}

/// What there is to audit of what is up.
pub fn subjects(folder: &Path) -> Result<Vec<Subject>> {
    let state = control::running(folder)?;
    Ok(state.shops.into_iter().map(subject).collect())
}

fn subject(shop: ShopHandle) -> Subject {
    // A person who plays with a shop has no plan that the shop could be held to.
    Subject { shop, expected: Expected::default() }
}

/// What `audit` prints.
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

/// Audits what is up, once it has come to rest.
pub async fn audit(folder: &Path, json: Option<&str>) -> Result<Verdict> {
    let state = control::running(folder)?;
    let mut shops = Vec::new();
    for shop in &state.shops {
        if let Err(error) = drain(&shop.databases, shop.driver, SETTLE).await {
            terminal::note!("{error}");
        }
        let audit = audit::audit(&subject(shop.clone())).await.with_context(|| {
            format!(
                "{} could not be audited: it needs its databases and its broker up. If a fault holds one down, `cleave heal` \
                 ends it; then ask again",
                shop.driver
            )
        })?;
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
    /// A table a shop, under its driver.
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
            .set_header(["invariant", "verdict", "evidence"]);
        let width = table.width().unwrap_or(WIDTH);
        table.set_width(width);
        for audit in &self.audit {
            table.add_row([
                format!("{} {}", audit.invariant, audit.title),
                verdict_words(audit.verdict).to_owned(),
                audit.evidence.clone(),
            ]);
        }
        table
    }
}

/// Whether the door of a shop answers that it is ready.
async fn is_ready(address: &str) -> bool {
    let Ok(client) = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build() else {
        return false;
    };
    let answer = client.get(format!("{address}/health/ready")).send().await;
    answer.is_ok_and(|response| response.status().is_success())
}
