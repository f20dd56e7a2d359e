//! The live audit: it watches a running shop, reports how long its databases disagree, and finds violations.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use audit::Verdict;
use audit::live::{INVARIANTS, Live, Pace, Recording, Snapshot};
use chrono::{DateTime, Utc};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Timestamptz};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl};
use futures_util::future::try_join_all;
use serde_json::Value;
use tests::{DELIVERIES, Driver, Load, Mix, Stage, World, eventually};
use uuid::Uuid;

use tests::{Goods, Line, order};

/// The default pace, with shorter intervals so that no case has to wait long.
const OFTEN: Pace = Pace { every: Duration::from_millis(200), late: Duration::from_secs(35) };
/// Looks at an idle shop, to see what each reads.
const LOOKS: usize = 10;
/// Tables that grow during the run.
const GROWING: &str = "('claims', 'reservations', 'orders', 'payments', 'entries', 'shipments')";

#[derive(QueryableByName)]
struct Commit {
    #[diesel(sql_type = Timestamptz)]
    at: DateTime<Utc>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

pub async fn one_transaction_has_no_window(stage: &Stage) -> Result<Option<String>> {
    let recording = at_work(stage, Driver::Local).await?;
    let of = recording.disagreement;
    ensure!((of.p50_ms, of.longest_ms) == (Some(0.0), Some(0.0)), "one commit has a window: {of:?}");
    let seen = recording.series.iter().map(|point| point.disagreeing).max();
    ensure!(seen == Some(0), "a look saw half a transaction: {:?}", recording.series);
    Ok(None)
}

pub async fn between_several_commits_there_is_one(stage: &Stage) -> Result<Option<String>> {
    for driver in [Driver::TwoPhase, Driver::Orchestrated, Driver::Choreographed, Driver::Tcc] {
        let of = at_work(stage, driver).await?.disagreement;
        ensure!(of.p50_ms > Some(0.0) && of.p99_ms >= of.p50_ms, "{driver}: {of:?}");
        ensure!(of.longest_ms >= of.p99_ms, "{driver}: {of:?}");
    }
    Ok(None)
}

/// A load and what the live audit says about it: first that there is no evidence, then that all invariants
/// hold.
async fn at_work(stage: &Stage, driver: Driver) -> Result<Recording> {
    let infrastructure = stage.infrastructure().await?;
    let world = Arc::new(stage.new_world(driver, infrastructure).await?);
    let mix = Mix::prepare(&world).await?;
    let live = Live::start(world.subject(), OFTEN);
    let begun = Utc::now();
    eventually("it has looked", async || Ok((live.snapshot().at > begun).then_some(()))).await?;
    ensure!(live.snapshot().findings.len() == INVARIANTS.len());
    ensure!(
        live.snapshot().verdict() == Verdict::NoEvidence,
        "{driver}, without any order: {:?}",
        live.snapshot()
    );
    one_window_is_exact(&world, &live).await.with_context(|| driver.to_string())?;

    let load = Load::start(&world, &mix, 4);
    load.proceed(60).await?;
    let held = |snapshot: &Snapshot| snapshot.findings.iter().all(|finding| finding.verdict == Verdict::Held);
    eventually("all holds while it works", async || Ok(held(&live.snapshot()).then_some(())))
        .await
        .with_context(|| format!("{driver}: {:?}", live.snapshot()))?;
    load.finish().await?;
    world.drain().await?;
    let (last, recording) = live.finish().await?;
    ensure!(held(&last), "{driver}: {last:?}");
    ensure!(
        recording.series.iter().all(|point| point.anomalies.is_empty()),
        "{driver}: {:?}",
        recording.series
    );
    let of = recording.disagreement;
    ensure!(of.orders_now == 0 && of.resolved >= 30, "{driver}: {of:?}");

    nothing_is_read_whole(&world).await.with_context(|| driver.to_string())?;
    let world = Arc::into_inner(world).context("the load is over")?;
    stage.close(world, infrastructure, Default::default()).await?;
    Ok(recording)
}

/// The window measured for the first order must match its commit timestamps.
async fn one_window_is_exact(world: &World, live: &Live) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 1 }).await?, world.customer(10).await?);
    let placed =
        world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }])).await?;
    let resolved = async || Ok(Some(live.snapshot().disagreement).filter(|of| of.resolved > 0));
    let found = eventually("the order is followed to its end", resolved).await?;
    let longest = found.longest_ms.context("no window was measured")?;

    let id: Uuid = placed["order_id"].as_str().context("an order has an id")?.parse()?;
    let all = &world.databases;
    let mut commits = Vec::new();
    for (url, table, of_itself) in [
        (&all.inventory, "inventory.reservations", "reserved_at"),
        (&all.payments, "payments.payments", "authorized_at"),
        (&all.shipping, "shipping.shipments", "scheduled_at"),
        (&all.orders, "orders.orders", "NULL"),
    ] {
        let moment = if world.driver == Driver::Tcc { of_itself } else { "NULL" };
        commits.push(commit(url, table, moment, id).await?);
    }
    let (first, last) = (commits.iter().min().copied(), commits.iter().max().copied());
    let (first, last) = first.zip(last).context("it has four rows")?;
    let window = (last - first).as_seconds_f64() * 1000.0;
    let exact = match world.driver {
        // A row's own time is before its first commit. That commit's time can only be read before the next one.
        Driver::Tcc => longest <= window + 0.001,
        _ => (longest - window).abs() < 0.001,
    };
    ensure!(found.resolved == 1 && exact, "by its commits it was {window} ms: {found:?}");
    ensure!((window == 0.0) == (world.driver == Driver::Local), "{window} ms");
    Ok(())
}

/// When a row of the order was committed. For a row that is changed later, when it was first written.
async fn commit(url: &str, table: &str, first_written: &str, order: Uuid) -> Result<DateTime<Utc>> {
    let moment = format!("coalesce({first_written}, pg_xact_commit_timestamp(xmin))");
    let query = format!("SELECT {moment} AS at FROM {table} WHERE order_id = '{order}'");
    let mut connection = AsyncPgConnection::establish(url).await?;
    Ok(diesel::sql_query(query).get_result::<Commit>(&mut connection).await?.at)
}

/// While the shop is idle, a look reads by primary key only.
async fn nothing_is_read_whole(world: &World) -> Result<()> {
    let scans = async || -> Result<i64> {
        let mut sum = 0;
        for (_, url) in world.databases.distinct() {
            let mut connection = AsyncPgConnection::establish(url).await?;
            let query = format!(
                "SELECT coalesce(sum(seq_scan), 0)::bigint AS count FROM pg_stat_user_tables WHERE relname IN {GROWING}"
            );
            sum += diesel::sql_query(query).get_result::<Count>(&mut connection).await?.count;
        }
        Ok(sum)
    };
    // A session reports its reads when it ends, or at most a second later.
    let reported = async || -> Result<i64> {
        let mut before = scans().await?;
        eventually("all reads are reported", async || {
            // The pause is how this is seen: nothing else says that a session has nothing left to report.
            tokio::time::sleep(Duration::from_millis(1_500)).await;
            let now = scans().await?;
            Ok((std::mem::replace(&mut before, now) == now).then_some(now))
        })
        .await
    };
    let before = reported().await?;
    let live = Live::start(world.subject(), Pace { every: Duration::from_millis(20), ..OFTEN });
    for _ in 0..LOOKS {
        let last = live.snapshot().at;
        eventually("it looks again", async || Ok((live.snapshot().at > last).then_some(()))).await?;
    }
    let looks = live.finish().await?.1.series.len();
    let after = reported().await?;
    ensure!(after == before, "{} growing tables were read completely in {looks} looks", after - before);
    Ok(())
}

/// A service is paused: first the databases disagree, then it is a violation, and after the service resumes
/// it is over.
pub async fn what_stands_still_is_late(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world_of_one(Driver::Choreographed, infrastructure, DELIVERIES).await?;
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 1 }).await?, world.customer(10).await?);
    let pace = Pace { late: Duration::from_secs(3), ..OFTEN };
    let live = Live::start(world.subject(), pace);
    world.shop().await.pause("shipping").await?;
    let wanted = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]);
    let placed = world.order("late", &wanted).await?.expect(202)?;
    let disagreed = || live.snapshot().disagreement.orders_now == 1;
    eventually("the databases disagree", async || Ok(disagreed().then_some(()))).await?;
    ensure!(finding(&live, "I5").0 != Verdict::Violated, "an order under way was called a violation");
    for invariant in ["I1", "I5"] {
        let what = format!("{invariant} is violated");
        let example = eventually(&what, async || {
            let (verdict, example) = finding(&live, invariant);
            Ok((verdict == Verdict::Violated).then_some(example))
        });
        let example = example.await?.unwrap_or_default();
        ensure!(placed.json["order_id"] == *example, "{invariant} names {example}, not {}", placed.text);
    }
    world.shop().await.resume("shipping")?;
    let held = || live.snapshot().verdict() == Verdict::Held;
    eventually("all holds again", async || Ok(held().then_some(())))
        .await
        .with_context(|| format!("{:?}", live.snapshot()))?;
    let (_, recording) = live.finish().await?;
    ensure!(
        recording.series.iter().any(|point| point.anomalies.contains_key("I1")),
        "{:?}",
        recording.series
    );
    ensure!(recording.disagreement.longest_ms > Some(3_000.0), "{:?}", recording.disagreement);
    stage.close(world, infrastructure, Default::default()).await?;
    Ok(None)
}

pub async fn a_shop_without_a_guard_is_caught_while_it_sells(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for (flaws, verdict) in [(&["no-stock-guard"][..], Verdict::Violated), (&[], Verdict::Held)] {
        let world = stage.new_flawed_world(Driver::Local, infrastructure, flaws).await?;
        let live = Live::start(world.subject(), OFTEN);
        for _ in 0..5 {
            let sku = world.product(Goods { price: 10, pieces: 3 }).await?;
            let customers = try_join_all((0..8).map(|_| world.customer(1_000))).await?;
            let orders: Vec<Value> = (0..32)
                .map(|n| order(&customers[n % 8], "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]))
                .collect();
            let keys: Vec<String> = orders.iter().map(|_| Uuid::new_v4().to_string()).collect();
            try_join_all(keys.iter().zip(&orders).map(|(key, order)| world.order(key, order))).await?;
        }
        let found = eventually("the audit has a finding about the stock", async || {
            // Enough looks to confirm a suspicion.
            let (found, example) = finding(&live, "I2");
            Ok((found == verdict).then_some(example))
        });
        let example = found.await.with_context(|| format!("{flaws:?}: {:?}", live.snapshot()))?;
        ensure!(example.is_some() == (verdict == Verdict::Violated), "{example:?}");
        drop(live);
        world.into_shop().stop(infrastructure).await?;
    }
    Ok(None)
}

fn finding(live: &Live, invariant: &str) -> (Verdict, Option<String>) {
    let findings = live.snapshot().findings;
    let finding = findings
        .into_iter()
        .find(|finding| finding.invariant == invariant)
        .expect("every invariant has a finding");
    (finding.verdict, finding.example.map(|text| text.english().to_owned()))
}
