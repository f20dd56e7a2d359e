//! The edge: which requests are valid, what each path means, and that a client's errors harm no other client.
//!
//! The requests are written byte by byte, because a client library would correct most of them before sending.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use serde_json::{Value, json};
use tests::{Body, Goods, Line, World};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

use tests::order;

/// Nothing here takes longer, unless it hangs.
const HANGS: Duration = Duration::from_secs(60);

/// More failures than any breaker tolerates, and more than any retry budget pays for.
pub const AGAIN_AND_AGAIN: usize = 12;

/// A raw response.
struct Written {
    status: u16,
    head: String,
    body: String,
}

impl Written {
    fn code(&self) -> String {
        let json: Value = serde_json::from_str(&self.body).unwrap_or_default();
        json["code"].as_str().unwrap_or_default().to_owned()
    }

    fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(':'));
        lines.into_iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
    }
}

/// Sends these bytes on a new connection and reads until the shop closes it. With `half_way` the client
/// closes its sending side in the middle of the request.
async fn write(world: &World, bytes: &[u8], half_way: bool) -> Result<Written> {
    let address = world.address.strip_prefix("http://").context("the shop speaks HTTP")?;
    let exchange = async {
        let mut connection = TcpStream::connect(address).await?;
        // If the shop refuses early, it may close the connection before everything is written.
        let _ = connection.write_all(bytes).await;
        if half_way {
            connection.shutdown().await?;
        }
        let mut answer = Vec::new();
        let _ = connection.read_to_end(&mut answer).await;
        anyhow::Ok(String::from_utf8_lossy(&answer).into_owned())
    };
    let answer =
        tokio::time::timeout(HANGS, exchange).await.context("the shop keeps the connection open")??;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or_default();
    Ok(Written { status, head: head.to_owned(), body: body.to_owned() })
}

/// Sends a request without a body, on a connection that is closed after it.
async fn ask(world: &World, method: &str, target: &str, more: &str) -> Result<Written> {
    let request = format!("{method} {target} HTTP/1.1\r\nhost: shop\r\nconnection: close\r\n{more}\r\n");
    write(world, request.as_bytes(), false).await
}

/// Behind a gateway all breakers are closed and no instance is ejected.
pub async fn no_service_is_blamed(world: &World) -> Result<()> {
    let report = reqwest::get(format!("{}/health/dependencies", world.address)).await?;
    if report.status() == 404 {
        return Ok(());
    }
    let dependencies: Value = report.json().await?;
    for dependency in dependencies.as_array().context("the response is a list of dependencies")? {
        ensure!(dependency["breaker"]["state"] == "closed", "a breaker is not closed: {dependency}");
        let instances = dependency["instances"].as_array().into_iter().flatten();
        ensure!(
            instances.clone().all(|instance| instance["ejected"] == false),
            "an instance is ejected: {dependency}"
        );
    }
    Ok(())
}

pub async fn what_a_client_did_harms_no_other(world: &World) -> Result<()> {
    let long = |length: usize| format!("/orders/{}", "x".repeat(length));
    let header = |length: usize| format!("idempotency-key: {}\r\n", "k".repeat(length));
    let post = |headers: &str, body: &str| {
        format!(
            "POST /orders HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}\r\n\r\n{body}"
        )
    };
    for round in 0..AGAIN_AND_AGAIN {
        let refused = [
            ("a long path", ask(world, "GET", &long(65_510), "").await?, 414, "uri_too_long"),
            ("a path too long by one", ask(world, "GET", &long(8185), "").await?, 414, "uri_too_long"),
            ("large headers", ask(world, "GET", "/orders", &header(60_000)).await?, 431, "headers_too_large"),
            ("larger than any buffer", ask(world, "GET", "/orders", &header(200_000)).await?, 431, ""),
            ("a tunnel", ask(world, "CONNECT", "shop:80", "").await?, 400, "invalid_path"),
            ("a method of its own", ask(world, "BREW", "/orders", "").await?, 405, "method_not_allowed"),
            (
                "two lengths",
                write(world, post("content-length: 2\r\ncontent-length: 5", "{}").as_bytes(), false).await?,
                400,
                "",
            ),
            (
                "length and chunks",
                write(
                    world,
                    post("content-length: 5\r\ntransfer-encoding: chunked", "0\r\n\r\n").as_bytes(),
                    false,
                )
                .await?,
                400,
                "",
            ),
            (
                "a body cut off",
                write(world, post("content-length: 500", "{").as_bytes(), true).await?,
                400,
                "malformed_body",
            ),
        ];
        for (what, answer, status, code) in refused {
            let found = (answer.status, answer.code());
            // This client may miss the response. What counts is the effect on others.
            let gone = what == "a body cut off" && answer.status == 0;
            ensure!(
                gone || found == (status, code.to_owned()),
                "{what}: {found:?} in round {round}: {}",
                answer.body
            );
        }
        // Aborted in the middle of the body, without waiting for a response.
        let address = world.address.strip_prefix("http://").context("the shop speaks HTTP")?;
        let mut given_up = TcpStream::connect(address).await?;
        given_up
            .write_all(post("content-length: 4000000\r\nidempotency-key: k", &" ".repeat(100_000)).as_bytes())
            .await?;
        drop(given_up);
    }
    no_service_is_blamed(world).await?;
    world.still_works().await
}

pub async fn a_path_has_one_reading(world: &World) -> Result<()> {
    let inside = ["metrics", "telemetry/spans", "health/ready", "health/live"];
    let up = ["/..", "/%2e%2e", "/.%2E", "/x/../..", "//..", "/..%2f", "/..%5c", "\\..\\", "/."];
    for prefix in ["/products", "/orders", "/stock", "/wallets", "/shipments"] {
        for (up, inside) in up.iter().flat_map(|up| inside.map(|inside| (up, inside))) {
            let path = format!("{prefix}{up}/{inside}");
            let answer = ask(world, "GET", &path, "").await?;
            ensure!(answer.status == 400, "{path}: {} {}", answer.status, answer.body);
        }
    }
    an_order_is_not_read_as_a_product(world).await?;
    // A valid path means the same in every notation.
    let sku = world.product(Goods { price: 5, pieces: 1 }).await?;
    let plain = ask(world, "GET", &format!("/products/{sku}"), "").await?;
    let first = format!("%{:02x}", sku.as_bytes()[0]);
    let encoded = ask(world, "GET", &format!("/%70roducts/{first}{}", &sku[1..]), "").await?;
    ensure!((plain.status, &plain.body) == (encoded.status, &encoded.body), "{}", encoded.body);
    ensure!(plain.status == 200, "{}", plain.body);
    // The services' internal endpoints cannot be reached through a public prefix.
    for prefix in ["/products", "/orders"] {
        for inside in inside {
            let answer = ask(world, "GET", &format!("{prefix}/{inside}"), "").await?;
            ensure!([400, 404].contains(&answer.status), "{prefix}/{inside}: {}", answer.status);
        }
    }
    Ok(())
}

/// The gateway treats products and orders differently, so a path must not be a product's to it and an order's to the
/// shop behind it.
async fn an_order_is_not_read_as_a_product(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 5, pieces: 1 }).await?, world.customer(5).await?);
    let placed = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 5 }]);
    let id = world.confirmed(&placed).await?["order_id"].as_str().context("an order has an id")?.to_owned();
    let plain = ask(world, "GET", &format!("/orders/{id}"), "").await?;
    ensure!(plain.status == 200 && plain.body.contains(&id), "{} {}", plain.status, plain.body);
    for up in
        ["/..", "/%2e%2e", "/%2E.", "/.%2e", "/x/../..", "/..%2f..", "%2f..", "//..", "/./..", "/..%5c.."]
    {
        let path = format!("/products{up}/orders/{id}");
        let answer = ask(world, "GET", &path, "").await?;
        ensure!(answer.status == 400, "{path}: {} {}", answer.status, answer.body);
        ensure!(!answer.body.contains(&customer), "{path} shows the order");
    }
    Ok(())
}

pub async fn head_is_get_without_the_body(world: &World) -> Result<()> {
    let sku = world.product(Goods { price: 5, pieces: 1 }).await?;
    let paths = [
        format!("/products/{sku}"),
        "/products/nowhere".into(),
        "/openapi.json".into(),
        "/health/live".into(),
    ];
    for path in paths {
        let get = ask(world, "GET", &path, "").await?;
        let head = ask(world, "HEAD", &path, "").await?;
        ensure!(head.status == get.status, "HEAD {path}: {} instead of {}", head.status, get.status);
        ensure!(head.body.is_empty(), "HEAD {path} has a body: {}", head.body);
        for header in ["content-type", "content-length"] {
            ensure!(
                head.header(header) == get.header(header),
                "HEAD {path}: another {header}: {}",
                head.head
            );
        }
    }
    Ok(())
}

pub async fn a_wrong_method_is_told_which_are_right(world: &World) -> Result<()> {
    let id = Uuid::new_v4();
    let cases = [
        ("DELETE", "/orders".to_owned(), "GET, HEAD, POST"),
        ("POST", "/products".to_owned(), "GET, HEAD, PUT"),
        ("PATCH", format!("/orders/{id}"), "GET, HEAD"),
        ("OPTIONS", "/wallets/nobody".to_owned(), "GET, HEAD"),
        ("TRACE", "/stock".to_owned(), "GET, HEAD"),
        ("GET", "/stock/receipts".to_owned(), "POST"),
        ("HEAD", "/wallets/deposits".to_owned(), "POST"),
        ("POST", "/health/live".to_owned(), "GET, HEAD"),
    ];
    for (method, path, allowed) in cases {
        let answer = ask(world, method, &path, "").await?;
        let mut allow: Vec<&str> = answer.header("allow").unwrap_or_default().split(", ").collect();
        allow.sort_unstable();
        let found = (answer.status, allow.join(", "));
        ensure!(found == (405, allowed.to_owned()), "{method} {path}: {found:?} {}", answer.body);
        ensure!(method == "HEAD" || answer.code() == "method_not_allowed", "{}", answer.body);
    }
    Ok(())
}

pub async fn what_is_described_is_accepted(world: &World) -> Result<()> {
    for list in ["products", "stock"] {
        world.get(&format!("/{list}?after=")).await?.expect(200)?;
        world.get(&format!("/{list}?after=a%20b")).await?.is_problem(400, "invalid_query")?;
    }
    let (sku, customer) = (format!("sku-{}", Uuid::new_v4().simple()), world.customer(100).await?);
    world.put(json!([{ "sku": sku, "name": "A thing", "price": 5.0, "sale": null }])).await?;
    let receipt = json!({ "receipt_id": Uuid::new_v4(), "lines": [{ "sku": sku, "quantity": 3.0 }] });
    world.send("POST", "/stock/receipts", &[], Body::Json(receipt)).await?.expect(204)?;
    let mut bought = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 5 }]);
    (bought["lines"][0]["quantity"], bought["lines"][0]["unit_price"]) = (json!(1.0), json!(5.0));
    world.confirmed(&bought).await?;
    ensure!((world.on_hand(&sku).await?, world.balance(&customer).await?) == (2, 95));
    let product = world.get(&format!("/products/{sku}")).await?.expect(200)?.json;
    ensure!(product == json!({ "sku": sku, "name": "A thing", "price": 5 }), "{product}");
    Ok(())
}

pub async fn orders_have_pages(world: &World) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 1, pieces: 9 }).await?, world.customer(9).await?);
    let mut ids = Vec::new();
    for _ in 0..7 {
        ids.insert(
            0,
            world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 1 }])).await?["order_id"].clone(),
        );
    }
    let (mut next, mut found, mut pages) = (format!("/orders?customer={customer}&limit=3"), Vec::new(), 0);
    while !next.is_empty() {
        let page = world.get(&next).await?.expect(200)?;
        found.extend(page.json.as_array().into_iter().flatten().map(|order| order["order_id"].clone()));
        let link = page.header("link");
        next = link
            .strip_prefix('<')
            .and_then(|link| link.strip_suffix(">; rel=\"next\""))
            .unwrap_or_default()
            .into();
        ensure!(link.is_empty() == next.is_empty(), "the link is {link:?}");
        pages += 1;
        ensure!(pages <= 3, "there are more pages than orders");
    }
    ensure!((pages, &found) == (3, &ids), "{pages} pages: {found:?} instead of {ids:?}");
    let other = world.customer(1).await?;
    let of_other = format!("/orders?customer={other}&after={}", ids[0].as_str().context("an id")?);
    world.get(&of_other).await?.is_problem(404, "not_found")?;
    world
        .get(&format!("/orders?customer={customer}&after={}", Uuid::new_v4()))
        .await?
        .is_problem(404, "not_found")?;
    world.get(&format!("/orders?customer={customer}&after=x")).await?.is_problem(400, "invalid_query")
}

pub async fn a_connection_is_not_held_for_nothing(world: &World) -> Result<()> {
    // Half a request head, and then nothing: the shop closes the connection.
    let slow = write(world, b"GET /products HTTP/1.1\r\nhost: sh", false).await?;
    ensure!([0, 408].contains(&slow.status), "half a request got {}", slow.status);
    // A client that sends `Expect: 100-continue` is asked for the body.
    let patient =
        b"PUT /products HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-type: application/json\r\n\
        expect: 100-continue\r\ncontent-length: 2\r\n\r\n[]";
    let patient = write(world, patient, false).await?;
    ensure!(patient.status == 100 && patient.body.starts_with("HTTP/1.1 204"), "{}", patient.head);
    Ok(())
}

/// Bodies that stop in the middle. Each sender is told so, and the services behind the shop's edge are not blamed.
pub async fn a_slow_sender_is_told(world: &World) -> Result<()> {
    let head = "POST /orders HTTP/1.1\r\nhost: shop\r\nconnection: close\r\ncontent-type: application/json\r\n\
                idempotency-key: slow\r\ncontent-length: 100\r\n\r\n{";
    let senders = (0..AGAIN_AND_AGAIN).map(|_| write(world, head.as_bytes(), false));
    for answer in try_join_all(senders).await? {
        let told = (answer.status, answer.code());
        ensure!(told == (408, "body_too_slow".to_owned()), "{told:?}: {}", answer.body);
    }
    no_service_is_blamed(world).await?;
    world.still_works().await
}

pub async fn what_belongs_to_one_connection_stays_there(world: &World) -> Result<()> {
    let more = "keep-alive: timeout=1\r\nte: trailers\r\nupgrade: websocket\r\nproxy-authorization: x\r\n\
                x-forwarded-for: 10.0.0.1\r\nx-user-id: admin\r\nif-none-match: \"x\"\r\n";
    let answer = ask(world, "GET", "/products?limit=1", more).await?;
    ensure!(answer.status == 200, "{} {}", answer.status, answer.body);
    for name in ["keep-alive", "transfer-encoding", "upgrade", "proxy-authenticate", "trailer"] {
        ensure!(answer.header(name).is_none(), "{name} came back: {}", answer.head);
    }
    Ok(())
}
