//! A message may arrive more than once: twice in all other cases, and ten times here.

use std::sync::Arc;

use anyhow::{Result, anyhow};
use audit::Expected;
use tests::{Driver, Load, Mix, Stage};

/// How often every message is published.
const TIMES: u8 = 10;
/// Customers at the same moment.
const CLIENTS: u64 = 8;
/// Enough orders for many of each outcome.
const ORDERS: u64 = 150;

pub async fn every_message_ten_times_has_no_extra_effect(stage: &Stage, driver: Driver) -> Result<()> {
    let infrastructure = stage.infrastructure().await?;
    let world = Arc::new(stage.new_world_of(driver, infrastructure, TIMES).await?);
    let mix = Mix::prepare(&world).await?;
    let load = Load::start(&world, &mix, CLIENTS);
    load.proceed(ORDERS).await?;
    let expected = Expected {
        accepted: Some(load.finish().await?),
        outcomes: Mix::OUTCOMES.map(String::from).to_vec(),
        min_per_outcome: 10,
        ..Expected::default()
    };
    let world = Arc::into_inner(world).ok_or_else(|| anyhow!("a client still runs"))?;
    stage.close(world, infrastructure, expected).await
}
