//! `cleave up --rate`: sends orders to the running shops, by the same process and in the same mix as the dashboard.

use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use chrono::Utc;

use crate::words;
use control::UpState;
use dashboard::load::{LoadProcess, WantedLoad};

/// The interval for checking which shops are up: a replaced shop has a new address.
const LOOK: Duration = Duration::from_secs(1);

/// Sends this many orders per second to each running shop, until `stop` is done.
pub(super) async fn send(folder: &Path, rate_per_s: f64, stop: impl Future<Output = ()>) {
    terminal::note!("{}", words::sending(rate_per_s));
    tokio::pin!(stop);
    tokio::select! {
        () = &mut stop => {}
        Err(why) = keep_sending(folder, rate_per_s) => {
            terminal::note!("{}", words::no_more_orders(format!("{why:#}")));
            stop.await;
        }
    }
}

async fn keep_sending(folder: &Path, rate_per_s: f64) -> Result<()> {
    let wanted = WantedLoad::new(rate_per_s);
    let mut process = LoadProcess::start()?;
    let mut clock = tokio::time::interval(LOOK);
    loop {
        clock.tick().await;
        let shops = UpState::read(folder)?.map(|state| state.shops).unwrap_or_default();
        let shops = shops.into_iter().map(|shop| (shop.driver, shop.address)).collect();
        process.follow(wanted.plan(Utc::now(), shops)).await?;
        // The reports are not shown, and must not pile up.
        process.take();
    }
}
