//! The intended differences between the modes.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tests::{Answer, Body, World, eventually};
use uuid::Uuid;

use tests::{Goods, Line, order};

async fn place(world: &World, region: &str, headers: &[(&str, &str)]) -> Result<Answer> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 1 }).await?, world.customer(10).await?);
    let body = Body::Json(order(&customer, region, &[Line { sku: &sku, pieces: 1, price: 10 }]));
    let key = Uuid::new_v4().to_string();
    let headers: Vec<(&str, &str)> =
        [("idempotency-key", key.as_str())].iter().chain(headers).copied().collect();
    world.send("POST", "/orders", &headers, body).await
}

pub async fn an_order_is_answered_decided(world: &World) -> Result<()> {
    for (region, status) in [("seoul", "confirmed"), ("atlantis", "cancelled")] {
        let answer = place(world, region, &[]).await?.expect(201)?;
        ensure!(answer.json["status"] == status, "{}", answer.text);
        let found = world.get(answer.header("location")).await?.expect(200)?.json;
        ensure!(found["status"] == status, "the response said {status}, but now the order is {found}");
    }
    Ok(())
}

pub async fn an_order_is_answered_pending(world: &World) -> Result<()> {
    let answer = place(world, "seoul", &[]).await?.expect(202)?;
    ensure!(answer.json["status"] == "pending", "{}", answer.text);
    // A request must find its order undecided at least once, or this is no split shop.
    let seen_pending = async || {
        let answer = place(world, "seoul", &[]).await?.expect(202)?;
        let found = world.get(answer.header("location")).await?.expect(200)?.json;
        world.decision(answer.header("location")).await?;
        Ok((found["status"] == "pending").then_some(()))
    };
    eventually("a pending order can be seen", seen_pending).await?;
    world.decision(answer.header("location")).await?;
    Ok(())
}

/// A hybrid responds with the decision as long as every step was at home, and with 202 from the first that left.
pub async fn an_order_is_answered_once_it_is_known(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 1 }).await?, world.customer(10).await?);
    let (poor, away) = (world.customer(9).await?, world.driver.away());
    let body =
        |customer: &str, region, pieces, price| order(customer, region, &[Line { sku: &sku, pieces, price }]);
    // One refusal by each module, in the order of the plan.
    let refusals = [
        ("catalog", body(&customer, "seoul", 1, 9)),
        ("inventory", body(&customer, "seoul", 2, 10)),
        ("payments", body(&poor, "seoul", 1, 10)),
        ("shipping", body(&customer, "atlantis", 1, 10)),
    ];
    let mut status = 201;
    for (module, body) in refusals {
        if away.contains(&module) {
            status = 202;
        }
        let answer = world.order(&Uuid::new_v4().to_string(), &body).await?;
        ensure!(answer.status == status, "{module} refused: {} instead of {status}", answer.status);
        ensure!((answer.json["status"] == "cancelled") == (status == 201), "{}", answer.text);
        let decided = world.decision(answer.header("location")).await?;
        ensure!(decided["status"] == "cancelled", "{module} refused, but {decided}");
    }
    let confirmed = world.order(&Uuid::new_v4().to_string(), &body(&customer, "seoul", 1, 10)).await?;
    ensure!(confirmed.expect(202)?.json["status"] == "pending");
    Ok(())
}

pub async fn a_client_that_prefers_to_wait_gets_the_decision(world: &World) -> Result<()> {
    for (region, status) in [("seoul", "confirmed"), ("atlantis", "cancelled")] {
        let started = Instant::now();
        let answer = place(world, region, &[("prefer", "wait=30")]).await?.expect(201)?;
        ensure!(answer.json["status"] == status, "{}", answer.text);
        // This is no test of speed: 30 s is when the response is sent without a decision.
        ensure!(started.elapsed() < Duration::from_secs(30), "the response came only after the whole wait");
        let applied = answer.header("preference-applied");
        ensure!(applied.is_empty() || applied.starts_with("wait"), "{applied}");
    }
    Ok(())
}

pub async fn a_replay_of_a_pending_order_is_accepted(world: &World) -> Result<()> {
    let (sku, customer) =
        (world.product(Goods { price: 10, pieces: 100 }).await?, world.customer(1000).await?);
    let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]);
    let seen_pending = async || {
        let key = Uuid::new_v4().to_string();
        let first = world.order(&key, &body).await?.expect(202)?;
        let again = world.order(&key, &body).await?;
        world.decision(first.header("location")).await?;
        ensure!(again.header("idempotency-replayed") == "true", "{}", again.text);
        ensure!(again.header("location") == first.header("location"));
        let pending = again.json["status"] == "pending";
        ensure!(again.status == if pending { 202 } else { 200 }, "{}: {}", again.status, again.text);
        Ok(pending.then_some(()))
    };
    eventually("a replay can find its order pending", seen_pending).await
}
