//! Coordinators that are gone, or only seem to be: which instance finishes their transactions, and what they
//! may still respond.

mod backoff;

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Integer};
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use in_doubt::Branch;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tests::{Driver, Goods, Line, Stage, World, eventually};
use tokio::task::JoinHandle;
use uuid::Uuid;

use crate::coordinators::{Second, monolith};
use crate::two_phase::{Died, START, recovery_has_run};
pub use backoff::an_instance_that_is_retired_in_its_back_off;
use tests::order;

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Session {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

/// The column `number` of the only row.
async fn number(database: &str, query: &str) -> Result<i64> {
    let mut connection = AsyncPgConnection::establish(database).await?;
    Ok(diesel::sql_query(query).get_result::<Number>(&mut connection).await?.number)
}

async fn branches(world: &World) -> Result<Vec<Branch>> {
    Ok(in_doubt::look(std::slice::from_ref(&world.databases.orders)).await?.branches)
}

async fn nothing_is_prepared(world: &World) -> Result<()> {
    eventually("nothing is prepared", async || Ok(branches(world).await?.is_empty().then_some(()))).await
}

async fn no_decision_is_left(world: &World) -> Result<()> {
    let decisions = "SELECT count(*) AS number FROM two_phase.decisions";
    eventually("the decision is deleted", async || {
        Ok((number(&world.databases.orders, decisions).await? == 0).then_some(()))
    })
    .await
}

/// A coordinator died and never returns under its name. Another instance finishes its transactions.
pub async fn an_instance_that_is_gone_for_good(stage: &Stage) -> Result<Option<String>> {
    for (point, status) in [("before-decision", 201), ("after-decision", 200)] {
        let died = Died::at(stage, point).await?;
        ensure!(died.in_doubt().await?.branches.len() == 5);
        let programs = stage.programs().await?;
        let second =
            monolith(programs, &died.world.databases.orders, &["--coordinator", "monolith-2"]).await?;
        let second = second.map_err(anyhow::Error::msg)?;
        nothing_is_prepared(&died.world).await?;
        no_decision_is_left(&died.world).await?;
        // The lock was only held for recovery, so a process can use the name again.
        died.restart().await?;
        drop(second);
        died.finish(stage, status).await?;
    }
    Ok(None)
}

/// An instance that is stopped cleanly finishes what was left to recovery since the last run, and releases
/// its lock.
pub async fn an_instance_that_stops_leaves_nothing_prepared(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(Driver::TwoPhase, infrastructure).await?;
    let database = &world.databases.orders;
    let epoch = number(database, "SELECT epoch AS number FROM two_phase.coordinators").await?;
    let mut connection = AsyncPgConnection::establish(database).await?;
    // A branch that its request has abandoned. Five times, so that at least one falls between two runs of
    // recovery.
    for _ in 0..5 {
        let gid = format!("cleave:monolith:{epoch}:{}:orders", Uuid::new_v4());
        connection.batch_execute(&format!("BEGIN; PREPARE TRANSACTION '{gid}'")).await?;
        let mut shop = world.shop().await;
        let pid = Pid::from_raw(shop.pid("monolith")?.try_into()?);
        kill(pid, Signal::SIGTERM).context("cannot send SIGTERM to the monolith")?;
        shop.wait_ended("monolith", START).await?;
        let left = branches(&world).await?;
        ensure!(left.is_empty(), "{left:?}");
        shop.restart("monolith").await?;
        drop(shop);
        // The next branch belongs to the new epoch.
        let now = number(database, "SELECT epoch AS number FROM two_phase.coordinators").await?;
        ensure!(now > epoch);
    }
    // The audit needs at least one order.
    world.still_works().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// As many instances start as there is room for, and no more.
pub async fn instances_share_the_room_of_their_server(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(Driver::TwoPhase, infrastructure).await?;
    let (programs, database) = (stage.programs().await?, &world.databases.orders);
    let room =
        number(database, "SELECT current_setting('max_prepared_transactions')::bigint AS number").await?;
    let registered = "SELECT sum(prepared_per_module)::bigint * 5 AS number FROM two_phase.coordinators";
    let mut running: Vec<Second> = Vec::new();
    let refused = loop {
        let name = format!("monolith-{}", running.len() + 2);
        match monolith(programs, database, &["--coordinator", &name]).await? {
            Ok(one) => running.push(one),
            Err(refused) => break refused,
        }
        let needed = number(database, registered).await?;
        ensure!(
            running.len() < 8 && needed <= room,
            "{} more instances were started, and need {needed} of {room}",
            running.len()
        );
    };
    let needed = number(database, registered).await?;
    for words in [format!("is {room}"), "monolith-2".into(), "run fewer instances".into(), "--pool".into()] {
        ensure!(refused.contains(&words), "{words:?} is missing in {refused}");
    }
    ensure!(!running.is_empty() && needed <= room, "{needed} of {room}");

    // After one instance stops, there is room for another.
    drop(running.pop());
    let fits = monolith(programs, database, &["--coordinator", "monolith-9"]).await?;
    running.push(fits.map_err(anyhow::Error::msg)?);
    drop(running);
    // The audit needs at least one order.
    world.still_works().await?;
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}

/// A trigger that delays the prepare of the orders branch until the test releases a lock.
const PREPARE_WAITS: &str = "CREATE FUNCTION orders.wait() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN PERFORM pg_advisory_xact_lock_shared(4242); RETURN NULL; END $$;
     CREATE CONSTRAINT TRIGGER wait AFTER INSERT ON orders.orders DEFERRABLE INITIALLY DEFERRED
     FOR EACH ROW EXECUTE FUNCTION orders.wait()";

/// The session that holds the coordinator's lock.
const LOCK_HOLDER: &str = "SELECT pid FROM pg_locks
     WHERE locktype = 'advisory' AND granted AND objsubid = 1
       AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
       AND (classid::bigint << 32 | objid::bigint) = hashtextextended('cleave.coordinator:monolith', 0)";

/// A coordinator that is paused between the votes and the decision, while a customer waits for the response.
struct StandsStill {
    world: World,
    sku: String,
    order: Value,
    key: String,
    customer: JoinHandle<Result<(u16, Value)>>,
}

impl StandsStill {
    async fn begin(stage: &Stage) -> Result<StandsStill> {
        let (stands_still, mut gate) = StandsStill::preparing(stage).await?;
        let world = &stands_still.world;
        world.shop().await.pause("monolith").await?;
        gate.batch_execute("SELECT pg_advisory_unlock(4242)").await?;
        eventually("all are prepared", async || Ok((branches(world).await?.len() == 5).then_some(())))
            .await?;
        Ok(stands_still)
    }

    /// All branches but that of orders are prepared. That one waits for the lock of the returned session.
    async fn preparing(stage: &Stage) -> Result<(StandsStill, AsyncPgConnection)> {
        let world = stage.new_world(Driver::TwoPhase, stage.infrastructure().await?).await?;
        let (sku, customer) =
            (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
        let mut gate = AsyncPgConnection::establish(&world.databases.orders).await?;
        gate.batch_execute(&format!("{PREPARE_WAITS}; SELECT pg_advisory_lock(4242)")).await?;
        let (order, key) = (
            order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 10 }]),
            Uuid::new_v4().to_string(),
        );
        let customer = tokio::spawn(send(world.address.clone(), key.clone(), order.clone()));
        eventually("all but the order's branch are prepared", async || {
            Ok((branches(&world).await?.len() == 4).then_some(()))
        })
        .await?;
        Ok((StandsStill { world, sku, order, key, customer }, gate))
    }

    /// Ends the session that holds the coordinator's lock, as if the network had dropped the connection.
    async fn lose_lock(&self) -> Result<()> {
        let database = &self.world.databases.orders;
        let mut connection = AsyncPgConnection::establish(database).await?;
        let ended: Vec<Session> = diesel::sql_query(format!(
            "WITH holder AS MATERIALIZED ({LOCK_HOLDER}) SELECT pid FROM holder WHERE pg_terminate_backend(pid)"
        ))
        .load(&mut connection)
        .await?;
        let pids: Vec<i32> = ended.iter().map(|session| session.pid).collect();
        ensure!(pids.len() == 1, "one session should hold the lock, not {pids:?}");
        Ok(())
    }

    /// Resumes the coordinator. Its response must match the databases.
    async fn goes_on(self, stage: &Stage) -> Result<()> {
        let StandsStill { world, sku, order, key, customer } = self;
        world.shop().await.resume("monolith")?;
        let (status, said) = customer.await??;
        let there = "SELECT count(*) AS number FROM orders.orders";
        let there = number(&world.databases.orders, there).await?;
        let on_hand = "SELECT on_hand AS number FROM inventory.stock WHERE sku = '%'".replace('%', &sku);
        let on_hand = number(&world.databases.orders, &on_hand).await?;
        ensure!(
            (status, there, on_hand) == (503, 0, 5),
            "the response is {status}: {said}; there are {there} orders and {on_hand} units; left prepared: {:?}",
            branches(&world).await?
        );
        ensure!(said["code"] == "unavailable", "it is certain that nothing was done: {said}");
        // Send the same request again.
        let placed = eventually("the coordinator accepts orders again", async || {
            let (status, said) = send(world.address.clone(), key.clone(), order.clone()).await?;
            // 409 until recovery has rolled back the branch that holds the key.
            ensure!([201, 409, 503].contains(&status), "{status}: {said}");
            Ok((status == 201).then_some(said))
        })
        .await?;
        ensure!(placed["status"] == "confirmed", "{placed}");
        ensure!(world.on_hand(&sku).await? == 3);
        stage.close(world, stage.infrastructure().await?, Expected::default()).await
    }
}

/// Sends an order and returns status and body.
async fn send(address: String, key: String, order: Value) -> Result<(u16, Value)> {
    let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(40)).build()?;
    let request = client.post(format!("{address}/orders")).header("idempotency-key", key);
    let response = request.json(&order).send().await?;
    Ok((response.status().as_u16(), response.json().await?))
}

/// The successor rolls back and deletes its decision. Then the predecessor resumes.
pub async fn a_paused_coordinator_says_what_its_successor_did(stage: &Stage) -> Result<Option<String>> {
    // A successor with the same name restarts the coordinator; one with another name only recovers it.
    for name in ["monolith", "monolith-2"] {
        let paused = StandsStill::begin(stage).await?;
        paused.lose_lock().await?;
        let database = &paused.world.databases.orders;
        let successor = monolith(stage.programs().await?, database, &["--coordinator", name]).await?;
        let successor = successor.map_err(anyhow::Error::msg)?;
        nothing_is_prepared(&paused.world).await?;
        // The defect only appeared after that.
        no_decision_is_left(&paused.world).await?;
        if name == "monolith" {
            drop(successor);
        }
        paused.goes_on(stage).await?;
    }
    Ok(None)
}

/// A paused instance that holds its lock counts as alive, so its branches are left alone.
pub async fn a_paused_coordinator_that_holds_its_lock_is_waited_for(stage: &Stage) -> Result<Option<String>> {
    let paused = StandsStill::begin(stage).await?;
    let database = &paused.world.databases.orders;
    let second = monolith(stage.programs().await?, database, &["--coordinator", "monolith-2"]).await?;
    let second = second.map_err(anyhow::Error::msg)?;
    recovery_has_run(&paused.world, "monolith-2").await?;
    ensure!(branches(&paused.world).await?.len() == 5, "the branches of a running instance were finished");
    drop(second);
    let StandsStill { world, sku, customer, .. } = paused;
    world.shop().await.resume("monolith")?;
    let (status, said) = customer.await??;
    ensure!(status == 201 && said["status"] == "confirmed", "{status}: {said}");
    ensure!(world.on_hand(&sku).await? == 3);
    stage.close(world, stage.infrastructure().await?, Expected::default()).await?;
    Ok(None)
}

/// The process is gone, but one of its sessions is still open on the server. Its branch is prepared after the
/// others were rolled back and the decision was deleted.
pub async fn a_branch_that_is_prepared_late(stage: &Stage) -> Result<Option<String>> {
    let (dies, mut gate) = StandsStill::preparing(stage).await?;
    let StandsStill { world, sku, order, key, customer } = dies;
    world.shop().await.kill("monolith")?;
    let database = &world.databases.orders;
    let second = monolith(stage.programs().await?, database, &["--coordinator", "monolith-2"]).await?;
    let second = second.map_err(anyhow::Error::msg)?;
    nothing_is_prepared(&world).await?;
    gate.batch_execute("SELECT pg_advisory_unlock(4242)").await?;
    ensure!(customer.await?.is_err(), "the coordinator is gone");
    // The same request to the other instance. The key is taken until the late branch is rolled back.
    let placed = eventually("the late branch is rolled back", async || {
        let (status, said) = send(second.address.clone(), key.clone(), order.clone()).await?;
        ensure!([201, 409, 503].contains(&status), "{status}: {said}");
        Ok((status == 201).then_some(said))
    })
    .await?;
    ensure!(placed["status"] == "confirmed", "{placed}");
    nothing_is_prepared(&world).await?;
    world.shop().await.restart("monolith").await?;
    ensure!(world.on_hand(&sku).await? == 3);
    drop(second);
    stage.close(world, stage.infrastructure().await?, Expected::default()).await?;
    Ok(None)
}

/// The sessions that prepared the branches are lost before the decision, but the coordinator keeps its lock.
/// It asks for the decision, and learns that there is none.
pub async fn sessions_that_are_lost_before_the_decision(stage: &Stage) -> Result<Option<String>> {
    let paused = StandsStill::begin(stage).await?;
    let mut connection = AsyncPgConnection::establish(&paused.world.databases.orders).await?;
    connection
        .batch_execute(&format!(
            "WITH holder AS MATERIALIZED ({LOCK_HOLDER})
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid() AND pid NOT IN (SELECT pid FROM holder)"
        ))
        .await?;
    paused.goes_on(stage).await?;
    Ok(None)
}

/// Makes only the transaction with the decision wait for a standby that does not exist.
const DECISION_WAITS: &str = "CREATE FUNCTION two_phase.wait() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN PERFORM set_config('synchronous_commit', 'on', true); RETURN NEW; END $$;
     CREATE TRIGGER wait BEFORE INSERT ON two_phase.decisions FOR EACH ROW EXECUTE FUNCTION two_phase.wait()";
const DECISION_WAITS_NO_MORE: &str = "CREATE OR REPLACE FUNCTION two_phase.wait() RETURNS trigger
     LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$";

/// The decision is committed but its answer is lost. The coordinator asks for it before it responds.
///
/// The server waits for a standby that does not exist. A session that is ended during that wait has already
/// committed but can no longer answer.
pub async fn a_decision_whose_answer_is_lost_is_asked_for(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.new_infrastructure().await?;
    let world = stage.new_world(Driver::TwoPhase, &infrastructure).await?;
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    let mut connection = AsyncPgConnection::establish(&world.databases.orders).await?;
    connection.batch_execute(DECISION_WAITS).await?;
    for setting in ["synchronous_commit = 'local'", "synchronous_standby_names = 'nobody'"] {
        if let Err(error) = connection.batch_execute(&format!("ALTER SYSTEM SET {setting}")).await {
            world.into_shop().stop(&infrastructure).await?;
            infrastructure.stop().await?;
            return Ok(Some(format!("the server refuses the setting that makes it wait: {error}")));
        }
    }
    connection.batch_execute("SELECT pg_reload_conf()").await?;
    let (order, key) =
        (order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 10 }]), Uuid::new_v4().to_string());
    let answer = tokio::spawn(send(world.address.clone(), key, order));
    let waiting = "SELECT count(*) AS number FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    eventually("the decision waits for the standby", async || {
        Ok((number(&world.databases.orders, waiting).await? == 1).then_some(()))
    })
    .await?;
    connection.batch_execute(DECISION_WAITS_NO_MORE).await?;
    connection
        .batch_execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        .await?;
    let (status, said) = answer.await??;
    ensure!(status == 201 && said["status"] == "confirmed", "{status}: {said}");
    nothing_is_prepared(&world).await?;
    ensure!(world.on_hand(&sku).await? == 3);
    stage.close(world, &infrastructure, Expected::default()).await?;
    infrastructure.stop().await?;
    Ok(None)
}
