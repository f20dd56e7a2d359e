//! The experiments: disturbances that make a flaw show. None of them knows whether the shop has the flaw.

use std::time::Duration;

use anyhow::Result;
use diesel_async::SimpleAsyncConnection;
use serde_json::Value;

use super::client::order;
use super::scene::{BOUND, Scene};

use faults::tap::{self, Tap};

/// How long a process may take to reach its crash point.
const FIRE: Duration = Duration::from_secs(60);
/// How long the relay may take to publish what is in its outbox, or to get it refused: it polls every 100 ms.
const PUBLISHED: Duration = Duration::from_secs(1);
/// The orchestrator's time limit for an answer, in seconds, in experiments that should not wait for the usual one.
const ANSWER_WITHIN: u64 = 2;
/// By then it has looked for overdue answers: it looks every second.
const OVERDUE: Duration = Duration::from_secs(ANSWER_WITHIN + 3);
/// How long transactions wait for their decision: recovery looks every second, and a lock is given up after five.
const WITHOUT_DECISION: Duration = Duration::from_millis(2_500);

/// A disturbance.
#[derive(Debug, Clone, Copy)]
pub(super) enum Experiment {
    /// A process crashes at a crash point while it handles orders, and is restarted; several times.
    Crash { process: &'static str, point: &'static str, rounds: usize },
    /// Many orders at the same time.
    Crowd,
    /// The inventory's queue is full for a moment.
    FullQueue,
    /// The inventory's queue is unbound for a moment.
    NoQueue,
    /// A message arrives a second time, long after the first.
    LateDuplicate,
    /// An unreadable message.
    Poison,
    /// A command arrives after the one that undoes it.
    LateCommand,
    /// The orders service runs twice.
    TwoInstances,
    /// An answer takes longer than the time limit.
    SlowAnswer,
    /// Many buyers of the last units.
    LastPieces,
    /// Many orders of the same popular products.
    PopularProducts,
    /// Prepared transactions have to wait for their decision.
    SlowDecision,
}

impl Experiment {
    /// Whether the shop has the same processes and settings afterwards.
    pub(super) fn leaves_the_shop_as_it_was(self) -> bool {
        !matches!(self, Experiment::TwoInstances | Experiment::SlowAnswer)
    }

    /// Runs the disturbance, and returns when it is over: after that the shop only has to finish.
    pub(super) async fn run(self, scene: &mut Scene) -> Result<()> {
        match self {
            Experiment::Crash { process, point, rounds } => {
                for _ in 0..rounds {
                    crash(scene, process, point).await?;
                }
                Ok(())
            }
            Experiment::Crowd => crowd(scene, 300).await,
            Experiment::FullQueue => {
                let (url, namespace) = scene.broker()?;
                let tap = Tap::refusing(url, namespace, "inventory", "catalog.prices-honoured").await?;
                without_queue(scene, tap).await
            }
            Experiment::NoQueue => {
                let (url, namespace) = scene.broker()?;
                let tap = Tap::losing(url, namespace, "inventory", "catalog.prices-honoured").await?;
                without_queue(scene, tap).await
            }
            Experiment::LateDuplicate => late_duplicate(scene).await,
            Experiment::Poison => poison(scene).await,
            Experiment::LateCommand => late_command(scene).await,
            Experiment::TwoInstances => {
                scene.shop.add("orders").await?;
                crowd(scene, 150).await
            }
            Experiment::SlowAnswer => slow_answer(scene).await,
            Experiment::LastPieces => last_pieces(scene).await,
            Experiment::PopularProducts => popular_products(scene).await,
            Experiment::SlowDecision => slow_decision(scene).await,
        }
    }
}

async fn crash(scene: &mut Scene, process: &str, point: &str) -> Result<()> {
    scene.shop.restart_with(process, &["--crash-at".into(), point.into()]).await?;
    let (client, orders) = (scene.client.clone(), vec![scene.good_order(); 2]);
    // In parallel: a customer of a process that dies waits until it is back.
    let buying = tokio::spawn(async move { client.buy_all(orders, 2).await });
    let fired = scene.shop.wait_ended(process, FIRE).await.is_ok();
    scene.fault(format!("crash of {process} at {point}"), fired);
    match fired {
        true => scene.shop.restart(process).await?,
        false => scene.shop.restart_with(process, &[]).await?,
    }
    let bought = buying.await??;
    scene.accept(bought);
    Ok(())
}

async fn crowd(scene: &mut Scene, orders: usize) -> Result<()> {
    let (customers, products) = tokio::try_join!(scene.customers(8), scene.products(4))?;
    let order = |n: usize| order(&customers[n % 8], &[&products[n % 4]]);
    buy_all(scene, (0..orders).map(order).collect(), 32).await
}

async fn buy_all(scene: &mut Scene, orders: Vec<Value>, at_once: usize) -> Result<()> {
    let bought = scene.client.buy_all(orders, at_once).await?;
    scene.accept(bought);
    Ok(())
}

/// Orders reach the inventory while its queue cannot take them.
async fn without_queue(scene: &mut Scene, tap: Tap) -> Result<()> {
    buy_all(scene, vec![scene.good_order(); 4], 4).await?;
    let accepted = scene.expected.accepted.as_ref().map_or(0, Vec::len) as i64;
    let handled = "SELECT count(*) FROM chassis.inbox";
    scene.until(&scene.shop.databases.catalog, handled, |messages| messages >= accepted).await?;
    tokio::time::sleep(PUBLISHED).await;
    tap.remove().await
}

/// A product is sold out, an order of it is cancelled, and new units arrive. Then the message that the inventory
/// refused arrives again.
async fn late_duplicate(scene: &mut Scene) -> Result<()> {
    let mut tap = scene.hold("inventory", "catalog.prices-honoured").await?;
    let (sold_out, customer) = (scene.client.product(0).await?, scene.customers(1).await?);
    let refused = scene.buy(&order(&customer[0], &[&sold_out])).await?;
    tap.wait_for(1, BOUND).await?;
    tap.pass_and_keep().await?;
    scene.client.is_decided(refused, BOUND).await?;
    scene.client.receive(&sold_out, 5).await?;
    tap.repeat().await?;
    tap.remove().await?;
    scene.one_more_goes_through().await
}

async fn poison(scene: &mut Scene) -> Result<()> {
    let (url, namespace) = scene.broker()?;
    tap::put(url, &format!("{namespace}.inventory"), b"nobody can read this").await?;
    scene.expected.poison += 1;
    scene.one_more_goes_through().await
}

/// An order is cancelled for lack of money before the inventory receives the command to reserve for it.
async fn late_command(scene: &mut Scene) -> Result<()> {
    let tap = scene.hold("inventory", "inventory.reserve-stock").await?;
    let (poor, product) = (scene.client.customer(0).await?, scene.products(1).await?);
    let refused = scene.buy(&order(&poor, &[&product[0]])).await?;
    tap.wait_for(1, BOUND).await?;
    scene.client.is_decided(refused, BOUND).await?;
    tap.remove().await?;
    scene.one_more_goes_through().await
}

async fn slow_answer(scene: &mut Scene) -> Result<()> {
    let impatient = ["--answer-within".to_owned(), ANSWER_WITHIN.to_string()];
    scene.shop.restart_with("orders", &impatient).await?;
    let tap = scene.hold("shipping", "shipping.schedule-shipment").await?;
    let waiting = scene.buy(&scene.good_order()).await?;
    tap.wait_for(1, BOUND).await?;
    // A sound shop decides nothing while it waits.
    scene.client.is_decided(waiting, OVERDUE).await?;
    tap.remove().await?;
    scene.one_more_goes_through().await
}

async fn last_pieces(scene: &mut Scene) -> Result<()> {
    let customers = scene.customers(8).await?;
    for _ in 0..5 {
        let rare = scene.client.product(3).await?;
        let orders = (0..32).map(|n| order(&customers[n % 8], &[&rare])).collect();
        buy_all(scene, orders, 32).await?;
    }
    Ok(())
}

async fn popular_products(scene: &mut Scene) -> Result<()> {
    let (customers, products) = tokio::try_join!(scene.customers(8), scene.products(6))?;
    let popular: Vec<&str> = products.iter().map(String::as_str).collect();
    let orders = (0..24).map(|n| order(&customers[n % 8], &popular)).collect();
    buy_all(scene, orders, 8).await
}

/// The table of decisions is locked for longer than recovery's interval.
async fn slow_decision(scene: &mut Scene) -> Result<()> {
    let (customers, products) = tokio::try_join!(scene.customers(4), scene.products(4))?;
    // Waits until the decisions of earlier orders are deleted; otherwise deleting them would wait for the lock as well.
    let decisions = "SELECT count(*) FROM two_phase.decisions";
    scene.until(&scene.shop.databases.orders, decisions, |known| known == 0).await?;
    let mut connection = servers::connect(&scene.shop.databases.orders).await?;
    connection.batch_execute("BEGIN; LOCK TABLE two_phase.decisions IN EXCLUSIVE MODE").await?;
    let client = scene.client.clone();
    let orders = customers.iter().zip(&products).map(|(customer, product)| order(customer, &[product]));
    let orders: Vec<Value> = orders.collect();
    let buying = tokio::spawn(async move { client.buy_all(orders, 4).await });
    tokio::time::sleep(WITHOUT_DECISION).await;
    connection.batch_execute("COMMIT").await?;
    let bought = buying.await??;
    scene.accept(bought);
    Ok(())
}
