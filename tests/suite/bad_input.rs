//! Bad input gets a clear error and does no harm: the shop still works after each request.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tests::{Body, World};
use uuid::Uuid;

use tests::{Goods, Line, order};

const JSON: Option<&str> = Some("application/json");

/// Sends a body to `POST /orders` and expects this problem.
async fn refused(world: &World, name: &str, body: Body, status: u16, code: &str) -> Result<()> {
    let key = Uuid::new_v4().to_string();
    let answer = world.send("POST", "/orders", &[("idempotency-key", &key)], body).await;
    answer.with_context(|| name.to_owned())?.is_problem(status, code).with_context(|| name.to_owned())
}

pub async fn bodies(world: &World) -> Result<()> {
    let good = order("c", "seoul", &[Line { sku: "a", pieces: 1, price: 1 }]).to_string();
    let raw = |text: &str, media_type| Body::Raw(text.as_bytes().to_vec(), media_type);
    let deep = "[".repeat(100_000);
    let closed = format!("{deep}{}", "]".repeat(100_000));
    let nested = format!("{{\"customer_id\":{closed}}}");
    let cases = [
        ("empty", raw("", JSON), 400, "malformed_body"),
        ("truncated", raw(&good[..good.len() - 5], JSON), 400, "malformed_body"),
        ("not JSON", raw("customer_id=c", JSON), 400, "malformed_body"),
        ("a NUL byte", raw(&good.replace("seoul", "se\0ul"), JSON), 400, "malformed_body"),
        ("not UTF-8", Body::Raw(b"{\"customer_id\":\"\xff\"}".to_vec(), JSON), 400, "malformed_body"),
        ("100,000 brackets", raw(&deep, JSON), 422, "invalid_body"),
        ("100,000 brackets, closed", raw(&closed, JSON), 422, "invalid_body"),
        ("100,000 brackets in a field", raw(&nested, JSON), 422, "invalid_body"),
        ("10 MB of blanks", raw(&" ".repeat(10_000_000), JSON), 413, "body_too_large"),
        ("no content type", raw(&good, None), 415, "not_json"),
        ("another content type", raw(&good, Some("text/plain")), 415, "not_json"),
        ("a form", raw("a=b", Some("application/x-www-form-urlencoded")), 415, "not_json"),
    ];
    for (name, body, status, code) in cases {
        refused(world, name, body, status, code).await?;
        world.still_works().await.with_context(|| format!("after {name}"))?;
    }
    Ok(())
}

pub async fn fields(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 1, pieces: 5 }).await?, world.customer(5).await?);
    let good = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 1 }]);
    let with = |pointer: &str, value: Value| {
        let mut body = good.clone();
        if let Some(place) = body.pointer_mut(pointer) {
            *place = value;
        }
        body
    };
    let without = |field: &str| {
        let mut body = good.clone();
        body.as_object_mut().map(|body| body.remove(field));
        body
    };
    let lines = |lines: &[Line<'_>]| order(&customer, "seoul", lines);
    let many: Vec<String> = (0..101).map(|n| format!("{sku}-{n}")).collect();
    let many: Vec<Line<'_>> = many.iter().map(|sku| Line { sku, pieces: 1, price: 1 }).collect();
    let mut unknown = good.clone();
    unknown["discount"] = json!(100);

    let invalid = [
        ("quantity 0", with("/lines/0/quantity", json!(0))),
        ("quantity -1", with("/lines/0/quantity", json!(-1))),
        ("quantity 2^31", with("/lines/0/quantity", json!(1i64 << 31))),
        ("quantity 1.5", with("/lines/0/quantity", json!(1.5))),
        ("quantity as text", with("/lines/0/quantity", json!("1"))),
        ("a price that is no number", with("/lines/0/unit_price", json!(null))),
        ("a price with a fraction", with("/lines/0/unit_price", json!(0.5))),
        ("an escaped NUL in a sku", with("/lines/0/sku", json!("a\0"))),
        ("an escaped NUL in a region", with("/region", json!("seoul\0"))),
        ("a sku of 65 characters", with("/lines/0/sku", json!("k".repeat(65)))),
        ("an empty customer", with("/customer_id", json!(""))),
        ("markup in a customer", with("/customer_id", json!("<script>"))),
        ("lines that are no list", with("/lines", json!({}))),
        ("no customer", without("customer_id")),
        ("no lines", without("lines")),
        ("an unknown field", unknown),
        ("null", json!(null)),
        ("a list", json!([good])),
    ];
    let impossible = [
        ("no line", lines(&[])),
        ("101 lines", lines(&many)),
        (
            "a sku twice",
            lines(&[Line { sku: &sku, pieces: 1, price: 1 }, Line { sku: &sku, pieces: 1, price: 1 }]),
        ),
        ("a price below zero", lines(&[Line { sku: &sku, pieces: 1, price: -1 }])),
        ("a line that overflows", lines(&[Line { sku: &sku, pieces: 2, price: i64::MAX }])),
        (
            "a total that overflows",
            lines(&[
                Line { sku: &sku, pieces: 1, price: i64::MAX },
                Line { sku: "other", pieces: 1, price: 1 },
            ]),
        ),
    ];
    let cases = invalid.map(|(name, body)| (name, body, "invalid_body"));
    for (name, body, code) in
        cases.into_iter().chain(impossible.map(|(name, body)| (name, body, "invalid_order")))
    {
        refused(world, name, Body::Json(body), 422, code).await?;
    }
    unreadable_numbers(world, &good).await?;
    world.confirmed(&good).await.context("a valid order, after all the invalid ones")?;
    Ok(())
}

/// Quantities that no integer type holds.
async fn unreadable_numbers(world: &World, good: &Value) -> Result<()> {
    let numbers = [
        // The parser rejects a number that is too large for any type.
        ("1e400", 400, "malformed_body"),
        ("-1e400", 400, "malformed_body"),
        ("1e30", 422, "invalid_body"),
        ("123456789012345678901234567890", 422, "invalid_body"),
    ];
    for (number, status, code) in numbers {
        let text = good.to_string().replace("\"quantity\":1", &format!("\"quantity\":{number}"));
        refused(world, number, Body::Raw(text.into_bytes(), JSON), status, code).await?;
    }
    Ok(())
}

pub async fn keys(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 1, pieces: 5 }).await?, world.customer(5).await?);
    let good = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 1 }]);
    let send = async |headers: &[(&str, &str)]| {
        world.send("POST", "/orders", headers, Body::Json(good.clone())).await
    };
    send(&[]).await?.is_problem(400, "idempotency_key_missing")?;
    for key in ["", " ", "two words", "ключ", &"k".repeat(256), &"k".repeat(5000)] {
        let answer = send(&[("idempotency-key", key)]).await?;
        answer.is_problem(400, "idempotency_key_invalid").with_context(|| format!("the key {key:?}"))?;
    }
    send(&[("idempotency-key", &Uuid::new_v4().to_string().repeat(8)[..255])]).await?;
    for prefer in ["wait=abc", "wait=-1", "wait=99999999999999999999", "wait", "respond-async", "wait=0"] {
        let key = Uuid::new_v4().to_string();
        let answer = send(&[("idempotency-key", &key), ("prefer", prefer)]).await?;
        let taken = [201, 202].contains(&answer.status);
        anyhow::ensure!(
            taken,
            "a preference that is not understood is ignored (RFC 7240); {prefer}: {}",
            answer.text
        );
        world.decision(answer.header("location")).await?;
    }
    world.still_works().await
}

pub async fn queries_and_paths(world: &World) -> Result<()> {
    for path in ["/products?limit=-1", "/products?limit=x", "/stock?limit=99999", "/stock?page=2", "/orders"]
    {
        world.get(path).await?.is_problem(400, "invalid_query").with_context(|| path.to_owned())?;
    }
    for path in ["/orders?customer=", "/orders?customer=a%00b", "/orders?customer=%FF"] {
        world.get(path).await?.is_problem(400, "invalid_query").with_context(|| path.to_owned())?;
    }
    for path in
        ["/orders/1", "/orders/%00", "/products/a%00b", "/stock/a%20b", "/wallets/%FF", "/shipments/x"]
    {
        world.get(path).await?.is_problem(400, "invalid_path").with_context(|| path.to_owned())?;
    }
    world.still_works().await
}

pub async fn other_bodies_than_orders(world: &World) -> Result<()> {
    let sku = format!("sku-{}", Uuid::new_v4().simple());
    let product = |name: Value, price: Value| json!([{ "sku": sku, "name": name, "price": price }]);
    let sale = |price: i64, quota: i64| json!([{ "sku": sku, "name": "A", "price": 1, "sale": { "price": price, "quota": quota } }]);
    let receipt = |quantity: Value| json!({ "receipt_id": Uuid::new_v4(), "lines": [{ "sku": sku, "quantity": quantity }] });
    let deposit = |customer: &str, amount: Value| json!([{ "deposit_id": Uuid::new_v4(), "customer_id": customer, "amount": amount }]);
    let cases = [
        ("PUT", "/products", product(json!("A"), json!(-1)), "invalid_product"),
        ("PUT", "/products", product(json!(""), json!(1)), "invalid_product"),
        ("PUT", "/products", product(json!("a\0b"), json!(1)), "invalid_product"),
        ("PUT", "/products", product(json!("A"), json!("1")), "invalid_body"),
        ("PUT", "/products", sale(-1, 1), "invalid_product"),
        ("PUT", "/products", sale(1, -1), "invalid_product"),
        ("PUT", "/products", json!({}), "invalid_body"),
        ("POST", "/stock/receipts", receipt(json!(0)), "invalid_body"),
        ("POST", "/stock/receipts", receipt(json!(1i64 << 31)), "invalid_body"),
        ("POST", "/stock/receipts", json!({ "receipt_id": "x", "lines": [] }), "invalid_body"),
        ("POST", "/wallets/deposits", deposit("c", json!(-1)), "invalid_deposit"),
        ("POST", "/wallets/deposits", deposit("c", json!(i64::MAX)), "invalid_deposit"),
        ("POST", "/wallets/deposits", deposit("a b", json!(1)), "invalid_body"),
    ];
    for (method, path, body, code) in cases {
        let answer = world.send(method, path, &[], Body::Json(body.clone())).await?;
        answer.is_problem(422, code).with_context(|| format!("{method} {path} {body}"))?;
    }
    world.get(&format!("/products/{sku}")).await?.is_problem(404, "not_found")?;
    for (method, path) in [("PUT", "/products"), ("POST", "/stock/receipts"), ("POST", "/wallets/deposits")] {
        let send = async |body| world.send(method, path, &[], body).await;
        send(Body::Raw(b"[".to_vec(), JSON)).await?.is_problem(400, "malformed_body")?;
        send(Body::Raw(b"[]".to_vec(), None)).await?.is_problem(415, "not_json")?;
        send(Body::Raw(vec![b' '; 10_000_000], JSON)).await?.is_problem(413, "body_too_large")?;
    }
    world.still_works().await
}
