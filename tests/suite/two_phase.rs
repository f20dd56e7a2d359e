//! Two-phase commit: what a dead coordinator leaves behind, which sessions wait for it, and how its branches
//! are finished.

use std::collections::BTreeSet;
use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use audit::Expected;
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use in_doubt::{Branch, Decision, InDoubt, Resolution};
use serde_json::Value;
use tests::{Driver, Stage, World, eventually};
use tokio::process::Command;
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::docs;
use tests::{Goods, Line, order};

/// Far longer than a program takes to start or to give up.
pub const START: Duration = Duration::from_secs(60);

/// A shop whose coordinator died at a crash point, with one order under way.
pub struct Died {
    pub world: World,
    sku: String,
    customer: String,
    order: Value,
    key: String,
}

impl Died {
    pub async fn at(stage: &Stage, point: &str) -> Result<Died> {
        let world = stage.new_world(Driver::TwoPhase, stage.infrastructure().await?).await?;
        let (sku, customer) =
            (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
        world.shop().await.restart_with("monolith", &["--crash-at".into(), point.into()]).await?;
        let (order, key) = (
            order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 10 }]),
            Uuid::new_v4().to_string(),
        );
        ensure!(world.order(&key, &order).await.is_err(), "the coordinator has not died at {point}");
        world.shop().await.wait_ended("monolith", START).await?;
        Ok(Died { world, sku, customer, order, key })
    }

    fn urls(&self) -> Vec<String> {
        vec![self.world.databases.orders.clone()]
    }

    pub async fn in_doubt(&self) -> Result<InDoubt> {
        in_doubt::look(&self.urls()).await
    }

    /// Restarts the coordinator, and waits until nothing is in doubt.
    pub async fn restart(&self) -> Result<()> {
        let began = Instant::now();
        let resolved = eventually("nothing is in doubt", async || {
            let left = self.in_doubt().await?.branches;
            Ok(left.is_empty().then(|| began.elapsed()))
        });
        let mut shop = self.world.shop().await;
        let (took, ()) = tokio::try_join!(resolved, shop.restart("monolith"))?;
        println!("nothing was in doubt {took:?} after the coordinator's start");
        Ok(())
    }

    /// Sends the same request again. The result must be as if the coordinator had never died.
    pub async fn finish(self, stage: &Stage, status: u16) -> Result<()> {
        let Died { world, sku, customer, order, key } = self;
        let answer = world.order(&key, &order).await?.expect(status)?;
        ensure!(answer.json["status"] == "confirmed", "{}", answer.text);
        ensure!((world.on_hand(&sku).await?, world.balance(&customer).await?) == (3, 80));
        world.refused(&order_to_nowhere(&customer, &sku), "region_not_served").await?;
        stage.close(world, stage.infrastructure().await?, Expected::default()).await
    }
}

pub fn order_to_nowhere(customer: &str, sku: &str) -> Value {
    order(customer, "atlantis", &[Line { sku, pieces: 1, price: 10 }])
}

/// A session that has to wait for a row.
fn blocked(database: &str, sku: &str) -> JoinHandle<Result<()>> {
    let database = database.to_owned();
    let update = format!("UPDATE inventory.stock SET on_hand = on_hand WHERE sku = '{sku}'");
    tokio::spawn(async move {
        let mut connection = AsyncPgConnection::establish(&database).await?;
        Ok(connection.batch_execute(&update).await?)
    })
}

pub async fn a_coordinator_that_dies_before_the_decision(stage: &Stage) -> Result<Option<String>> {
    let died = Died::at(stage, "before-decision").await?;
    let branches = died.in_doubt().await?.branches;
    ensure!(branches.len() == 5, "{branches:?}");
    let undecided = |branch: &Branch| {
        branch.decision == Decision::None
            && branch.coordinator.alive == Some(false)
            && branch.waiters.is_empty()
    };
    ensure!(branches.iter().all(undecided), "{branches:?}");

    // Other sessions cannot change the product's row, and `in-doubt` shows why.
    let sessions = [(); 2].map(|()| blocked(&died.world.databases.inventory, &died.sku));
    let waiter = eventually("two sessions wait, one behind the other", async || {
        let branches = died.in_doubt().await?.branches;
        let stock = branches.iter().find(|branch| branch.module == "inventory").context("inventory")?;
        let holds =
            stock.locks.iter().any(|lock| lock.on == "inventory.stock" && lock.mode == "RowExclusiveLock");
        ensure!(holds, "{stock:?}");
        Ok(stock.waiters.first().filter(|waiter| waiter.behind == 1 && waiter.waiting_s > 0.2).cloned())
    })
    .await?;
    ensure!(waiter.statement.starts_with("UPDATE inventory.stock"), "{waiter:?}");
    the_command_tells(stage, &died).await?;

    died.restart().await?;
    for session in sessions {
        session.await?.context("a waiting session continues")?;
    }
    ensure!(died.world.on_hand(&died.sku).await? == 5, "the branch was not rolled back");
    died.finish(stage, 201).await?;
    Ok(None)
}

/// The command reports the same, as text and as JSON.
async fn the_command_tells(stage: &Stage, died: &Died) -> Result<()> {
    let cleave = |json: &'static [&str]| async move {
        let mut command = Command::new(stage.programs().await?.join("cleave"));
        command
            .arg("in-doubt")
            .arg("--database-url")
            .arg(&died.world.databases.orders)
            .args(json)
            .env("LC_ALL", "C");
        let output = tokio::time::timeout(START, command.kill_on_drop(true).output()).await??;
        ensure!(output.status.code() == Some(1), "{:?}: {:?}", output.status, output.stderr);
        anyhow::Ok(String::from_utf8(output.stdout)?)
    };
    let text = cleave(&[]).await?;
    for words in
        ["inventory's branch", "which is not running", "none on record", "has waited", "and 1 behind it"]
    {
        ensure!(text.contains(words), "{words:?} is missing in {text}");
    }
    docs::fits(&serde_json::from_str(&cleave(&["--json"]).await?)?, "in-doubt.schema.json")
}

pub async fn a_coordinator_that_dies_between_two_commits(stage: &Stage) -> Result<Option<String>> {
    let died = Died::at(stage, "after-commit-prepared").await?;
    let branches = died.in_doubt().await?.branches;
    ensure!(branches.len() == 4, "one branch should be committed and four not: {branches:?}");
    ensure!(branches.iter().all(|branch| branch.decision == Decision::Commit), "{branches:?}");
    died.restart().await?;
    died.finish(stage, 200).await?;
    Ok(None)
}

pub async fn branches_are_finished_by_hand(stage: &Stage) -> Result<Option<String>> {
    for (point, outcome, status) in
        [("before-decision", Resolution::RolledBack, 201), ("after-decision", Resolution::Committed, 200)]
    {
        let died = Died::at(stage, point).await?;
        let in_doubt = in_doubt::resolve(&died.urls()).await?;
        ensure!(in_doubt.branches.len() == 5 && in_doubt.is_settled(), "{in_doubt:?}");
        let as_decided = |branch: &Branch| branch.outcome.as_ref() == Some(&outcome);
        ensure!(in_doubt.branches.iter().all(as_decided), "{in_doubt:?}");
        ensure!(died.in_doubt().await?.branches.is_empty());
        died.restart().await?;
        died.finish(stage, status).await?;
    }
    Ok(None)
}

/// Waits until this coordinator's recovery has looked at all branches. It is seen in a branch of an earlier epoch, which
/// recovery finishes. Two such branches, one after the other: the run that finished the first one ended before the run
/// that finishes the second one.
pub async fn recovery_has_run(world: &World, coordinator: &str) -> Result<()> {
    let mut connection = AsyncPgConnection::establish(&world.databases.orders).await?;
    for _ in 0..2 {
        let transaction = Uuid::new_v4();
        let gid = format!("cleave:{coordinator}:0:{transaction}:orders");
        connection.batch_execute(&format!("BEGIN; PREPARE TRANSACTION '{gid}'")).await?;
        eventually("a branch of an earlier epoch is finished", async || {
            let left = in_doubt::look(std::slice::from_ref(&world.databases.orders)).await?.branches;
            Ok(left.iter().all(|branch| branch.gid != gid).then_some(()))
        })
        .await?;
    }
    Ok(())
}

pub async fn branches_of_the_living_are_left_alone(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(Driver::TwoPhase, infrastructure).await?;
    world.still_works().await?;
    let mut connection = AsyncPgConnection::establish(&world.databases.orders).await?;
    // Looks like a branch of a later epoch, so the running process does not finish it.
    let gid = format!("cleave:monolith:99:{}:orders", Uuid::new_v4());
    connection.batch_execute(&format!("BEGIN; PREPARE TRANSACTION '{gid}'")).await?;
    recovery_has_run(&world, "monolith").await?;
    let in_doubt = in_doubt::resolve(std::slice::from_ref(&world.databases.orders)).await?;
    let [branch] = &in_doubt.branches[..] else { anyhow::bail!("there should be one branch: {in_doubt:?}") };
    ensure!(
        matches!(&branch.outcome, Some(Resolution::Left(reason)) if reason.english().contains("is running")),
        "{branch:?}"
    );
    connection.batch_execute(&format!("ROLLBACK PREPARED '{gid}'")).await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

pub async fn requests_that_are_given_up_keep_no_connection(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(Driver::TwoPhase, infrastructure).await?;
    let (sku, customer) =
        (world.product(Goods { price: 10, pieces: 100 }).await?, world.customer(1000).await?);
    let mut lock = AsyncPgConnection::establish(&world.databases.inventory).await?;
    lock.batch_execute(&format!("BEGIN; SELECT FROM inventory.stock WHERE sku = '{sku}' FOR UPDATE")).await?;
    // More requests than connections. Their outcome is unknown to the customer, and either one is correct.
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_millis(200)).build()?;
    for _ in 0..20 {
        let request = client.post(format!("{}/orders", world.address));
        let request = request.header("idempotency-key", Uuid::new_v4().to_string());
        let answer = request
            .json(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]))
            .send()
            .await;
        ensure!(answer.is_err_and(|error| error.is_timeout()), "the order got a response");
    }
    lock.batch_execute("ROLLBACK").await?;
    world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }])).await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

#[derive(QueryableByName)]
struct Moment {
    #[diesel(sql_type = BigInt)]
    us: i64,
}

/// Waits until `drain` has looked at this database more often than it needs to find nothing.
async fn has_looked_often(database: &str) -> Result<()> {
    use diesel_async::RunQueryDsl;

    const LOOKS: usize = 10;
    let mut watching = AsyncPgConnection::establish(database).await?;
    let began = "SELECT coalesce(max((extract(epoch FROM query_start) * 1000000)::bigint), 0) AS us
         FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid() AND query LIKE '%FROM pg_prepared_xacts%'";
    let mut looks = BTreeSet::new();
    eventually("drain looks again and again", async || {
        let moment: Moment = RunQueryDsl::get_result(diesel::sql_query(began), &mut watching).await?;
        looks.insert(moment.us);
        Ok((looks.len() > LOOKS).then_some(()))
    })
    .await
}

/// Until its branches are prepared, an abandoned order is only an open transaction. `drain` has to wait for
/// it.
pub async fn a_transaction_at_work_is_waited_for(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(Driver::TwoPhase, infrastructure).await?;
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 1 }).await?, world.customer(10).await?);
    world.confirmed(&order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }])).await?;
    let mut at_work = AsyncPgConnection::establish(&world.databases.inventory).await?;
    at_work.batch_execute("BEGIN; SELECT count(*) FROM inventory.stock").await?;
    {
        let mut draining = pin!(world.drain());
        tokio::select! {
            drained = &mut draining => bail!("drain returned while a transaction was open: {drained:?}"),
            looked = has_looked_often(&world.databases.inventory) => looked?,
        }
        at_work.batch_execute("COMMIT").await?;
        draining.await?;
    }
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}
