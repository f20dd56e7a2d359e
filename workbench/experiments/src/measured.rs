//! What a comparison and a benchmark of throughput share: a shop without history, and a load whose cost is measured.

use anyhow::Result;
use diesel_async::SimpleAsyncConnection;

use load::client::{Sample, Sender};
use load::{Arrivals, Window};
use report::measure::{Meter, Usage};
use servers::Infrastructure;
use servers::guard::Guard;
use shop::seed::Goods;
use shop::{Shop, ShopOptions};
use topology::Driver;

/// Starts a shop with the products of this seed.
pub(crate) async fn fresh_shop(
    guard: &Guard,
    driver: Driver,
    infra: &Infrastructure,
    options: &ShopOptions,
    seed: u64,
) -> Result<Shop> {
    let shop = Shop::start(guard, driver, infra, options).await?;
    Goods::new(seed).put_into(&shop).await?;
    // Every trial starts right after a checkpoint, because PostgreSQL writes whole pages to its log after one. On a
    // server that is not ours we may lack the permission to request one.
    let _ = servers::connect(infra.postgres.admin_url()).await?.batch_execute("CHECKPOINT").await;
    Ok(shop)
}

/// Sends the orders of a seed, and measures what the shop and its servers use in the window.
pub(crate) async fn metered_load(
    sender: &Sender,
    shop: &Shop,
    infra: &Infrastructure,
    arrivals: Arrivals,
    seed: u64,
    window: Window,
) -> Result<(Vec<Sample>, Usage)> {
    let mut meter = Meter::new(shop, infra).await?;
    let started = sender.started();
    tokio::try_join!(
        load::run(sender, arrivals, seed, window),
        meter.between(started + window.from, started + window.to),
    )
}
