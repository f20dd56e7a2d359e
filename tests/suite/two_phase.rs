//! Two-phase commit: what a coordinator that dies leaves behind, who waits for it, and how it ends.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use diesel_async::{AsyncConnection, AsyncPgConnection, SimpleAsyncConnection};
use serde_json::Value;
use tests::{Driver, Stage, World, eventually};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use uuid::Uuid;
use workbench::audit::{Expected, Subject, audit};
use workbench::in_doubt::{self, Branch, Decision, InDoubt, Outcome};
use workbench::run::Verdict;
use workbench::shop::Databases;

use crate::api::order;
use crate::docs;

/// How long after its start a coordinator may take to finish what an earlier one has left.
const RESOLVED: Duration = Duration::from_secs(3);

/// How long a program may take to start, or to give up.
const START: Duration = Duration::from_secs(20);

/// A shop whose coordinator has died at a point, with one order under way.
struct Died {
    world: World,
    sku: String,
    customer: String,
    order: Value,
    key: String,
}

impl Died {
    async fn at(stage: &Stage, point: &str) -> Result<Died> {
        let world = stage.new_world(Driver::TwoPhase, stage.infrastructure().await?).await?;
        let (sku, customer) = (world.product(10, 5).await?, world.customer(100).await?);
        world.shop().await.restart_with("monolith", &["--crash-at".into(), point.into()]).await?;
        let (order, key) = (order(&customer, "seoul", &[(&sku, 2, 10)]), Uuid::new_v4().to_string());
        ensure!(world.order(&key, &order).await.is_err(), "the coordinator has not died at {point}");
        world.shop().await.wait_ended("monolith", START).await?;
        Ok(Died { world, sku, customer, order, key })
    }

    fn urls(&self) -> Vec<String> {
        vec![self.world.databases.orders.clone()]
    }

    async fn in_doubt(&self) -> Result<InDoubt> {
        in_doubt::look(&self.urls()).await
    }

    /// Starts the coordinator again, and finds nothing in doubt soon after.
    async fn restart(&self) -> Result<()> {
        let began = Instant::now();
        self.world.shop().await.restart("monolith").await?;
        let left = self.in_doubt().await?.branches;
        ensure!(left.is_empty(), "still in doubt: {left:?}");
        ensure!(began.elapsed() < RESOLVED, "it took {:?}", began.elapsed());
        Ok(())
    }

    /// The same request again; then all is as if the coordinator had never died.
    async fn finish(self, stage: &Stage, status: u16) -> Result<()> {
        let Died { world, sku, customer, order, key } = self;
        let answer = world.order(&key, &order).await?.expect(status)?;
        ensure!(answer.json["status"] == "confirmed", "{}", answer.text);
        ensure!((world.on_hand(&sku).await?, world.balance(&customer).await?) == (3, 80));
        world.refused(&order_to_nowhere(&customer, &sku), "region_not_served").await?;
        stage.close(world, stage.infrastructure().await?, Expected::default()).await
    }
}

fn order_to_nowhere(customer: &str, sku: &str) -> Value {
    order(customer, "atlantis", &[(sku, 1, 10)])
}

/// A session that wants a row and has to wait for it.
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

    // Nobody can buy that product, or even count it anew, and it is shown why.
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
        session.await?.context("whoever waited goes on")?;
    }
    ensure!(died.world.on_hand(&died.sku).await? == 5, "the branch was not rolled back");
    died.finish(stage, 201).await?;
    Ok(None)
}

/// The program says the same, to people and to programs.
async fn the_command_tells(stage: &Stage, died: &Died) -> Result<()> {
    let cleave = |json: &'static [&str]| async move {
        let mut command = Command::new(stage.programs().await?.join("cleave"));
        command.arg("in-doubt").arg("--database-url").arg(&died.world.databases.orders).args(json);
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
    ensure!(branches.len() == 4, "one branch is committed, and four are not: {branches:?}");
    ensure!(branches.iter().all(|branch| branch.decision == Decision::Commit), "{branches:?}");
    died.restart().await?;
    died.finish(stage, 200).await?;
    Ok(None)
}

pub async fn branches_are_finished_by_hand(stage: &Stage) -> Result<Option<String>> {
    for (point, outcome, status) in
        [("before-decision", Outcome::RolledBack, 201), ("after-decision", Outcome::Committed, 200)]
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

pub async fn branches_of_the_living_are_left_alone(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(Driver::TwoPhase, infrastructure).await?;
    world.still_works().await?;
    let mut connection = AsyncPgConnection::establish(&world.databases.orders).await?;
    // As if another process of this name had begun a later epoch, so that the one that runs does not look after it.
    let gid = format!("cleave:monolith:99:{}:orders", Uuid::new_v4());
    connection.batch_execute(&format!("BEGIN; PREPARE TRANSACTION '{gid}'")).await?;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    let in_doubt = in_doubt::resolve(std::slice::from_ref(&world.databases.orders)).await?;
    let [branch] = &in_doubt.branches[..] else { anyhow::bail!("one branch: {in_doubt:?}") };
    ensure!(matches!(&branch.outcome, Some(Outcome::Left(reason)) if reason.contains("alive")), "{branch:?}");
    connection.batch_execute(&format!("ROLLBACK PREPARED '{gid}'")).await?;
    // One of an earlier epoch is finished, within the second.
    let gid = format!("cleave:monolith:0:{}:orders", Uuid::new_v4());
    connection.batch_execute(&format!("BEGIN; PREPARE TRANSACTION '{gid}'")).await?;
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let left = in_doubt::look(std::slice::from_ref(&world.databases.orders)).await?.branches;
    ensure!(left.is_empty(), "{left:?}");
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// One more monolith, beside that of the world.
struct Second {
    _process: Child,
    address: String,
}

/// Starts a monolith, which announces itself or says why not.
async fn monolith(programs: &Path, database: &str, arguments: &[&str]) -> Result<Result<Second, String>> {
    let mut command = Command::new(programs.join("monolith"));
    command.args(["--transaction", "two-phase", "--database-url", database]).args(arguments);
    let mut process = command.stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true).spawn()?;
    let mut lines = BufReader::new(process.stdout.take().context("it was asked for")?).lines();
    match tokio::time::timeout(START, lines.next_line()).await.context("it neither started nor ended")?? {
        Some(line) => {
            let announced: Value = serde_json::from_str(&line)?;
            let address = format!("http://{}", announced["listening"].as_str().context("an address")?);
            Ok(Ok(Second { _process: process, address }))
        }
        None => {
            let output = process.wait_with_output().await?;
            ensure!(output.status.code() == Some(1), "{:?}", output.status);
            Ok(Err(String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }
}

pub async fn two_coordinators_keep_to_their_own(stage: &Stage) -> Result<Option<String>> {
    let died = Died::at(stage, "before-decision").await?;
    let (programs, database) = (stage.programs().await?, &died.world.databases.orders);
    let second = monolith(programs, database, &["--coordinator", "second"]).await?;
    let second = second.map_err(anyhow::Error::msg)?;
    tokio::time::sleep(Duration::from_millis(2500)).await;
    ensure!(died.in_doubt().await?.branches.len() == 5, "another coordinator's branches were touched");
    died.restart().await?;

    // Both at work for several rounds of recovery.
    let (sku, customer) = (died.world.product(10, 100_000).await?, died.world.customer(1_000_000).await?);
    let client = reqwest::Client::builder().no_proxy().build()?;
    let buy = async |address: &str| {
        let deadline = Instant::now() + Duration::from_secs(4);
        let mut bought = 0;
        while Instant::now() < deadline {
            let order = order(&customer, "seoul", &[(&sku, 1, 10)]);
            let request = client
                .post(format!("{address}/orders"))
                .header("idempotency-key", Uuid::new_v4().to_string());
            let answer = request.json(&order).send().await?;
            ensure!(answer.status() == 201, "{}", answer.text().await?);
            bought += 1;
        }
        anyhow::Ok(bought)
    };
    let (one, other) = (&died.world.address, &second.address);
    let bought = tokio::try_join!(buy(one), buy(one), buy(other), buy(other))?;
    let bought = bought.0 + bought.1 + bought.2 + bought.3;
    ensure!(died.world.on_hand(&sku).await? == 100_000 - bought, "{bought} were bought");

    let refused = monolith(programs, database, &["--coordinator", "second"]).await?;
    let said = refused.err().context("two processes are one coordinator")?;
    ensure!(said.contains("\"second\"") && said.contains("--coordinator"), "{said}");
    drop(second);
    died.finish(stage, 201).await?;
    Ok(None)
}

pub async fn a_server_without_room_is_refused(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let name = format!("room-{}", Uuid::new_v4().simple());
    let database = infrastructure.postgres.create_database(&name).await?;
    let refused = monolith(stage.programs().await?, &database, &["--pool", "500"]).await?;
    let said = refused.err().context("there is no room for 2500 prepared transactions")?;
    for words in ["max_prepared_transactions = 2500", "is 128", "--pool"] {
        ensure!(said.contains(words), "{words:?} is missing in {said}");
    }
    Ok(None)
}

pub async fn each_module_may_have_its_own_database(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let mut urls =
        ["catalog", "inventory", "orders", "payments", "shipping"].map(|module| (module, String::new()));
    for (module, url) in &mut urls {
        let name = format!("{module}-{}", Uuid::new_v4().simple());
        *url = infrastructure.postgres.create_database(&name).await?;
    }
    let arguments: Vec<String> =
        urls.iter().flat_map(|(module, url)| [format!("--{module}-database-url"), url.clone()]).collect();
    let world = stage.new_world(Driver::TwoPhase, infrastructure).await?;
    world.shop().await.restart_with("monolith", &arguments).await?;

    let (sku, customer) = (world.product(10, 5).await?, world.customer(100).await?);
    world.confirmed(&order(&customer, "seoul", &[(&sku, 2, 10)])).await?;
    world.refused(&order(&customer, "seoul", &[(&sku, 9, 10)]), "out_of_stock").await?;
    world.refused(&order_to_nowhere(&customer, &sku), "region_not_served").await?;
    ensure!((world.on_hand(&sku).await?, world.balance(&customer).await?) == (3, 80));

    // Its end is found in five databases, too.
    let crash = [&arguments[..], &["--crash-at".into(), "after-commit-prepared:2".into()]].concat();
    world.shop().await.restart_with("monolith", &crash).await?;
    let (key, again) = (Uuid::new_v4().to_string(), order(&customer, "seoul", &[(&sku, 1, 10)]));
    ensure!(world.order(&key, &again).await.is_err(), "the coordinator has not died");
    world.shop().await.wait_ended("monolith", START).await?;
    world.shop().await.restart_with("monolith", &arguments).await?;
    world.order(&key, &again).await?.expect(200)?;
    ensure!((world.on_hand(&sku).await?, world.balance(&customer).await?) == (2, 70));

    let [catalog, inventory, orders, payments, shipping] = urls.map(|(_, url)| url);
    let databases = Databases { catalog, inventory, orders, payments, shipping };
    let subject = Subject {
        driver: Driver::TwoPhase,
        databases,
        namespace: None,
        amqp_url: None,
        expected: Expected::default(),
    };
    let findings = audit(&subject).await?;
    let wrong = findings.iter().find(|found| found.invariant != "I9" && found.verdict != Verdict::Held);
    ensure!(wrong.is_none(), "{wrong:?}");
    world.into_shop().stop(infrastructure).await?;
    Ok(None)
}
