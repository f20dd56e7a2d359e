//! Clients that hang up in the middle of an order. Each order is done or not done, and no unit and no money is lost.

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use futures_util::future::try_join_all;
use tests::{DRIVERS, Goods, Line, Mode, Stage, World, order};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use uuid::Uuid;

const CLIENTS: usize = 500;

/// At most this many at a time.
const AT_ONCE: usize = 50;

/// The units in stock, and the money of the customer: enough for all.
const PLENTY: i64 = 10_000;

/// When a client hangs up.
#[derive(Debug, Clone, Copy, PartialEq)]
enum When {
    /// After half of the body.
    Sending,
    /// After the whole request.
    Sent,
    /// After the first byte of the response.
    Answered,
}

#[derive(QueryableByName)]
struct Confirmed {
    #[diesel(sql_type = BigInt)]
    confirmed: i64,
}

pub async fn five_hundred_clients_lose_nothing(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for driver in DRIVERS.into_iter().filter(|driver| driver.mode() == Mode::Monolith) {
        let world = stage.new_world(driver, infrastructure).await?;
        let (sku, customer) =
            (world.product(Goods { price: 1, pieces: PLENTY }).await?, world.customer(PLENTY).await?);
        let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 1 }]).to_string();
        let clients: Vec<usize> = (0..CLIENTS).collect();
        for together in clients.chunks(AT_ONCE) {
            let hang_up = |number: &usize| {
                let when = [When::Sending, When::Sent, When::Answered][number % 3];
                hangs_up(&world, &body, when)
            };
            try_join_all(together.iter().map(hang_up)).await?;
        }
        world.drain().await?;
        let mut orders = AsyncPgConnection::establish(&world.databases.orders).await?;
        let confirmed = "SELECT count(*) AS confirmed FROM orders.orders WHERE status = 'confirmed'";
        let Confirmed { confirmed } = diesel::sql_query(confirmed).get_result(&mut orders).await?;
        // Those that read the response were certainly done, and those that sent half a request were not.
        let third = i64::try_from(CLIENTS)? / 3;
        ensure!((third..=2 * third + 1).contains(&confirmed), "{driver}: {confirmed} orders");
        let left = (world.on_hand(&sku).await?, world.balance(&customer).await?);
        ensure!(left == (PLENTY - confirmed, PLENTY - confirmed), "{driver}: {left:?}, {confirmed} orders");
        world.still_works().await?;
        drop(orders);
        stage.close(world, infrastructure, Expected::default()).await.context(driver.to_string())?;
    }
    Ok(None)
}

async fn hangs_up(world: &World, body: &str, when: When) -> Result<()> {
    let address = world.address.strip_prefix("http://").context("the shop speaks HTTP")?;
    let mut connection = TcpStream::connect(address).await?;
    let head = format!(
        "POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\nidempotency-key: {}\r\n\
         content-length: {}\r\n\r\n",
        Uuid::new_v4(),
        body.len()
    );
    let sent = if when == When::Sending { &body[..body.len() / 2] } else { body };
    connection.write_all(format!("{head}{sent}").as_bytes()).await?;
    if when == When::Answered {
        let mut first = [0];
        ensure!(connection.read(&mut first).await? == 1, "there was no response");
    }
    Ok(())
}
