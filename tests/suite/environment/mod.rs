//! The database has a temporary problem. Nothing is lost by it, and every response about an order is true.
//!
//! A trigger causes the problem: it fails as the server would, with the server's codes and in Korean, or ends
//! the session that fires it. A sequence counts how often it fired, because no rollback undoes a sequence.

mod changes;
mod cut;
mod half_open;
mod lost_answer;
mod read_only;

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tests::{Body, Driver, Goods, Line, Stage, World, eventually};
use uuid::Uuid;

pub use changes::a_table_may_change_under_a_running_shop;
pub use cut::a_cut_connection_never_counts_against_a_message;
pub use half_open::a_half_open_connection_is_given_up;
pub use lost_answer::a_commit_whose_answer_is_lost_is_told_as_it_is;
pub use read_only::a_read_only_moment_is_waited_out;
use tests::order;

/// Fails with the codes of a lock time-out, a deadlock, a full disk, a shutdown, an I/O error, too many
/// connections and a stale prepared statement, in turn.
const FAILS: &str = "RAISE EXCEPTION '잠시 후 다시 시도하세요' USING ERRCODE =
    (ARRAY['55P03', '40P01', '53100', '57P01', '58030', '53300', '0A000'])[1 + fired % 7];";

/// Ends its session, each time.
const HANGS_UP: &str = "PERFORM pg_terminate_backend(pg_backend_pid());";

/// Ends its session, the first time only.
const HANGS_UP_ONCE: &str = "IF fired = 1 THEN PERFORM pg_terminate_backend(pg_backend_pid()); END IF;";

/// When the trigger fires: before a row is inserted, or when the transaction that inserted it commits.
const BEFORE: &str = "TRIGGER bad_moment BEFORE INSERT ON";
const AT_COMMIT: &str = "CONSTRAINT TRIGGER bad_moment AFTER INSERT ON";

/// A database in which inserts into one table fail.
struct BadMoment {
    connection: AsyncPgConnection,
    table: &'static str,
}

#[derive(QueryableByName)]
struct Fired {
    #[diesel(sql_type = BigInt)]
    fired: i64,
}

impl BadMoment {
    async fn begin(url: &str, when: &str, table: &'static str, what: &str) -> Result<BadMoment> {
        let mut connection = AsyncPgConnection::establish(url).await?;
        let deferred = if when.starts_with("CONSTRAINT") { "DEFERRABLE INITIALLY DEFERRED" } else { "" };
        connection
            .batch_execute(&format!(
                "DROP SEQUENCE IF EXISTS public.bad_moments;
                 CREATE SEQUENCE public.bad_moments;
                 CREATE OR REPLACE FUNCTION public.bad_moment() RETURNS trigger LANGUAGE plpgsql AS $$
                     DECLARE fired bigint := nextval('public.bad_moments');
                     BEGIN {what} RETURN NEW; END $$;
                 CREATE {when} {table} {deferred} FOR EACH ROW EXECUTE FUNCTION public.bad_moment()"
            ))
            .await?;
        Ok(BadMoment { connection, table })
    }

    async fn fired(&mut self) -> Result<i64> {
        let fired = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS fired FROM public.bad_moments";
        let row: Fired = diesel::sql_query(fired).get_result(&mut self.connection).await?;
        Ok(row.fired)
    }

    async fn end(mut self) -> Result<()> {
        let end = format!("DROP TRIGGER bad_moment ON {}", self.table);
        Ok(self.connection.batch_execute(&end).await?)
    }
}

/// More attempts than a message has before it becomes a dead letter.
const LONG: i64 = 30;

pub async fn a_bad_moment_is_waited_out_in_any_language(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for driver in [Driver::Orchestrated, Driver::Choreographed] {
        let world = stage.new_world(driver, infrastructure).await?;
        let (sku, customer) =
            (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
        let inventory = &world.databases.inventory;
        let mut moment = BadMoment::begin(inventory, BEFORE, "inventory.reservations", FAILS).await?;
        let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]);
        let placed = world.order(&Uuid::new_v4().to_string(), &body).await?.expect(202)?;
        eventually("the inventory keeps trying", async || Ok((moment.fired().await? >= LONG).then_some(())))
            .await?;
        moment.end().await?;
        let decided = world.decision(placed.header("location")).await?;
        ensure!(decided["status"] == "confirmed", "{decided}");
        ensure!(world.on_hand(&sku).await? == 4);
        // The audit also checks that there is no dead letter.
        stage.close(world, infrastructure, Expected::default()).await.context(driver.to_string())?;
    }
    Ok(None)
}

pub async fn a_lost_connection_is_tried_again(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for driver in [Driver::Local, Driver::Orchestrated] {
        let world = stage.new_world(driver, infrastructure).await?;
        let (sku, customer) =
            (world.product(Goods { price: 10, pieces: 9 }).await?, world.customer(100).await?);
        let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]);
        for when in [BEFORE, AT_COMMIT] {
            let orders = &world.databases.orders;
            let mut moment = BadMoment::begin(orders, when, "orders.orders", HANGS_UP_ONCE).await?;
            let placed = world.order(&Uuid::new_v4().to_string(), &body).await?;
            let new = if driver == Driver::Local { 201 } else { 202 };
            let placed = placed.expect(new).with_context(|| format!("{driver}, {when}"))?;
            ensure!(moment.fired().await? == 2, "it was tried {} times", moment.fired().await?);
            ensure!(placed.header("idempotency-replayed").is_empty(), "the client sent it only once");
            moment.end().await?;
            let decided = world.decision(placed.header("location")).await?;
            ensure!(decided["status"] == "confirmed", "{decided}");
        }
        ensure!((world.on_hand(&sku).await?, world.balance(&customer).await?) == (7, 80), "bought twice");
        stage.close(world, infrastructure, Expected::default()).await.context(driver.to_string())?;
    }
    Ok(None)
}

pub async fn what_is_said_of_an_order_is_true(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    for driver in [Driver::Local, Driver::Orchestrated] {
        let world = stage.new_world(driver, infrastructure).await?;
        let (sku, customer) =
            (world.product(Goods { price: 10, pieces: 9 }).await?, world.customer(100).await?);
        let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]);
        let orders = world.databases.orders.clone();

        // It fails before the commit is sent, so it is certainly not done.
        let key = Uuid::new_v4().to_string();
        let moment = BadMoment::begin(&orders, BEFORE, "orders.orders", HANGS_UP).await?;
        let answer = world.order(&key, &body).await?;
        answer.is_problem(503, "unavailable").with_context(|| driver.to_string())?;
        ensure!(answer.json.get("ask").is_none(), "{}", answer.text);
        moment.end().await?;
        send_again(&world, &key, &body).await?;

        // The answer to the commit is lost, so the outcome is unknown, and the response says where to ask.
        let key = Uuid::new_v4().to_string();
        let moment = BadMoment::begin(&orders, AT_COMMIT, "orders.orders", HANGS_UP).await?;
        let answer = world.order(&key, &body).await?;
        answer.is_problem(504, "outcome_unknown").with_context(|| driver.to_string())?;
        let ask = answer.json["ask"].as_str().context("the problem has an `ask` path")?;
        ensure!(!answer.text.contains("nothing was decided"), "{}", answer.text);
        world.get(ask).await?.is_problem(404, "not_found")?;
        moment.end().await?;
        send_again(&world, &key, &body).await?;
        ensure!((world.on_hand(&sku).await?, world.balance(&customer).await?) == (7, 80), "bought twice");
        stage.close(world, infrastructure, Expected::default()).await.context(driver.to_string())?;
    }
    Ok(None)
}

/// Sends the request again with the same key, as the problem's detail says.
async fn send_again(world: &World, key: &str, body: &serde_json::Value) -> Result<()> {
    let placed = world.order(key, body).await?;
    ensure!([201, 202].contains(&placed.status), "{}: {}", placed.status, placed.text);
    let decided = world.decision(placed.header("location")).await?;
    ensure!(decided["status"] == "confirmed", "{decided}");
    Ok(())
}

pub async fn a_stored_order_is_pending_whatever_the_database_does(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.infrastructure().await?;
    let world = stage.new_world(Driver::Orchestrated, infrastructure).await?;
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    let payments = &world.databases.payments;
    let mut moment = BadMoment::begin(payments, BEFORE, "payments.payments", FAILS).await?;
    let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 1, price: 10 }]);
    let key = Uuid::new_v4().to_string();
    let headers = [("idempotency-key", key.as_str()), ("prefer", "wait=5")];
    let waiting = world.send("POST", "/orders", &headers, Body::Json(body));
    let breaking = async {
        let under_way = async || Ok((moment.fired().await? > 0).then_some(()));
        eventually("the order waits for its payment", under_way).await?;
        let orders = world.databases.orders.rsplit('/').next().unwrap_or_default();
        let away = format!(
            "ALTER DATABASE \"{orders}\" ALLOW_CONNECTIONS false;
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{orders}'"
        );
        moment.connection.batch_execute(&away).await?;
        anyhow::Ok(format!("ALTER DATABASE \"{orders}\" ALLOW_CONNECTIONS true"))
    };
    let (answer, back) = tokio::join!(waiting, breaking);
    // The database was away until the customer had a response.
    moment.connection.batch_execute(&back?).await?;
    let answer = answer?.expect(202)?;
    ensure!(answer.json["status"] == "pending", "{}", answer.text);
    moment.end().await?;
    let decided = world.decision(answer.header("location")).await?;
    ensure!(decided["status"] == "confirmed", "{decided}");
    stage.close(world, infrastructure, Expected::default()).await?;
    Ok(None)
}
