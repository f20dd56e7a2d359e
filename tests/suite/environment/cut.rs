//! Connections that are cut while messages are being handled. That never counts against a message, however often it
//! happens.

use anyhow::{Context, Result, ensure};
use audit::Expected;
use tests::{Driver, Goods, Line, Stage, World, eventually, order};
use uuid::Uuid;

use super::{AT_COMMIT, BEFORE, BadMoment};

/// More cuts than a message has attempts.
const CUTS: i64 = 12;

/// Ends its session, [`CUTS`] times.
const CUT: &str = "IF fired <= 12 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;";

const BEFORE_UPDATE: &str = "TRIGGER bad_moment BEFORE UPDATE ON";
const UPDATE_AT_COMMIT: &str = "CONSTRAINT TRIGGER bad_moment AFTER UPDATE ON";

/// When the session is cut, and in which table.
type Moment = (&'static str, &'static str);

/// Where each driver handles messages: in payments, and where the replies arrive.
const MOMENTS: [(Driver, [Moment; 4]); 3] = [
    (
        Driver::Orchestrated,
        [
            (BEFORE, "payments.payments"),
            (AT_COMMIT, "payments.payments"),
            (BEFORE_UPDATE, "checkout.sagas"),
            (UPDATE_AT_COMMIT, "checkout.sagas"),
        ],
    ),
    (
        Driver::Tcc,
        [
            (BEFORE, "payments.payments"),
            (UPDATE_AT_COMMIT, "payments.payments"),
            (BEFORE_UPDATE, "checkout.sagas"),
            (UPDATE_AT_COMMIT, "checkout.sagas"),
        ],
    ),
    (
        Driver::Choreographed,
        [
            (BEFORE, "payments.payments"),
            (AT_COMMIT, "payments.payments"),
            (BEFORE_UPDATE, "orders.orders"),
            (UPDATE_AT_COMMIT, "orders.orders"),
        ],
    ),
];

pub async fn a_cut_connection_never_counts_against_a_message(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for (driver, moments) in MOMENTS {
        let world = stage.new_world(driver, infrastructure).await?;
        for (when, table) in moments {
            cut(&world, when, table).await.with_context(|| format!("{driver}, {when} {table}"))?;
        }
        // The audit also checks that there is no dead letter.
        stage.close(world, infrastructure, Expected::default()).await.context(driver.to_string())?;
    }
    Ok(None)
}

async fn cut(world: &World, when: &str, table: &'static str) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    let payments = table.starts_with("payments.");
    let database = if payments { &world.databases.payments } else { &world.databases.orders };
    let mut moment = BadMoment::begin(database, when, table, CUT).await?;
    let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 10 }]);
    let placed = world.order(&Uuid::new_v4().to_string(), &body).await?.expect(202)?;
    let fired = async || Ok((moment.fired().await? > CUTS).then_some(()));
    eventually("the message is handled in spite of the cuts", fired).await?;
    let place = placed.header("location");
    let status = async || {
        let found = world.get(place).await?;
        Ok((found.status == 200 && found.json["status"] != "pending").then_some(found.json))
    };
    let decided = eventually("the order is decided", status).await?;
    moment.end().await?;
    ensure!(decided["status"] == "confirmed", "{decided}");
    let left = (world.on_hand(&sku).await?, world.balance(&customer).await?);
    ensure!(left == (3, 80), "{left:?}: not booked once");
    Ok(())
}
