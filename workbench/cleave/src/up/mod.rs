//! `cleave up`, and the commands that read or stop what it runs.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use chrono::Utc;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::RwLock;

use control::{Claim, Control, LOGS, SEED, Stage, UpState, WantedShops};

use servers::guard::Guard;

use crate::{logs, words};
use report::warnings;
use servers::process_tree::start_time;
use shop::Shop;
use shop::seed::{Goods, customer, sku};
use shop::shared::Shared;
use terminal::language::seconds;
use topology::Mode;

mod audit;
mod load;
mod page;
mod status;

pub use audit::{audit, subjects};
use page::Page;
pub use status::{health, status};

/// How long `down` waits for `up` to end.
const DOWN: Duration = Duration::from_secs(60);

/// The source of the load.
pub enum Load {
    /// No load: only the user sends orders.
    None,
    /// `cleave up` itself, at this rate to each shop.
    Own { rate_per_s: f64 },
    /// The dashboard.
    Page(dashboard::DashboardOptions),
}

/// Starts the shops and stays until `stop` is done.
pub async fn run(
    folder: &Path,
    wanted: &WantedShops,
    load: &Load,
    stop: impl Future<Output = ()>,
) -> Result<()> {
    let WantedShops { drivers, flaws, .. } = wanted;
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
    let mut state = UpState {
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
    let (stage, shops) = (Shared::new(stage), Shared::new(RwLock::new(supervised)));
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
    let shops = shops.take_back().await.with_context(|| words::still_in_use(words::shop()))?;
    for (_, supervisor) in shops.into_inner() {
        released.push(supervisor.release().await?);
    }
    let stage = stage.take_back().await.with_context(|| words::still_in_use(words::shop()))?;
    let infra = stage
        .infra
        .take_back()
        .await
        .with_context(|| words::still_in_use("PostgreSQL, RabbitMQ"))?
        .into_inner();
    for shop in released {
        shop.stop(&infra).await?;
    }
    infra.stop().await
}

async fn start(guard: &Guard, folder: &Path, wanted: &WantedShops) -> Result<(Stage, Vec<Shop>)> {
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
        Mode::Hybrid => words::decided_if_at_home(),
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

/// Prints the logs of the running shops, or of the last ones.
pub async fn logs(folder: &Path, wanted: &logs::LogQuery) -> Result<()> {
    logs::run(&folder.join(LOGS), wanted).await
}

/// Stops the running shops, and waits until they have stopped.
pub async fn down(folder: &Path) -> Result<u8> {
    let Some(state) = UpState::read(folder)? else {
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
