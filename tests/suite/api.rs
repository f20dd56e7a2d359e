//! What both modes promise.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use tests::{Body, Goods, Line, World, order};
use uuid::Uuid;

pub async fn an_order_is_confirmed(world: &World) -> Result<()> {
    let (a, b) = (
        world.product(Goods { price: 10, pieces: 5 }).await?,
        world.product(Goods { price: 7, pieces: 5 }).await?,
    );
    let customer = world.customer(100).await?;
    let decided = world
        .confirmed(&order(
            &customer,
            "busan",
            &[Line { sku: &a, pieces: 2, price: 10 }, Line { sku: &b, pieces: 1, price: 7 }],
        ))
        .await?;
    ensure!(decided["total"] == 27, "{decided}");
    let skus: Vec<&str> =
        decided["lines"].as_array().into_iter().flatten().filter_map(|l| l["sku"].as_str()).collect();
    ensure!(skus.len() == 2 && skus.is_sorted(), "the lines are not sorted: {skus:?}");
    ensure!((world.on_hand(&a).await?, world.on_hand(&b).await?) == (3, 4));
    ensure!(world.balance(&customer).await? == 73);
    let id = decided["order_id"].as_str().context("an order has an id")?;
    let shipment = world.get(&format!("/shipments/{id}")).await?.expect(200)?.json;
    ensure!(shipment["region"] == "busan", "{shipment}");
    Ok(())
}

pub async fn each_refusal_gives_everything_back(world: &World) -> Result<()> {
    // Each order can be refused for one reason only. If all modules are asked at once, the first refusal
    // counts.
    let (sku, sold_out, cheap) = (
        world.product(Goods { price: 10, pieces: 5 }).await?,
        world.product(Goods { price: 5, pieces: 0 }).await?,
        world.product(Goods { price: 1, pieces: 5 }).await?,
    );
    let customer = world.customer(15).await?;
    let missing = format!("sku-{}", Uuid::new_v4().simple());
    world.receive(Uuid::new_v4(), &missing, 5).await?;
    let refusals = [
        (
            "unknown_product",
            order(
                &customer,
                "seoul",
                &[Line { sku: &sku, pieces: 1, price: 10 }, Line { sku: &missing, pieces: 1, price: 5 }],
            ),
        ),
        ("price_changed", order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 9 }])),
        (
            "out_of_stock",
            order(
                &customer,
                "seoul",
                &[Line { sku: &sku, pieces: 1, price: 10 }, Line { sku: &sold_out, pieces: 1, price: 5 }],
            ),
        ),
        ("out_of_stock", order(&customer, "seoul", &[Line { sku: &cheap, pieces: 6, price: 1 }])),
        ("insufficient_funds", order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 10 }])),
        ("insufficient_funds", order(&missing, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }])),
        ("region_not_served", order(&customer, "atlantis", &[Line { sku: &sku, pieces: 1, price: 10 }])),
    ];
    for (code, body) in refusals {
        let refused = world.refused(&body, code).await?;
        let detail = refused["refusal"]["detail"].as_str().unwrap_or_default();
        ensure!(detail.len() > 10, "{code} has a short detail: {detail:?}");
        ensure!(world.on_hand(&sku).await? == 5, "{code} did not return the units");
        ensure!(world.balance(&customer).await? == 15, "{code} did not return the money");
        let id = refused["order_id"].as_str().context("an order has an id")?;
        world.get(&format!("/shipments/{id}")).await?.is_problem(404, "not_found")?;
    }
    // Returned units can be ordered again.
    world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }])).await?;
    Ok(())
}

pub async fn a_replay_finds_the_order(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    for region in ["seoul", "atlantis"] {
        let (key, body) = (
            Uuid::new_v4().to_string(),
            order(&customer, region, &[Line { sku: &sku, pieces: 1, price: 10 }]),
        );
        let first = world.order(&key, &body).await?;
        ensure!(first.header("idempotency-replayed").is_empty(), "the first request is called a replay");
        let decided = world.decision(first.header("location")).await?;
        // The same request in another notation.
        let text = serde_json::to_string_pretty(&body)?.into_bytes();
        let pretty = Body::Raw(text, Some("application/json"));
        let replay =
            world.send("POST", "/orders", &[("idempotency-key", &key)], pretty).await?.expect(200)?;
        ensure!(
            replay.header("idempotency-replayed") == "true",
            "a replay has no Idempotency-Replayed header"
        );
        ensure!(replay.header("location") == first.header("location"), "a replay returned another order");
        ensure!(replay.json["status"] == decided["status"], "{} instead of {decided}", replay.json);
    }
    ensure!(world.on_hand(&sku).await? == 4, "a replay was sold again");
    Ok(())
}

pub async fn a_key_with_another_order_is_refused(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    let key = Uuid::new_v4().to_string();
    let first =
        world.order(&key, &order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }])).await?;
    for other in [
        order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 10 }]),
        order(&customer, "busan", &[Line { sku: &sku, pieces: 1, price: 10 }]),
    ] {
        world.order(&key, &other).await?.is_problem(422, "idempotency_key_reused")?;
    }
    world.decision(first.header("location")).await?;
    ensure!(world.on_hand(&sku).await? == 4);
    Ok(())
}

pub async fn deliveries_and_deposits_count_once(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 0 }).await?, world.customer(0).await?);
    let (receipt, deposit) = (Uuid::new_v4(), Uuid::new_v4());
    for _ in 0..3 {
        world.receive(receipt, &sku, 4).await?;
        world.deposit(deposit, &customer, 50).await?;
    }
    let level = world.get(&format!("/stock/{sku}")).await?.expect(200)?.json;
    ensure!(level == json!({ "sku": sku, "received": 4, "on_hand": 4 }), "{level}");
    ensure!(world.balance(&customer).await? == 50);
    world.receive(Uuid::new_v4(), &sku, 1).await?;
    world.deposit(Uuid::new_v4(), &customer, 1).await?;
    ensure!((world.on_hand(&sku).await?, world.balance(&customer).await?) == (5, 51));
    Ok(())
}

pub async fn lists_have_pages(world: &World) -> Result<()> {
    let prefix = format!("page-{}", Uuid::new_v4().simple());
    let skus: Vec<String> = (0..5).map(|n| format!("{prefix}-{n}")).collect();
    world.put(skus.iter().map(|sku| json!({ "sku": sku, "name": "A thing", "price": 1 })).collect()).await?;
    for sku in &skus {
        world.receive(Uuid::new_v4(), sku, 1).await?;
    }
    for list in ["products", "stock"] {
        let (mut after, mut found) = (prefix.clone(), Vec::new());
        while found.len() < 5 {
            let page = world.get(&format!("/{list}?after={after}&limit=2")).await?.expect(200)?.json;
            let page: Vec<String> = page
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(|row| Some(row["sku"].as_str()?.to_owned()))
                .collect();
            ensure!((1..=2).contains(&page.len()), "a page of 2 has {} rows", page.len());
            after = page.last().cloned().unwrap_or_default();
            found.extend(page.into_iter().filter(|sku| sku.starts_with(&prefix)));
        }
        ensure!(found == skus, "/{list}: {found:?}");
    }

    let (sku, customer) = (world.product(Goods { price: 1, pieces: 9 }).await?, world.customer(9).await?);
    let mut ids = Vec::new();
    for _ in 0..3 {
        ids.push(world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 1 }])).await?["order_id"].clone());
    }
    let newest = world.get(&format!("/orders?customer={customer}&limit=2")).await?.expect(200)?.json;
    let newest: Vec<&Value> =
        newest.as_array().into_iter().flatten().map(|order| &order["order_id"]).collect();
    ensure!(newest == [&ids[2], &ids[1]], "{newest:?} is not the newest page of {ids:?}");
    Ok(())
}

pub async fn what_is_not_there_is_not_found(world: &World) -> Result<()> {
    let id = Uuid::new_v4();
    for path in ["products/none", "stock/none", "wallets/none"].map(String::from) {
        world.get(&format!("/{path}-{id}")).await?.is_problem(404, "not_found")?;
    }
    for list in ["orders", "shipments"] {
        world.get(&format!("/{list}/{id}")).await?.is_problem(404, "not_found")?;
    }
    let nobody = world.get(&format!("/orders?customer=nobody-{id}")).await?.expect(200)?;
    ensure!(nobody.json == json!([]), "{}", nobody.text);
    for path in ["/", "/order", "/orders/1/2"] {
        world.get(path).await?.is_problem(404, "no_such_route")?;
    }
    Ok(())
}

pub async fn a_time_sale_keeps_to_its_quota(world: &World) -> Result<()> {
    let (sku, customer) =
        (world.product(Goods { price: 10, pieces: 20 }).await?, world.customer(1000).await?);
    let sale = json!([{ "sku": sku, "name": "A thing", "price": 10, "sale": { "price": 6, "quota": 3 } }]);
    world.put(sale).await?;
    world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 6 }])).await?;
    world
        .refused(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 6 }]), "sale_sold_out")
        .await?;
    // A refusal by a later step also returns the claimed units of the sale.
    world
        .refused(
            &order(&customer, "atlantis", &[Line { sku: &sku, pieces: 1, price: 6 }]),
            "region_not_served",
        )
        .await?;
    world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 6 }])).await?;
    world
        .refused(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 6 }]), "sale_sold_out")
        .await?;
    world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }])).await?;
    let product = world.get(&format!("/products/{sku}")).await?.expect(200)?.json;
    ensure!(product["sale"]["claimed"] == 3, "{product}");
    ensure!(world.balance(&customer).await? == 1000 - 3 * 6 - 10);
    Ok(())
}

pub async fn a_price_may_change_and_a_sale_may_end(world: &World) -> Result<()> {
    let (sku, customer) =
        (world.product(Goods { price: 10, pieces: 20 }).await?, world.customer(1000).await?);
    let name = "A thing";
    world.put(json!([{ "sku": sku, "name": name, "price": 10, "sale": { "price": 6, "quota": 3 } }])).await?;
    world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 6 }])).await?;
    world.put(json!([{ "sku": sku, "name": name, "price": 11 }])).await?;
    world
        .refused(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 6 }]), "price_changed")
        .await?;
    world
        .refused(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]), "price_changed")
        .await?;
    world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 11 }])).await?;
    Ok(())
}
