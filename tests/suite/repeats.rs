//! Repeated requests: the same one has no further effect, and a different one with a known id or key is refused. See rule
//! 58 (same request).

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tests::{Body, Goods, Line, World, order};
use uuid::Uuid;

pub async fn lines_in_another_order_are_the_same_order(world: &World) -> Result<()> {
    let (a, b) = (
        world.product(Goods { price: 10, pieces: 5 }).await?,
        world.product(Goods { price: 7, pieces: 5 }).await?,
    );
    let (customer, key) = (world.customer(100).await?, Uuid::new_v4().to_string());
    let one_way = order(
        &customer,
        "seoul",
        &[Line { sku: &a, pieces: 1, price: 10 }, Line { sku: &b, pieces: 2, price: 7 }],
    );
    let first = world.order(&key, &one_way).await?;
    world.decision(first.header("location")).await?;
    let replay = world
        .order(
            &key,
            &order(
                &customer,
                "seoul",
                &[Line { sku: &b, pieces: 2, price: 7 }, Line { sku: &a, pieces: 1, price: 10 }],
            ),
        )
        .await?
        .expect(200)?;
    ensure!(replay.header("idempotency-replayed") == "true", "it has no Idempotency-Replayed header");
    ensure!(replay.header("location") == first.header("location"), "it returned another order");
    ensure!((world.on_hand(&a).await?, world.on_hand(&b).await?) == (4, 3), "it was sold twice");
    let twice = order(
        &customer,
        "seoul",
        &[
            Line { sku: &a, pieces: 1, price: 10 },
            Line { sku: &b, pieces: 1, price: 7 },
            Line { sku: &b, pieces: 1, price: 7 },
        ],
    );
    world.order(&key, &twice).await?.is_problem(422, "invalid_order")
}

pub async fn a_reused_id_is_refused(world: &World) -> Result<()> {
    let (sku, customer, other) = (
        world.product(Goods { price: 10, pieces: 0 }).await?,
        world.customer(0).await?,
        world.customer(0).await?,
    );
    let (receipt, deposit) = (Uuid::new_v4(), Uuid::new_v4());
    let book = async |entries: &[(Uuid, &str, i64)]| {
        let body = |(id, customer, amount): &(Uuid, &str, i64)| json!({ "deposit_id": id, "customer_id": customer, "amount": amount });
        let body = Value::Array(entries.iter().map(body).collect());
        world.send("POST", "/wallets/deposits", &[], Body::Json(body)).await
    };
    book(&[(deposit, &customer, 50)]).await?.expect(204)?;
    book(&[(deposit, &customer, 50)]).await?.expect(204)?;
    book(&[(deposit, &customer, 51)]).await?.is_problem(422, "deposit_id_reused")?;
    book(&[(deposit, &other, 50)]).await?.is_problem(422, "deposit_id_reused")?;
    // A request is applied completely or not at all, whether its list contradicts earlier requests or itself.
    let new = Uuid::new_v4();
    book(&[(new, &other, 7), (deposit, &customer, 1)]).await?.is_problem(422, "deposit_id_reused")?;
    book(&[(new, &other, 7), (new, &other, 8)]).await?.is_problem(422, "deposit_id_reused")?;
    ensure!((world.balance(&customer).await?, world.balance(&other).await?) == (50, 0));
    book(&[(new, &other, 7), (new, &other, 7), (deposit, &customer, 50)]).await?.expect(204)?;
    ensure!((world.balance(&customer).await?, world.balance(&other).await?) == (50, 7));

    let receive = async |lines: Value| {
        let body = json!({ "receipt_id": receipt, "lines": lines });
        world.send("POST", "/stock/receipts", &[], Body::Json(body)).await
    };
    receive(json!([{ "sku": sku, "quantity": 4 }])).await?.expect(204)?;
    receive(json!([{ "sku": sku, "quantity": 1 }, { "sku": sku, "quantity": 3 }])).await?.expect(204)?;
    receive(json!([{ "sku": sku, "quantity": 5 }])).await?.is_problem(422, "receipt_id_reused")?;
    receive(json!([])).await?.is_problem(422, "receipt_id_reused")?;
    ensure!(world.on_hand(&sku).await? == 4);

    let product = |price: i64| json!({ "sku": sku, "name": "A thing", "price": price });
    let put = async |body: Value| world.send("PUT", "/products", &[], Body::Json(body)).await;
    put(json!([product(1), product(1)])).await?.expect(204)?;
    put(json!([product(1), product(2)])).await?.is_problem(422, "invalid_product")
}

pub async fn one_id_and_many_contents_at_the_same_moment(world: &World) -> Result<()> {
    let (customer, sku) = (world.customer(0).await?, world.product(Goods { price: 1, pieces: 0 }).await?);
    let id = Uuid::new_v4();
    let deposits = try_join_all((1..=10).map(async |amount: i64| {
        let body = json!([{ "deposit_id": id, "customer_id": customer, "amount": amount }]);
        let answer = world.send("POST", "/wallets/deposits", &[], Body::Json(body)).await?;
        anyhow::Ok((amount, answer))
    }));
    let receipts = try_join_all((1..=10).map(async |quantity: i64| {
        let body = json!({ "receipt_id": id, "lines": [{ "sku": sku, "quantity": quantity }] });
        let answer = world.send("POST", "/stock/receipts", &[], Body::Json(body)).await?;
        anyhow::Ok((quantity, answer))
    }));
    for (answers, code, booked) in [
        (deposits.await?, "deposit_id_reused", world.balance(&customer).await?),
        (receipts.await?, "receipt_id_reused", world.on_hand(&sku).await?),
    ] {
        let (accepted, refused): (Vec<_>, Vec<_>) =
            answers.into_iter().partition(|(_, answer)| answer.status == 204);
        ensure!(accepted.len() == 1, "{} different requests were accepted with one id", accepted.len());
        ensure!(accepted[0].0 == booked, "{} was accepted, but {booked} is booked", accepted[0].0);
        refused.iter().try_for_each(|(_, answer)| answer.is_problem(422, code))?;
    }
    Ok(())
}
