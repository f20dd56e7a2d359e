//! A `COMMIT` that the server has done, and whose answer is lost. What the customer is told is true, and the
//! link in it leads to the order.
//!
//! The server waits for a standby that does not exist. A session that is ended during that wait has committed
//! and can no longer answer.

use anyhow::{Context, Result, ensure};
use audit::Expected;
use diesel::QueryableByName;
use diesel::sql_types::BigInt;
use diesel_async::{AsyncConnection, AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};
use tests::{Answer, Driver, Goods, Line, Stage, World, eventually, order};
use uuid::Uuid;

/// Makes only transactions that store an order wait for the standby.
const WAITS: &str = "CREATE OR REPLACE FUNCTION orders.wait() RETURNS trigger LANGUAGE plpgsql AS
     $$ BEGIN PERFORM set_config('synchronous_commit', 'on', true); RETURN NEW; END $$;
     CREATE OR REPLACE TRIGGER wait BEFORE INSERT ON orders.orders FOR EACH ROW EXECUTE FUNCTION orders.wait()";
const WAITS_NO_MORE: &str = "CREATE OR REPLACE FUNCTION orders.wait() RETURNS trigger
     LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$";

/// How the wait ends.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Ending {
    /// It is cancelled. The server answers, with a warning.
    Cancelled,
    /// The session ends. The shop can ask for the order in another one.
    Session,
    /// Every session of the database ends, and for a while it accepts no other.
    Database,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

/// A database server, from outside one of its databases.
pub struct Server {
    connection: AsyncPgConnection,
    /// That database.
    database: String,
}

impl Server {
    pub async fn outside(database: &str) -> Result<Server> {
        let (server, database) = database.rsplit_once('/').context("a URL with a database")?;
        let connection = AsyncPgConnection::establish(&format!("{server}/postgres")).await?;
        Ok(Server { connection, database: database.to_owned() })
    }

    /// Runs a statement in which `%` is the database.
    pub async fn run(&mut self, statement: &str) -> Result<()> {
        let statement = statement.replace("%", &self.database);
        self.connection.batch_execute(&statement).await.with_context(|| statement.clone())
    }

    async fn until_it_waits(&mut self) -> Result<()> {
        let waiting = format!(
            "SELECT count(*) AS number FROM pg_stat_activity
             WHERE wait_event = 'SyncRep' AND datname = '{}'",
            self.database
        );
        eventually("the commit waits for the standby", async || {
            let found: Number = diesel::sql_query(&waiting).get_result(&mut self.connection).await?;
            Ok((found.number == 1).then_some(()))
        })
        .await
    }

    async fn end(&mut self, how: Ending) -> Result<()> {
        let waiting = "FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND datname = '%'";
        match how {
            Ending::Cancelled => self.run(&format!("SELECT pg_cancel_backend(pid) {waiting}")).await,
            Ending::Session => self.run(&format!("SELECT pg_terminate_backend(pid) {waiting}")).await,
            Ending::Database => {
                self.run("ALTER DATABASE \"%\" ALLOW_CONNECTIONS false").await?;
                let all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '%'";
                self.run(all).await
            }
        }
    }
}

pub async fn a_commit_whose_answer_is_lost_is_told_as_it_is(stage: &Stage) -> Result<Option<String>> {
    let infrastructure = stage.new_infrastructure().await?;
    for driver in [Driver::Local, Driver::Orchestrated, Driver::Choreographed, Driver::Tcc] {
        let world = stage.new_world(driver, &infrastructure).await?;
        let mut server = Server::outside(&world.databases.orders).await?;
        for setting in ["synchronous_commit = 'local'", "synchronous_standby_names = 'missing'"] {
            if let Err(error) = server.run(&format!("ALTER SYSTEM SET {setting}")).await {
                world.into_shop().stop(&infrastructure).await?;
                infrastructure.stop().await?;
                return Ok(Some(format!("the server refuses the setting that makes it wait: {error:#}")));
            }
        }
        server.run("SELECT pg_reload_conf()").await?;
        for how in [Ending::Cancelled, Ending::Session, Ending::Database] {
            loses(&world, &mut server, how).await.with_context(|| format!("{driver}, {how:?}"))?;
        }
        stage.close(world, &infrastructure, Expected::default()).await.context(driver.to_string())?;
    }
    infrastructure.stop().await?;
    Ok(None)
}

/// Loses the answer to the commit of one order, and checks what the customer is told before and after.
async fn loses(world: &World, server: &mut Server, how: Ending) -> Result<()> {
    let (sku, customer) = (world.product(Goods { price: 10, pieces: 5 }).await?, world.customer(100).await?);
    let body = order(&customer, "seoul", &[Line { sku: &sku, pieces: 2, price: 10 }]);
    let key = Uuid::new_v4().to_string();
    let mut orders = AsyncPgConnection::establish(&world.databases.orders).await?;
    orders.batch_execute(WAITS).await?;
    let breaking = async {
        server.until_it_waits().await?;
        orders.batch_execute(WAITS_NO_MORE).await?;
        server.end(how).await
    };
    let (answer, broken) = tokio::join!(world.order(&key, &body), breaking);
    broken?;
    let answer = answer?;
    let place = match how {
        Ending::Cancelled | Ending::Session => accepted(world, answer)?,
        Ending::Database => {
            answer.is_problem(504, "outcome_unknown")?;
            ensure!(!answer.text.contains("nothing was decided"), "{}", answer.text);
            server.run("ALTER DATABASE \"%\" ALLOW_CONNECTIONS true").await?;
            answer.json["ask"].as_str().with_context(|| format!("no `ask`: {}", answer.text))?.to_owned()
        }
    };
    let found = eventually("the link leads to the order", async || {
        let found = world.get(&place).await?;
        ensure!([200, 503, 504].contains(&found.status), "{}: {}", found.status, found.text);
        Ok((found.status == 200).then_some(found.json))
    })
    .await?;
    ensure!(world.driver != Driver::Local || found["status"] == "confirmed", "{found}");
    let decided = world.decision(&place).await?;
    ensure!(decided["status"] == "confirmed", "{decided}");
    let again = eventually("the orders service is used again", async || {
        let again = world.order(&key, &body).await?;
        // The order exists, so a refusal may speak of this request alone, and never of a new key.
        let is_true = again.text.contains("with the same Idempotency-Key");
        ensure!(again.status != 503 || is_true, "{}", again.text);
        Ok((again.status != 503).then_some(again))
    })
    .await?
    .expect(200)?;
    ensure!(again.header("idempotency-replayed") == "true", "the same key placed a second order");
    let order = again.json["order_id"].as_str().unwrap_or_default();
    ensure!(
        found["order_id"] == order && again.header("location").ends_with(order),
        "{order} instead of {found}"
    );
    let left = (world.on_hand(&sku).await?, world.balance(&customer).await?);
    ensure!(left == (3, 80), "{left:?}: not booked once");
    Ok(())
}

/// The shop found out by itself that the order is stored: the order is new, and its place is returned.
fn accepted(world: &World, answer: Answer) -> Result<String> {
    let answer = answer.expect(if world.driver == Driver::Local { 201 } else { 202 })?;
    ensure!(answer.header("idempotency-replayed").is_empty(), "the client sent it only once");
    let status = if world.driver == Driver::Local { "confirmed" } else { "pending" };
    ensure!(answer.json["status"] == status, "{}", answer.text);
    Ok(answer.header("location").to_owned())
}
