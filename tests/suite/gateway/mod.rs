//! The gateway: instances behind it come, go, hang and die, and clients notice as little as possible.

mod asking;
mod refused;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use audit::Expected;
use reqwest::StatusCode;
use serde_json::{Value, json};
use tests::{DELIVERIES, Driver, Stage, World};
use topology::SERVICES;

use asking::{Asking, Question, Seen};
pub use refused::values_that_are_refused_are_no_failure;
use tests::{Goods, Line, order};

/// The registry's default: an instance without a heartbeat for this long is silent.
const TIME_TO_LIVE: Duration = Duration::from_millis(1000);

/// Each measurement is repeated, because a single one could be luck.
const ROUNDS: usize = 3;

/// Responses that are waited for, so that clients meet each state of a service more than once.
const SEVERAL: usize = 10;

/// The next value for `gateway.concurrency`. Each is used once, so that it can be recognised.
static PERMITS: AtomicU64 = AtomicU64::new(1001);

/// A service as the gateway sees it.
async fn dependency(world: &World, service: &str) -> Result<Value> {
    let all = reqwest::get(format!("{}/health/dependencies", world.address)).await?.json::<Value>().await?;
    let found = all.as_array().into_iter().flatten().find(|dependency| dependency["service"] == service);
    found.cloned().with_context(|| format!("{service} is missing in {all}"))
}

/// Waits until the breaker of a service is in this state, and returns how long that took.
async fn until_breaker(world: &World, service: &str, state: &str) -> Result<Duration> {
    let began = Instant::now();
    tests::eventually(&format!("the breaker of {service} is {state}"), async || {
        Ok((dependency(world, service).await?["breaker"]["state"] == state).then(|| began.elapsed()))
    })
    .await
}

/// Waits until an open breaker has let a request through, which failed, so that it opened again.
async fn until_a_probe_fails(world: &World, service: &str) -> Result<()> {
    let turns = async || {
        let breaker = dependency(world, service).await?["breaker"].clone();
        anyhow::Ok((breaker["state"] == "open", breaker["since"].clone()))
    };
    let (_, before) = turns().await?;
    tests::eventually(&format!("a probe of {service} fails"), async || {
        let (open, since) = turns().await?;
        Ok((open && since != before).then_some(()))
    })
    .await
}

/// Sets a setting and waits until the gateway has received it. The gateway receives all settings together but
/// shows only one of them, `gateway.concurrency`, so this changes, too.
async fn set(world: &World, name: &str, value: u64) -> Result<()> {
    const SHOWN: &str = "gateway.concurrency";
    world.shop().await.set(name, value).await?;
    let permits = if name == SHOWN { value } else { PERMITS.fetch_add(1, Ordering::Relaxed) };
    world.shop().await.set(SHOWN, permits).await?;
    tests::eventually(&format!("the gateway has received {name}"), async || {
        let url = format!("{}/health/dependencies", world.address);
        let all = reqwest::get(url).await?.json::<Vec<Value>>().await?;
        Ok(all.iter().all(|dependency| dependency["permits"]["limit"] == permits).then_some(()))
    })
    .await
}

/// Restores the defaults that every world of the suite overrides.
async fn with_defaults(world: &World) -> Result<()> {
    let settings = format!("{}/settings", world.shop().await.address_of("registry")?);
    let settings = reqwest::get(settings).await?.json::<Value>().await?;
    for name in ["gateway.timeout_ms", "gateway.write_timeout_ms"] {
        let default = settings[name]["default"].as_u64().with_context(|| format!("{name} has a default"))?;
        set(world, name, default).await?;
    }
    Ok(())
}

pub async fn a_service_that_hangs_is_cut_off_and_taken_back(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world_of_one(Driver::Orchestrated, infrastructure, DELIVERIES).await?;
    with_defaults(&world).await?;
    let sku = world.product(Goods { price: 5, pieces: 100 }).await?;
    let stock = Asking::start(&world, Question::Get(format!("/stock/{sku}")));
    let browsing = Asking::start(&world, Question::Get(format!("/products/{sku}")));
    let (mut detected, mut recovered) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        stock.proceed(SEVERAL).await?;
        world.shop().await.pause("inventory").await?;
        detected.push(until_breaker(&world, "inventory", "open").await?);
        let at_once = |seen: &Seen| seen.status == Some(StatusCode::SERVICE_UNAVAILABLE);
        stock.until(SEVERAL, "refused at once", at_once).await?;
        browsing.proceed(SEVERAL).await.context("browsing, while another service hangs")?;
        until_a_probe_fails(&world, "inventory").await?;
        world.shop().await.resume("inventory")?;
        recovered.push(until_breaker(&world, "inventory", "closed").await?);
    }
    println!("a hanging service: breaker open after {detected:?}, closed after {recovered:?}");
    browsing.finish_well().await?;
    stock.finish().await?;
    world.still_works().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

pub async fn a_killed_instance_leaves_rotation(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(Driver::Orchestrated, infrastructure).await?;
    let sku = world.product(Goods { price: 5, pieces: 100 }).await?;
    let registry = format!("{}/instances", world.shop().await.address_of("registry")?);
    let knows = async |instance: &str| {
        let known = reqwest::get(&registry).await?.json::<Value>().await?;
        anyhow::Ok(known.as_array().into_iter().flatten().any(|known| known["instance"] == instance))
    };
    let asking = Asking::start(&world, Question::Get(format!("/stock/{sku}")));
    let mut times = Vec::new();
    for _ in 0..ROUNDS {
        let second = world.shop().await.add("inventory").await?;
        tests::eventually("the second instance is registered", async || {
            Ok(knows(&second).await?.then_some(()))
        })
        .await?;
        asking.proceed(SEVERAL).await?;
        world.shop().await.kill(&second)?;
        let killed = Instant::now();
        let forgotten = async || Ok((!knows(&second).await?).then(|| killed.elapsed()));
        times.push(tests::eventually(&format!("{second} is removed"), forgotten).await?);
        world.shop().await.remove(&second).await?;
    }
    let asked = asking.finish_well().await?;
    world.still_works().await?;
    println!("a killed instance: out after {times:?}, {asked} requests and none failed");
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

pub async fn a_rolling_replacement_loses_no_request(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let split = stage.new_world_of_one(Driver::Orchestrated, infrastructure, DELIVERIES).await?;
    roll(&split, &["orders", "inventory"]).await.context("services")?;
    stage.close(split, infrastructure, Expected::default()).await?;
    for driver in [Driver::Local, Driver::TwoPhase] {
        let monolith = stage.new_world_behind_gateway(driver, infrastructure).await?;
        roll(&monolith, &["monolith"]).await.with_context(|| driver.to_string())?;
        stage.close(monolith, infrastructure, Expected::default()).await?;
    }
    Ok(None)
}

/// Replaces each of these by a new instance, twice, under load.
async fn roll(world: &World, names: &[&str]) -> Result<()> {
    let (sku, customer) =
        (world.product(Goods { price: 5, pieces: 100_000 }).await?, world.customer(1_000_000).await?);
    // Otherwise a retry could hide a failed request.
    set(world, "gateway.retry_budget_percent", 0).await?;
    let orders = Asking::start(
        world,
        Question::Order(order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 5 }])),
    );
    let stock = Asking::start(world, Question::Get(format!("/stock/{sku}")));
    let mut times = Vec::new();
    for name in names {
        let mut old = (*name).to_owned();
        for _ in 0..2 {
            orders.proceed(2).await?;
            stock.proceed(SEVERAL).await?;
            let began = Instant::now();
            let new = world.shop().await.add(&old).await?;
            world.shop().await.remove(&old).await?;
            times.push(began.elapsed());
            old = new;
        }
    }
    orders.proceed(2).await?;
    stock.proceed(SEVERAL).await?;
    let (orders, stock) = (orders.finish_well().await?, stock.finish_well().await?);
    println!("{}: replaced in {times:?}, {orders} orders and {stock} reads, none failed", world.driver);
    world.still_works().await
}

pub async fn browsing_goes_on_without_the_catalog(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world_of_one(Driver::Orchestrated, infrastructure, DELIVERIES).await?;
    let sku = world.product(Goods { price: 5, pieces: 1 }).await?;
    let path = format!("/products/{sku}");
    let fresh = world.get(&path).await?.expect(200)?;
    ensure!(fresh.header("cleave-degraded").is_empty(), "a fresh response is marked as stale");
    world.shop().await.kill("catalog")?;
    for _ in 0..20 {
        let stale = world.get(&path).await?.expect(200)?;
        ensure!(stale.header("cleave-degraded") == "stale" && !stale.header("age").is_empty());
        ensure!(stale.json == fresh.json, "{} instead of {}", stale.json, fresh.json);
    }
    world.get("/products/never-seen").await?.is_problem(503, "unavailable")?;
    world.get(&format!("/stock/{sku}")).await?.expect(200)?;
    world.shop().await.restart("catalog").await?;
    tests::eventually("responses are fresh again", async || {
        let answer = world.get(&path).await?.expect(200)?;
        Ok(answer.header("cleave-degraded").is_empty().then_some(()))
    })
    .await?;
    world.still_works().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

pub async fn the_shop_goes_on_without_its_registry(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(Driver::Orchestrated, infrastructure).await?;
    let sku = world.product(Goods { price: 5, pieces: 100 }).await?;
    set(&world, "breaker.failures", 9).await?;
    let asking = Asking::start(&world, Question::Get(format!("/stock/{sku}")));
    for pause in [true, false] {
        {
            let mut shop = world.shop().await;
            if pause {
                shop.pause("registry").await?
            } else {
                shop.kill("registry")?
            };
        }
        // The pause is the scenario: the registry is silent for longer than any instance may be.
        tokio::time::sleep(2 * TIME_TO_LIVE).await;
        world.still_works().await?;
        {
            let mut shop = world.shop().await;
            if pause {
                shop.resume("registry")?
            } else {
                shop.restart("registry").await?
            };
        }
        tests::eventually("all instances are registered again", async || {
            let shop = world.shop().await;
            let instances = format!("{}/instances", shop.address_of("registry")?);
            let known = reqwest::get(instances).await?.json::<Value>().await?;
            Ok((known.as_array().map_or(0, Vec::len) == 2 * SERVICES.len()).then_some(()))
        })
        .await?;
    }
    asking.proceed(SEVERAL).await?;
    asking.finish_well().await?;
    let settings = format!("{}/settings", world.shop().await.address_of("registry")?);
    let settings = reqwest::get(settings).await?.json::<Value>().await?;
    ensure!(settings["breaker.failures"]["value"] == 9, "the registry lost a setting: {settings}");
    world.still_works().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// What the shared worlds check on a split shop and on a monolith, with a gateway in front of two monoliths.
pub async fn a_path_has_one_reading_before_monoliths(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for driver in [Driver::Local, Driver::TwoPhase] {
        let world = stage.new_world_behind_gateway(driver, infrastructure).await?;
        let second = world.shop().await.add("monolith").await?;
        let registry = format!("{}/instances", world.shop().await.address_of("registry")?);
        tests::eventually("both instances are registered", async || {
            let known = reqwest::get(&registry).await?.json::<Value>().await?;
            let known = known.as_array().into_iter().flatten();
            Ok((known.filter(|known| known["service"] == "monolith").count() == 2).then_some(()))
        })
        .await
        .with_context(|| second.clone())?;
        crate::edge::a_path_has_one_reading(&world).await.with_context(|| driver.to_string())?;
        stage.close(world, infrastructure, Expected::default()).await?;
    }
    Ok(None)
}

pub async fn settings_are_followed(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world_of_one(Driver::Orchestrated, infrastructure, DELIVERIES).await?;
    let sku = world.product(Goods { price: 5, pieces: 100 }).await?;
    let permits = dependency(&world, "inventory").await?["permits"]["limit"].clone();
    set(&world, "gateway.concurrency", 7).await?;
    let now = dependency(&world, "inventory").await?["permits"]["limit"].clone();
    ensure!((permits, &now) == (json!(1000), &json!(7)), "{now}");

    set(&world, "gateway.timeout_ms", 60_000).await?;
    set(&world, "breaker.failures", 2).await?;
    world.shop().await.pause("inventory").await?;
    let patient = tokio::spawn(reqwest::get(format!("{}/stock/{sku}", world.address)));
    tests::eventually("a request waits", async || {
        Ok((dependency(&world, "inventory").await?["permits"]["in_use"] == 1).then_some(()))
    })
    .await?;
    // Later requests get the shorter time-outs. Two time-outs are two failures, and together they are more
    // than 2 s without any answer.
    for timeout in [200, 3000] {
        set(&world, "gateway.timeout_ms", timeout).await?;
        let began = Instant::now();
        world.get(&format!("/stock/{sku}")).await?.is_problem(504, "outcome_unknown")?;
        ensure!(began.elapsed() >= Duration::from_millis(timeout), "it waited {:?}", began.elapsed());
    }
    world.get(&format!("/stock/{sku}")).await?.is_problem(503, "unavailable")?;
    ensure!(!patient.is_finished(), "the new time-out applied to an older request");
    world.shop().await.resume("inventory")?;
    let waited = patient.await??;
    ensure!(waited.status() == StatusCode::OK, "{waited:?}");
    // A breaker only changes state when a request arrives.
    tests::eventually("the service is used again", async || {
        Ok((world.get(&format!("/stock/{sku}")).await?.status == 200).then_some(()))
    })
    .await?;
    world.still_works().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}
