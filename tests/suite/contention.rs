//! Many requests at the same moment.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use futures_util::{StreamExt, stream};
use load::client::{Answer, Decision, Sender};
use load::mix::{Intended, Order};
use serde_json::{Value, json};
use tests::{Body, World};
use uuid::Uuid;

use tests::{Goods, Line, order};

/// Buyers at the same moment.
const CROWD: usize = 20;

/// Buyers of a single unit.
const BUYERS: usize = 500;

/// How many of their requests run at a time. Each waits for the decision.
const CONNECTIONS: usize = 100;

/// The number of rounds in every run of the suite, and in a full run.
pub const ROUNDS: usize = 3;
pub const ROUNDS_IN_FULL: usize = 100;

/// Places these orders at once, and counts how they ended.
async fn outcomes(world: &World, orders: Vec<Value>) -> Result<BTreeMap<String, usize>> {
    let mut outcomes = BTreeMap::new();
    for decided in try_join_all(orders.iter().map(|order| world.decided(order))).await? {
        let outcome = decided["refusal"]["code"].as_str().or(decided["status"].as_str()).unwrap_or_default();
        *outcomes.entry(outcome.to_owned()).or_default() += 1;
    }
    Ok(outcomes)
}

fn counted<const N: usize>(outcomes: [(&str, usize); N]) -> BTreeMap<String, usize> {
    outcomes.into_iter().map(|(outcome, orders)| (outcome.to_owned(), orders)).collect()
}

pub async fn one_key_at_the_same_moment_is_one_order(world: &World) -> Result<()> {
    let (sku, customer) =
        (world.product(Goods { price: 10, pieces: 50 }).await?, world.customer(1000).await?);
    let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]);
    for _ in 0..3 {
        let key = Uuid::new_v4().to_string();
        let answers = try_join_all((0..CROWD).map(|_| world.order(&key, &body))).await?;
        let mut location = None;
        for answer in answers {
            if answer.status == 409 {
                answer.is_problem(409, "idempotency_key_busy")?;
                continue;
            }
            ensure!([200, 201, 202].contains(&answer.status), "{}: {}", answer.status, answer.text);
            let found = answer.header("location").to_owned();
            ensure!(*location.get_or_insert(found.clone()) == found, "one key has two orders");
        }
        world.decision(&location.unwrap_or_default()).await?;
    }
    ensure!(world.on_hand(&sku).await? == 47, "three keys did not buy three units");
    ensure!(world.balance(&customer).await? == 970);
    Ok(())
}

pub async fn the_last_piece_goes_to_one_buyer(world: &World) -> Result<()> {
    let sku = world.product(Goods { price: 10, pieces: 1 }).await?;
    let customers = try_join_all((0..CROWD).map(|_| world.customer(10))).await?;
    let orders = customers
        .iter()
        .map(|customer| order(customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]))
        .collect();
    let outcomes = outcomes(world, orders).await?;
    ensure!(outcomes == counted([("confirmed", 1), ("out_of_stock", CROWD - 1)]), "{outcomes:?}");
    ensure!(world.on_hand(&sku).await? == 0);
    let left = try_join_all(customers.iter().map(|customer| world.balance(customer))).await?;
    ensure!(left.iter().sum::<i64>() == 10 * (CROWD as i64 - 1), "{left:?}");
    Ok(())
}

pub async fn the_last_coin_is_spent_once(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 100 }).await?, world.customer(35).await?);
    let orders =
        (0..CROWD).map(|_| order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }])).collect();
    let outcomes = outcomes(world, orders).await?;
    ensure!(outcomes == counted([("confirmed", 3), ("insufficient_funds", CROWD - 3)]), "{outcomes:?}");
    ensure!((world.balance(&customer).await?, world.on_hand(&sku).await?) == (5, 97));
    Ok(())
}

pub async fn a_sale_is_not_oversold(world: &World) -> Result<()> {
    let (sku, customer) =
        (world.product(Goods { price: 10, pieces: 100 }).await?, world.customer(1000).await?);
    let sale = serde_json::json!({ "price": 6, "quota": 5 });
    world.put(serde_json::json!([{ "sku": sku, "name": "A thing", "price": 10, "sale": sale }])).await?;
    let orders =
        (0..CROWD).map(|_| order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 6 }])).collect();
    let outcomes = outcomes(world, orders).await?;
    ensure!(outcomes == counted([("confirmed", 5), ("sale_sold_out", CROWD - 5)]), "{outcomes:?}");
    ensure!(world.on_hand(&sku).await? == 95);
    Ok(())
}

pub async fn crossed_orders_do_not_deadlock(world: &World) -> Result<()> {
    let (a, b) = (
        world.product(Goods { price: 1, pieces: 100 }).await?,
        world.product(Goods { price: 1, pieces: 100 }).await?,
    );
    let customers = try_join_all((0..CROWD).map(|_| world.customer(10))).await?;
    let orders = customers.iter().enumerate().map(|(n, customer)| {
        let mut lines = [&a, &b].map(|sku| Line { sku, pieces: 1, price: 1 });
        if n % 2 == 1 {
            lines.reverse();
        }
        order(customer, "seoul", &lines)
    });
    let outcomes = outcomes(world, orders.collect()).await?;
    ensure!(outcomes == counted([("confirmed", CROWD)]), "{outcomes:?}");
    ensure!((world.on_hand(&a).await?, world.on_hand(&b).await?) == (80, 80));
    Ok(())
}

pub async fn one_unit_and_five_hundred_buyers(world: &World) -> Result<()> {
    each_unit_goes_to_one(world, ROUNDS).await
}

pub async fn one_unit_and_five_hundred_buyers_in_full(world: &World) -> Result<()> {
    each_unit_goes_to_one(world, ROUNDS_IN_FULL).await
}

/// In each round there is one unit of a new product, and everyone orders it.
async fn each_unit_goes_to_one(world: &World, rounds: usize) -> Result<()> {
    let crowd = Uuid::new_v4().simple();
    let buyers: Vec<String> = (0..BUYERS).map(|n| format!("buyer-{crowd}-{n}")).collect();
    let deposit =
        |buyer| json!({ "deposit_id": Uuid::new_v4(), "customer_id": buyer, "amount": 10 * rounds });
    let deposits = Body::Json(buyers.iter().map(deposit).collect());
    world.send("POST", "/wallets/deposits", &[], deposits).await?.expect(204)?;

    let sender = Sender::new(&world.address, true)?;
    for round in 0..rounds {
        let sku = world.product(Goods { price: 10, pieces: 1 }).await?;
        let wanted = buyers.iter().map(|buyer| one_of(&sku, buyer)).collect::<Result<Vec<_>>>()?;
        let sent = wanted.iter().map(|order| sender.send(order, sender.started().elapsed()));
        let samples: Vec<_> = stream::iter(sent).buffer_unordered(CONNECTIONS).collect().await;
        let mut outcomes: BTreeMap<String, usize> = BTreeMap::new();
        for sample in samples {
            let outcome = match sample.answer {
                Answer::Accepted(_, Some(Decision::Confirmed)) => "confirmed".to_owned(),
                Answer::Accepted(_, Some(Decision::Refused(code))) => code.to_string(),
                answer => format!("{answer:?}"),
            };
            *outcomes.entry(outcome).or_default() += 1;
        }
        let one_sale = counted([("confirmed", 1), ("out_of_stock", BUYERS - 1)]);
        ensure!(outcomes == one_sale, "round {round}: {outcomes:?}");
        ensure!(world.on_hand(&sku).await? == 0, "round {round}: the unit is still there");
    }
    Ok(())
}

fn one_of(sku: &str, buyer: &str) -> Result<Order> {
    let body = serde_json::from_value(order(buyer, "seoul", &[Line { sku, pieces: 1, price: 10 }]))?;
    Ok(Order { key: Uuid::new_v4().to_string(), body, intended: Intended::Confirmed })
}
