//! The audit finds violations: each invariant is broken in a real shop, and the audit must report it.

use anyhow::{Context, Result, ensure};
use audit::{Expected, Fault, Verdict};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use lapin::options::{BasicGetOptions, ConfirmSelectOptions, QueuePurgeOptions};
use lapin::{Connection, ConnectionProperties};
use tests::{BOUND, Driver, Stage, World, eventually};
use topology::Databases;
use uuid::Uuid;

use crate::amqp::publish;
use tests::{Goods, Line, order};

/// An invariant, the database in which it is broken, and the statements that break and repair it.
struct Damage<'a> {
    invariant: &'static str,
    database: &'a str,
    plant: String,
    mend: String,
}

pub async fn damage_is_seen(stage: &Stage, driver: Driver) -> Result<()> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(driver, infrastructure).await?;
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }])).await?;
    let refused = world
        .refused(
            &order(&customer, "atlantis", &[Line { sku: &sku, pieces: 1, price: 10 }]),
            "region_not_served",
        )
        .await?;

    let cancelled = refused["order_id"].as_str().context("an order has an id")?;
    for damage in damages(&world).into_iter().chain(rows_of_other_orders(&world, cancelled)) {
        let mut connection = AsyncPgConnection::establish(damage.database).await?;
        connection.batch_execute(&damage.plant).await.with_context(|| damage.plant.clone())?;
        sees(&world, Expected::default(), damage.invariant).await.with_context(|| damage.plant.clone())?;
        connection.batch_execute(&damage.mend).await.with_context(|| damage.mend.clone())?;
    }
    an_order_that_is_never_decided_is_seen(&world).await?;
    if driver.has_messages() {
        an_unexplained_dead_letter_is_seen(&world).await?;
        an_unacknowledged_message_is_seen(&world).await?;
    }
    let lost = Expected { accepted: Some(vec![Uuid::new_v4()]), ..Expected::default() };
    sees(&world, lost, "I1").await?;
    let silent = vec![Fault { name: "an earthquake".into(), fired: false }];
    sees(&world, Expected { faults: silent, min_per_outcome: 1, ..Expected::default() }, "I9").await?;
    a_deadlock_is_seen(&world).await?;
    stage.close(world, infrastructure, Expected::default()).await.context("after everything was repaired")
}

/// An order whose messages were dropped stays pending forever. Nothing is under way that would decide it.
async fn an_order_that_is_never_decided_is_seen(world: &World) -> Result<()> {
    let mut connection = AsyncPgConnection::establish(&world.databases.orders).await?;
    connection
        .batch_execute(
            "CREATE TABLE orders.kept AS SELECT order_id, status, decided_at, refusal_code
             FROM orders.orders WHERE status = 'cancelled';
             UPDATE orders.orders SET status = 'pending', decided_at = NULL, refusal_code = NULL
             WHERE status = 'cancelled'",
        )
        .await?;
    let findings = audit::audit(&world.subject()).await?;
    connection
        .batch_execute(
            "UPDATE orders.orders SET status = kept.status, decided_at = kept.decided_at, refusal_code = kept.refusal_code
             FROM orders.kept WHERE kept.order_id = orders.order_id;
             DROP TABLE orders.kept",
        )
        .await?;
    for invariant in ["I1", "I5"] {
        let finding = findings.iter().find(|finding| finding.invariant == invariant).context(invariant)?;
        ensure!(
            finding.verdict == Verdict::Violated,
            "an order stays pending, but the audit found {finding:?}"
        );
    }
    Ok(())
}

/// AMQP does not count a message that was delivered but not acknowledged. The broker's management interface
/// does, if it can be asked.
async fn an_unacknowledged_message_is_seen(world: &World) -> Result<()> {
    let connection = Connection::connect(&world.amqp_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let dead = format!("{}.payments.dead", world.namespace);
    publish(&channel, &dead, b"delivered, but not acknowledged").await?;
    channel
        .basic_get(dead.as_str().into(), BasicGetOptions::default())
        .await?
        .context("the message was published before")?;
    let mut subject = world.subject();
    subject.shop = world.shop().await.handle();
    // The broker reports it a few seconds later.
    eventually("the audit sees an unacknowledged message", async || {
        if subject.shop.broker.is_none() {
            return Ok(Some(()));
        }
        let findings = audit::audit(&subject).await?;
        let finding = findings.iter().find(|finding| finding.invariant == "I6").context("I6")?;
        Ok(finding.evidence.english().contains("never acknowledged").then_some(()))
    })
    .await?;
    connection.close(200, "done".into()).await?;
    let connection = Connection::connect(&world.amqp_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    eventually("the message is back in its queue", async || {
        let purged = channel.queue_purge(dead.as_str().into(), QueuePurgeOptions::default()).await?;
        Ok((purged > 0).then_some(()))
    })
    .await?;
    connection.close(200, "done".into()).await?;
    Ok(())
}

async fn an_unexplained_dead_letter_is_seen(world: &World) -> Result<()> {
    let connection = Connection::connect(&world.amqp_url, ConnectionProperties::default()).await?;
    let channel = connection.create_channel().await?;
    channel.confirm_select(ConfirmSelectOptions::default()).await?;
    let dead = format!("{}.payments.dead", world.namespace);
    publish(&channel, &dead, b"where does this come from?").await?;
    sees(world, Expected::default(), "I6").await?;
    channel.queue_purge(dead.as_str().into(), QueuePurgeOptions::default()).await?;
    connection.close(200, "done".into()).await?;
    Ok(())
}

/// Two transactions lock two rows in opposite order. The server ends one of them and counts the deadlock.
async fn a_deadlock_is_seen(world: &World) -> Result<()> {
    let database = &world.databases.payments;
    let mut connections = Vec::new();
    for _ in 0..2 {
        connections.push(AsyncPgConnection::establish(database).await?);
    }
    connections[0]
        .batch_execute("CREATE TABLE payments.knot AS SELECT n FROM generate_series(1, 2) AS n")
        .await?;
    let lock = |row| format!("SELECT n FROM payments.knot WHERE n = {row} FOR UPDATE");
    let [one, other] = &mut connections[..] else { unreachable!("two were made") };
    for (connection, row) in [(&mut *one, 1), (&mut *other, 2)] {
        connection.batch_execute(&format!("BEGIN; {}", lock(row))).await?;
    }
    let (one_row, other_row) = (lock(2), lock(1));
    let crossed = tokio::join!(one.batch_execute(&one_row), other.batch_execute(&other_row));
    ensure!(crossed.0.is_err() != crossed.1.is_err(), "there was no deadlock: {crossed:?}");
    // A session reports its deadlocks at the latest when it ends.
    drop(connections);
    let deadline = tokio::time::Instant::now() + BOUND;
    while sees(world, Expected::default(), "I7").await.is_err() {
        ensure!(tokio::time::Instant::now() < deadline, "a deadlock was not seen for {BOUND:?}");
    }
    let mut connection = AsyncPgConnection::establish(database).await?;
    connection.batch_execute("DROP TABLE payments.knot; SELECT pg_stat_reset()").await?;
    Ok(())
}

/// The audit reports this invariant as violated.
async fn sees(world: &World, expected: Expected, invariant: &str) -> Result<()> {
    let found = world
        .audit(expected)
        .await
        .err()
        .with_context(|| format!("{invariant} is broken, but not among the findings"))?;
    let found = format!("{found:#}");
    ensure!(
        found.contains(&format!("{invariant} Violated")),
        "{invariant} is broken, but the audit says: {found}"
    );
    Ok(())
}

fn damage<'a>(invariant: &'static str, database: &'a str, plant: &str, mend: &str) -> Damage<'a> {
    Damage { invariant, database, plant: plant.to_owned(), mend: mend.to_owned() }
}

/// A parcel that is missing, or is for a cancelled order; another total than was paid; a reservation of another order.
/// A parcel to another region is among [`damages`].
fn rows_of_other_orders<'a>(world: &'a World, cancelled: &str) -> Vec<Damage<'a>> {
    let (all, unknown) = (&world.databases, Uuid::new_v4());
    vec![
        damage(
            "I5",
            &all.shipping,
            &format!("INSERT INTO shipping.shipments (order_id, region) VALUES ('{cancelled}', 'seoul')"),
            &format!("DELETE FROM shipping.shipments WHERE order_id = '{cancelled}'"),
        ),
        damage(
            "I5",
            &all.shipping,
            "CREATE TABLE shipping.kept AS TABLE shipping.shipments; DELETE FROM shipping.shipments",
            "INSERT INTO shipping.shipments TABLE shipping.kept; DROP TABLE shipping.kept",
        ),
        damage(
            "I3",
            &all.orders,
            "UPDATE orders.orders SET total = total + 1 WHERE status = 'confirmed'",
            "UPDATE orders.orders SET total = total - 1 WHERE status = 'confirmed'",
        ),
        damage(
            "I5",
            &all.inventory,
            &format!(
                "CREATE TABLE inventory.kept AS SELECT order_id FROM inventory.reservations WHERE released_at IS NULL;
                 UPDATE inventory.reservations SET order_id = '{unknown}' WHERE released_at IS NULL"
            ),
            &format!(
                "UPDATE inventory.reservations SET order_id = kept.order_id FROM inventory.kept
                 WHERE reservations.order_id = '{unknown}';
                 DROP TABLE inventory.kept"
            ),
        ),
    ]
}

fn damages(world: &World) -> Vec<Damage<'_>> {
    let mut damages = damages_of_every_driver(&world.databases);
    damages.extend(damages_of(world.driver, &world.databases));
    damages
}

fn damages_of_every_driver(all: &Databases) -> Vec<Damage<'_>> {
    let of = damage;
    vec![
        of(
            "I2",
            all.inventory.as_str(),
            "UPDATE inventory.stock SET on_hand = on_hand - 1",
            "UPDATE inventory.stock SET on_hand = on_hand + 1",
        ),
        // Then a sale's units were sold without a claim: the quota is zero.
        of(
            "I2",
            &all.catalog,
            "UPDATE catalog.prices SET sale_price = price, price = price + 1",
            "UPDATE catalog.prices SET price = sale_price, sale_price = NULL",
        ),
        of(
            "I5",
            &all.orders,
            "UPDATE orders.orders SET lines = jsonb_set(lines, '{0,unit_price}', '9') WHERE status = 'confirmed'",
            "UPDATE orders.orders SET lines = jsonb_set(lines, '{0,unit_price}', '10') WHERE status = 'confirmed'",
        ),
        of(
            "I3",
            &all.payments,
            "UPDATE payments.payments SET amount = amount + 1 WHERE status = 'captured'",
            "UPDATE payments.payments SET amount = amount - 1 WHERE status = 'captured'",
        ),
        of(
            "I4",
            &all.payments,
            "UPDATE payments.wallets SET balance = balance + 1",
            "UPDATE payments.wallets SET balance = balance - 1",
        ),
        of(
            "I5",
            &all.shipping,
            "UPDATE shipping.shipments SET region = 'busan'",
            "UPDATE shipping.shipments SET region = 'seoul'",
        ),
        of("I7", &all.orders, "BEGIN; SELECT count(*) FROM orders.orders", "COMMIT"),
        of(
            "I8",
            &all.shipping,
            "UPDATE shipping.shipments SET scheduled_at = scheduled_at - interval '1 hour'",
            "UPDATE shipping.shipments SET scheduled_at = scheduled_at + interval '1 hour'",
        ),
    ]
}

fn damages_of(driver: Driver, all: &Databases) -> Vec<Damage<'_>> {
    let of = damage;
    let mut damages = vec![match driver {
        Driver::Orchestrated | Driver::Tcc => of(
            "I8",
            &all.orders,
            "UPDATE checkout.sagas SET state = state || jsonb_build_object('history', '[]'::jsonb, 'kept', state -> 'history')",
            "UPDATE checkout.sagas SET state = (state || jsonb_build_object('history', state -> 'kept')) - 'kept'",
        ),
        // The monolith stores no saga. In the split mode this is one more outbox with a row in it.
        _ => {
            of("I6", &all.orders, "CREATE TABLE orders.outbox AS SELECT 1 AS id", "DROP TABLE orders.outbox")
        }
    }];
    if driver == Driver::Tcc {
        damages.push(of(
            "I5",
            &all.inventory,
            "UPDATE inventory.reservations SET status = 'reserved' WHERE status = 'committed'",
            "UPDATE inventory.reservations SET status = 'committed' WHERE status = 'reserved'",
        ));
        damages.push(of(
            "I3",
            &all.payments,
            "UPDATE payments.entries SET amount = amount * 2 WHERE account = 'held' AND operation = 'authorize'",
            "UPDATE payments.entries SET amount = amount / 2 WHERE account = 'held' AND operation = 'authorize'",
        ));
    }
    damages
}
